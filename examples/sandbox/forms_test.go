package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func TestForgedPostsAreRefused(t *testing.T) {
	t.Parallel()
	p := start(t)
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, p.elevate(), registration("U-1", "course-ethics")))
	form := url.Values{"platform": {atElevate}, "preset": {"down"}, "script": {`{"rate": 1}`}}
	for _, path := range []string{"/faults", "/script", "/reset"} {
		for _, forged := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}},
			{"Sec-Fetch-Site": {"same-site"}},
			{"Origin": {"https://evil.example"}},
			{"Origin": {"null"}},
			{"Host": {"evil.example"}, "Origin": {"http://evil.example"}, "Sec-Fetch-Site": {"same-origin"}}, // a name that now resolves to here
		} {
			a := p.do(http.MethodPost, path, form, forged)
			require.Contains(t, []int{http.StatusForbidden, http.StatusMisdirectedRequest}, a.status, "%s %v", path, forged)
		}
		a := p.do(http.MethodGet, path, nil, nil)
		require.Equal(t, http.StatusMethodNotAllowed, a.status, path)
		require.Equal(t, "POST", a.header.Get("Allow"))
	}
	body := p.page()
	require.Equal(t, 3, strings.Count(body, "<strong>none</strong>"), "nothing was changed")
	require.Contains(t, body, "Ada Example", "nothing was forgotten")
}

func TestPagesAreServedByAddressOnly(t *testing.T) {
	t.Parallel()
	p, public := start(t), start(t, "-public")
	for _, path := range []string{"/", "/style.css", "/journal/elevate.jsonl", "/journal/notified.jsonl"} {
		for host, want := range map[string]int{
			"evil.example": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example:80": 421,
			"localhost": 200, "LOCALHOST:9": 200, "[::1]:8090": 200, "10.0.0.7": 200,
		} {
			require.Equal(t, want, p.do(http.MethodGet, path, nil, http.Header{"Host": {host}}).status, "%s of %s", path, host)
			require.Equal(t, 200, public.do(http.MethodGet, path, nil, http.Header{"Host": {host}}).status, "-public: %s of %s", path, host)
		}
	}
	require.Equal(t, http.StatusMethodNotAllowed, p.do(http.MethodGet, registrationPath, nil, http.Header{"Host": {"sandbox"}}).status,
		"the APIs go by any name")
}

func TestResetForgetsAndBehaves(t *testing.T) {
	t.Parallel()
	p := start(t)
	learning, events := p.elevate(), p.notified()
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, learning, registration("U-1", "course-ethics")))
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, events, addOns("U-1001", 9985)))
	require.Equal(t, http.StatusSeeOther, p.post("/faults", "platform", atElevate, "preset", "down").status)
	a := p.post("/reset")
	require.Equal(t, http.StatusSeeOther, a.status)
	require.Equal(t, "/", a.header.Get("Location"))
	body := p.page()
	require.NotContains(t, body, "Ada Example")
	require.NotContains(t, body, "add-ons 9985</div>")
	require.Contains(t, body, "show 7001, Full pass</div>", "the people of the configuration are there")
	require.Contains(t, body, "Nothing yet.")
	require.Equal(t, 3, strings.Count(body, "<strong>none</strong>"))
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, learning, registration("U-1", "course-ethics")), "it behaves")
}

func TestFormsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, c := range []struct {
		path string
		form []string
		want string
	}{
		{"/faults", []string{"platform", atElevate, "preset", "hail"}, "preset is none of the list"},
		{"/faults", []string{"platform", atNotified, "preset", "random", "seed", "-1"}, "seed is not a whole number from 0"},
		{"/faults", []string{"platform", "moodle", "preset", "none"}, "names no platform"},
		{"/script", []string{"platform", atElevate, "script", `{"rate": 2}`}, "script.rate is not from 0 to 1"},
		{"/script", []string{"platform", atElevate, "script", `{"faults": [{"kind": "rain"}]}`}, "script.faults[0].kind is not the name of a fault"},
		{"/script", []string{"platform", atReports, "script", `{"users": {"U-1": []}}`}, "script.users is not for reports"},
		{"/script", []string{"platform", atElevate, "script", ""}, "script is not JSON from line 1 on"},
		{"/script", []string{"platform", atElevate, "script", `{"</textarea><script>": 1}`}, "is not a known field"},
	} {
		a := p.post(c.path, c.form...)
		require.Equal(t, http.StatusBadRequest, a.status, c.want)
		require.Contains(t, a.body, c.want)
		require.NotContains(t, a.body, "<script>")
		if c.path == "/script" {
			requireSound(t, a.body)
			require.Contains(t, a.body, `role="alert"`)
			require.Contains(t, a.body, `aria-invalid="true">`+html(c.form[3])+"</textarea>", "what was typed is not lost")
		}
	}
	long := p.post("/script", "platform", atElevate, "script", strings.Repeat(" ", maxForm))
	require.Equal(t, http.StatusBadRequest, long.status)
	require.Contains(t, long.body, "cannot be read", "it is not read to its end")
	require.Equal(t, 3, strings.Count(p.page(), "<strong>none</strong>"), "nothing was changed")
}

func html(s string) string {
	return strings.NewReplacer("<", "&lt;", ">", "&gt;", `"`, "&#34;").Replace(s)
}

// An upsert that is not atomic, and two calls for one new person at once.
func TestDuplicatePersonsAreShown(t *testing.T) {
	t.Parallel()
	p := start(t, "-config", configured(t, `{"elevate": {"upsert_delay": "300ms", "products": [{"remote_product_id": "a"}, {"remote_product_id": "b"}]},
		"notified": {"accounts": [{"area": "a"}]}}`))
	learning := p.elevate()
	done := make(chan outbox.Outcome, 2)
	for _, product := range []string{"a", "b"} {
		go func() { done <- outcome(t, learning, registration("U-1", product)) }()
	}
	require.Equal(t, outbox.OutcomeDelivered, <-done)
	require.Equal(t, outbox.OutcomeDelivered, <-done)
	require.Contains(t, p.page(), "Duplicate persons and registrations there: 1.")
}

func TestExportsHoldNoSecretsAndNoAddresses(t *testing.T) {
	t.Parallel()
	p := start(t)
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, p.elevate(), registration("U-1", "course-ethics")))
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, p.notified(), addOns("U-1001", 9985)))
	for _, path := range []string{"/journal/elevate.jsonl", "/journal/notified.jsonl"} {
		body := p.do(http.MethodGet, path, nil, nil).body
		require.Contains(t, body, "U-1")
		for _, secret := range []string{p.printed("api_key"), p.printed("APIUserAuthCode"), p.printed("APIUserCredentials"), "@example.org", "Ada"} {
			require.NotContains(t, body, secret)
		}
	}
}

func TestUnknownAddresses(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, path := range []string{"/nothing", "/api/", "/web/page.html", "/products/none", "/journal/", "/scripts/"} {
		a := p.do(http.MethodGet, path, nil, nil)
		require.Equal(t, http.StatusNotFound, a.status, path)
		require.NotEmpty(t, a.header.Get("Content-Security-Policy"))
	}
	require.Equal(t, http.StatusOK, p.do(http.MethodHead, "/", nil, nil).status)
}
