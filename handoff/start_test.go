package handoff

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/ssokeys"
)

func TestHandOffWaitsForTheRegistration(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	const pending, parked, delivered = outbox.StatePending, outbox.StateParked, outbox.StateDelivered
	type records = []outbox.Record
	course := func(state outbox.State) outbox.Record { return e.registered("C-1", state) }
	other := func(state outbox.State) outbox.Record { return e.registered("C-2", state) }
	for name, c := range map[string]struct {
		records records
		text    string
	}{
		"nothing bought":             {nil, "Continue to"},
		"queued":                     {records{course(pending)}, "We are finishing your registration"},
		"delivered":                  {records{course(delivered)}, "Continue to"},
		"delivered, bought again":    {records{course(delivered), course(pending)}, "Continue to"},
		"parked":                     {records{course(parked)}, "looking after your registration"},
		"parked, another is queued":  {records{course(parked), course(pending)}, "We are finishing"},
		"another product is queued":  {records{other(pending)}, "Continue to"},
		"queued, another is through": {records{other(delivered), course(pending)}, "We are finishing"},
	} {
		e.records = c.records
		require.Contains(t, e.get("to=elevate&product=course").Body.String(), c.text, name)
		require.Contains(t, e.get("to=elevate").Body.String(), "Continue to", name)
	}
	e.records = records{course(pending)}
	rec := e.get("to=elevate&product=course")
	require.Equal(t, "5", rec.Header().Get("Refresh"))
	require.Empty(t, fields(rec), "no token waits in a page")
	e.findErr = errors.New("planted-dsn")
	rec = e.get("to=elevate&product=course")
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.NotContains(t, rec.Body.String(), "planted")
}

// A product that includes others waits for those of the platform.
func TestHandOffWaitsForWhatTheProductIncludes(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	e.records = []outbox.Record{e.registered("C-1", outbox.StatePending)}
	require.Contains(t, e.get("to=elevate&product=membership").Body.String(), "We are finishing your registration")
	e.records = []outbox.Record{e.registered("C-1", outbox.StateDelivered)}
	require.Contains(t, e.get("to=elevate&product=membership").Body.String(), "Continue to")
}

// U-1 of acme and U-1 of beta are two people: what the one waits for holds nobody else up.
func TestHandOffWaitsForTheMemberOfItsAssociation(t *testing.T) {
	t.Parallel()
	for _, association := range []string{"acme", "beta"} {
		e := newEnv(t, func(c *Config) {
			c.Platforms = c.Platforms[:1]
			c.Platforms[0].Destination = "elevate/" + association
		})
		queued := e.registered("C-1", outbox.StatePending)
		queued.Destination = "elevate/acme"
		e.records = []outbox.Record{queued}
		waits := strings.Contains(e.get("to=elevate&product=course").Body.String(), "We are finishing")
		require.Equal(t, association == "acme", waits, association)
	}
}

func TestHandOffMintsNothingForWhatNobodyLooksAt(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	e.mint = func(amsbridge.UserID, amsbridge.Product) (string, error) {
		t.Error("a ticket was minted")
		return "", nil
	}
	for _, h := range [][2]string{
		{"Sec-Purpose", "prefetch"},
		{"Sec-Purpose", "prefetch;prerender"},
		{"Purpose", "prefetch"},
		{"X-Purpose", "preview"},
		{"X-Moz", "prefetch"},
		{"Sec-Fetch-Dest", "image"},
		{"Sec-Fetch-Dest", "iframe"},
		{"Sec-Fetch-Mode", "no-cors"},
		{"Sec-Fetch-Mode", "cors"},
	} {
		for _, to := range []string{"to=elevate", "to=pull", "to=query", "to=notified&product=dinner"} {
			rec := e.get(to, func(r *http.Request) { r.Header.Set(h[0], h[1]) })
			require.GreaterOrEqual(t, rec.Code, 400, h)
			require.Empty(t, rec.Result().Cookies())
		}
	}
	rec := e.get("to=elevate", func(r *http.Request) { r.Method = http.MethodHead })
	require.Equal(t, http.StatusNoContent, rec.Code)
	rec = e.get("to=elevate", func(r *http.Request) { r.Method = http.MethodPost })
	require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
	require.Equal(t, "GET, HEAD", rec.Header().Get("Allow"))
	require.Empty(t, e.audited)
}

