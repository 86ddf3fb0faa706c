package handoff

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
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
