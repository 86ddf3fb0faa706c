package notifiedtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

const enter = "LASCmd=AI:4;F:APIUTILS!50505&LoginTicketKey="

// ticketFor calls T for a ticket.
func ticketFor(t testing.TB, s *notifiedtest.Server, user, params string) string {
	t.Helper()
	_, key, ok := strings.Cut(about(s, user, "T", params)[0], "&LoginTicketKey=")
	require.True(t, ok)
	return key
}

func TestATicketOpensTheEventOnce(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	about(s, "u-1", "RM", "&ShowKey=3&ShowPackageKey=31&AddOnsChangeList=311")
	key := ticketFor(t, s, "u-1", "&ShowKey=3&ShowLaunchInitialDisplayItem=E123")

	w := get(s, enter+key)
	require.Equal(t, 200, w.Code)
	page := w.Body.String()
	for _, want := range []string{"Annual &lt;b&gt;Meeting&lt;/b&gt;", `<b id="user">u-1</b>`, "<li>311</li>", `<b id="item">E123</b>`} {
		require.Contains(t, page, want)
	}
	require.NotContains(t, strings.ToLower(page), "one@members.example")
	require.NotContains(t, page, key)
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))

	again := get(s, enter+key)
	require.Equal(t, 403, again.Code)
	require.NotContains(t, again.Body.String(), "u-1")
	require.Len(t, s.Journal(), 2, "a browser's visit is no call")
	require.Equal(t, []notifiedtest.Visit{
		{Time: start, User: "u-1", Show: 3, Item: "E123"},
		{Time: start, User: "u-1", Show: 3, Item: "E123", Refused: "used"},
	}, s.Visits())
}

func TestATicketLivesAMinute(t *testing.T) {
	t.Parallel()
	now := start
	s := sandboxWith(t, func(c *notifiedtest.Config) { c.Now = func() time.Time { return now } })
	first, second := ticketFor(t, s, "u-1", "&ShowKey=1"), ticketFor(t, s, "u-1", "&ShowKey=1")
	now = start.Add(time.Minute - 1)
	require.Equal(t, 200, get(s, enter+first).Code)
	now = start.Add(time.Minute)
	require.Equal(t, 403, get(s, enter+second).Code)
	require.Equal(t, "expired", s.Visits()[1].Refused)
	require.Equal(t, 403, get(s, enter+second).Code)
	require.Equal(t, "used", s.Visits()[2].Refused)
}

func TestTicketsThatDoNotOpen(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	deleted := ticketFor(t, s, "u-1", "&ShowKey=1")
	about(s, "u-1", "D", "")
	for name, query := range map[string]string{
		"unknown": enter + "LTNOBODYS", "empty": enter, "none": strings.TrimSuffix(enter, "&LoginTicketKey="),
		"encoded badly": enter + "%zz", "of somebody deleted": enter + deleted, "in another parameter": enter[:len(enter)-len("LoginTicketKey=")] + "Ticket=" + deleted,
	} {
		w := get(s, query)
		require.Equal(t, 403, w.Code, name)
		require.Contains(t, w.Body.String(), "unknown, used or expired", name)
	}
	for _, v := range s.Visits() {
		require.Equal(t, notifiedtest.Visit{Time: start, Refused: "unknown"}, v)
	}
	s.Reset()
	require.Empty(t, s.Visits())
}

// TestATicketIsUsedByGETAlone: neither HEAD nor a posted form uses it up.
func TestATicketIsUsedByGETAlone(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	key := ticketFor(t, s, "u-1", "&ShowKey=1")
	require.Equal(t, 405, send(s, http.MethodHead, enter+key, "").Code)
	require.Contains(t, send(s, http.MethodPost, enter+key, "").Body.String(), "CallFailed")
	require.Equal(t, 200, get(s, enter+key).Code)
}

func TestAnOpenShowNeedsNoRegistration(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	w := get(s, enter+ticketFor(t, s, "u-2", "&ShowKey=4"))
	require.Equal(t, 200, w.Code)
	require.Contains(t, w.Body.String(), "No add-ons")
	require.Contains(t, w.Body.String(), "Show 4")
}

// FuzzVisit: only a ticket opens the event, and no query makes the server fail.
func FuzzVisit(f *testing.F) {
	f.Add("&LoginTicketKey=LT")
	f.Add("&LoginTicketKey=%zz&LoginTicketKey")
	f.Fuzz(func(t *testing.T, query string) {
		s := sandboxWith(t, nil)
		ticketFor(t, s, "u-1", "&ShowKey=1")
		w := get(s, "LASCmd=AI:4;F:APIUTILS!50505&"+query)
		require.Equal(t, 403, w.Code)
		require.NotContains(t, w.Body.String(), "u-1")
	})
}

// A shop sends its member to the event with a ticket made on the click.
func ExampleServer_Visits() {
	sandbox, err := notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{{AuthCode: "code", Credentials: "secret", Area: "acme"}},
		Shows:    []notifiedtest.Show{{Key: 1, Area: "acme", Packages: []notifiedtest.Package{{Key: 5, Name: "full"}}}},
	})
	if err != nil {
		panic(err)
	}
	ask := func(query string) string {
		r := httptest.NewRequest(http.MethodGet, "/scripts/Server.nxp", http.NoBody)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		sandbox.ServeHTTP(w, r)
		return w.Body.String()
	}
	answer := ask("LASCmd=AI:4;F:APIUTILS!50500&APIUserAuthCode=code&APIUserCredentials=secret&OpCodeList=CrT&OutputFormat=H" +
		"&LookupByExternalUserID=1&ExternalUserID=u-1&EMailAddress=ann%40members.example&ShowKey=1&ShowPackageKey=5")
	pairs, err := url.ParseQuery(answer)
	if err != nil {
		panic(err)
	}
	for range 2 {
		ask("LASCmd=AI:4;F:APIUTILS!50505&LoginTicketKey=" + pairs.Get("LoginTicketKey"))
	}
	for _, v := range sandbox.Visits() {
		fmt.Printf("%s %d %q\n", v.User, v.Show, v.Refused)
	}
	// Output:
	// u-1 1 ""
	// u-1 1 "used"
}