func TestHandOffSendsToSignInAndBack(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	e.userErr = amsbridge.ErrSignedOut
	rec := e.get("to=elevate&return_to=/c")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	to, err := url.Parse(rec.Header().Get("Location"))
	require.NoError(t, err)
	require.Equal(t, "/sign-in", to.Path)
	require.Equal(t, "sso", to.Query().Get("from"))
	back := to.Query().Get("back")
	ask := func(back string) (string, bool) {
		return e.handlers.WayBack(httptest.NewRequest(http.MethodGet, "/sign-in?back="+url.QueryEscape(back), nil))
	}
	path, ok := ask(back)
	require.True(t, ok)
	require.Equal(t, "/sso/hand-off?to=elevate&return_to=/c", path)
	for name, forged := range map[string]string{
		"none": "", "bare": "/sso", "cut": back[:len(back)-2],
		"other text":      "L2V2aWw" + back[strings.Index(back, "."):],
		"another purpose": e.handlers.SignOutProof("/sso/hand-off"),
		"evil":            e.handlers.state.sign(forWayBack, "//evil.example/", time.Hour),
		"padded":          back + "=", "long": strings.Repeat("A", 1<<20),
	} {
		_, ok := ask(forged)
		require.False(t, ok, name)
	}
	e.now = e.now.Add(time.Hour)
	_, ok = ask(back)
	require.False(t, ok, "it lasts an hour")
	rec = e.get("to=elevate", func(r *http.Request) { r.RequestURI = "//evil.example/%2e%2e" })
	to, err = url.Parse(rec.Header().Get("Location"))
	require.NoError(t, err)
	path, ok = ask(to.Query().Get("back"))
	require.True(t, ok)
	require.Equal(t, "/sso/hand-off?to=elevate", path, "from the parsed URL, and not what looks like a host")
}

func TestHandOffRefusals(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.PerUser = 3 })
	require.Equal(t, http.StatusNotFound, e.get("to=nowhere").Code)
	require.Equal(t, http.StatusNotFound, e.get("to=%zz").Code)
	require.Equal(t, http.StatusBadRequest, e.get("to=elevate&state="+strings.Repeat("x", 513)).Code)
	require.Equal(t, http.StatusBadRequest, e.get("to=elevate&state=a%0ab").Code)
	e.user.ID = "null"
	require.Equal(t, http.StatusForbidden, e.get("to=elevate").Code)
	e.user.ID, e.userErr = "U-1", errors.New("planted")
	rec := e.get("to=elevate")
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.NotContains(t, rec.Body.String(), "planted")
	e.userErr = nil
	for range 3 {
		require.Equal(t, http.StatusOK, e.get("to=elevate").Code)
	}
	rec = e.get("to=elevate")
	require.Equal(t, http.StatusTooManyRequests, rec.Code)
	require.Equal(t, "60", rec.Header().Get("Retry-After"))
	e.user.ID = "U-2"
	require.Equal(t, http.StatusOK, e.get("to=elevate").Code, "another member is free")
	e.now = e.now.Add(time.Minute)
	e.user.ID = "U-1"
	require.Equal(t, http.StatusOK, e.get("to=elevate").Code)
	require.NoError(t, e.keys.Revoke(e.keys.Keys()[0].ID))
	rec = e.get("to=elevate")
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.Contains(t, rec.Body.String(), "Try again")
	last := e.audited[len(e.audited)-1]
	require.Equal(t, amsbridge.SSORefused, last.Action)
	require.Equal(t, "no key is active", last.Reason)
}

// A page that waits and looks again by itself uses nothing up, in however many tabs, whether it is the shop
// that waits or the platform that does not know the member yet.
func TestHandOffWaitingPagesAreNotCounted(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.PerUser = 3 })
	e.mint = func(amsbridge.UserID, amsbridge.Product) (string, error) {
		return "", &outbox.DeliveryError{Outcome: outbox.OutcomeNotReady, Code: "71"}
	}
	e.records = []outbox.Record{e.registered("C-1", outbox.StatePending)}
	for range 200 { // ten minutes in two tabs, and faster
		require.Equal(t, http.StatusOK, e.get("to=elevate&product=course").Code)
		require.Equal(t, http.StatusOK, e.get("to=notified&product=dinner").Code)
	}
	e.mint = func(amsbridge.UserID, amsbridge.Product) (string, error) { return events + "/in", nil }
	require.Equal(t, http.StatusFound, e.get("to=notified&product=dinner").Code)
	require.Equal(t, http.StatusOK, e.get("to=elevate").Code)
	require.Equal(t, http.StatusSeeOther, e.get("to=pull").Code)
	require.Equal(t, http.StatusTooManyRequests, e.get("to=elevate").Code, "hand-offs are counted")
	require.Equal(t, http.StatusTooManyRequests, e.get("to=notified&product=dinner").Code)
	require.Equal(t, http.StatusOK, e.get("to=elevate&product=course").Code, "and waiting goes on")
}

// Many members behind one address, signed in or not, are not in each other's way.
func TestHandOffsOfOneAddressAreNotCountedTogether(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	e.userErr = amsbridge.ErrSignedOut
	for range 500 {
		require.Equal(t, http.StatusSeeOther, e.get("to=elevate").Code)
	}
	e.userErr = nil
	for i := range 500 {
		e.user.ID = amsbridge.UserID(fmt.Sprint("U-", i))
		require.Equal(t, http.StatusOK, e.get("to=elevate").Code)
	}
}

// What mailing programs and trackers add to a link is ignored, whatever it looks like.
func TestHandOffIgnoresForeignParameters(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	for _, foreign := range []string{"utm_campaign=50%off", "utm_content=a;b", "amp;return_to=/x", "%zz=%", "nonces=%00", "\xff"} {
		rec := e.get("to=elevate&" + foreign + "&return_to=/c&" + foreign)
		require.Equal(t, http.StatusOK, rec.Code, foreign)
		require.Equal(t, "/c", e.verify(learn, fields(rec)["token"]).ReturnTo, foreign)
	}
}

// What will be refused the next time too is not answered by "try again".
func TestHandOffErrorsThatWillNotPassSaySo(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	for _, query := range []string{
		"to=elevate&nonce=" + strings.Repeat("n", amsbridge.MaxNonce+1), "to=elevate&nonce=a%0ab", "to=query&nonce=%ff",
		"to=notified&product=dinner&nonce=%00", "to=elevate&state=%00",
	} {
		rec := e.get(query)
		require.Equal(t, http.StatusBadRequest, rec.Code, query)
		require.NotContains(t, strings.ToLower(rec.Body.String()), "try again", query)
	}
	for _, product := range []string{"%00", "%ff", strings.Repeat("x", 100_000), "a%0ab"} {
		rec := e.get("to=elevate&product=" + product)
		require.Equal(t, http.StatusNotFound, rec.Code, "%.20s", product)
		require.NotContains(t, strings.ToLower(rec.Body.String()), "try again")
	}
	require.Equal(t, http.StatusNotFound, e.get("to=notified&product="+strings.Repeat("x", 256)).Code)
	for what, c := range map[string]struct {
		query  string
		change func()
	}{
		"a name with a line feed":  {"to=profile", func() { e.user.FirstName = "A\nda" }},
		"a name of 256 bytes":      {"to=profile", func() { e.user.FirstName = strings.Repeat("a", 256) }},
		"a name that is not UTF-8": {"to=profile", func() { e.user.FirstName = "\xff" }},
		"a session without an ID":  {"to=pull", func() { e.session = "" }},
		"a session with a long ID": {"to=pull", func() { e.session = strings.Repeat("s", 256) }},
	} {
		e = newEnv(t, func(c *Config) {
			key, err := ssokeys.Generate(ssokeys.EdDSA)
			require.NoError(t, err)
			c.SSO, err = amsbridge.NewSSO(amsbridge.SSOConfig{Issuer: shop, Audit: quiet, Audiences: []amsbridge.Audience{
				{Name: "profile", Audience: learn, Key: key, Claims: amsbridge.ProfileClaims{FirstName: "first_name"}},
				{Name: "pull", Audience: "https://pull.example.org", Key: key},
			}})
			require.NoError(t, err)
			c.Platforms = []Platform{{Name: "profile", URL: learn}, c.Platforms[2]}
		})
		require.Less(t, e.get(c.query).Code, 400, what)
		c.change()
		rec := e.get(c.query)
		require.Equal(t, http.StatusForbidden, rec.Code, what)
		require.Contains(t, rec.Body.String(), "trying again does not help", what)
		require.Contains(t, rec.Body.String(), "Please ask us", what)
	}
}
