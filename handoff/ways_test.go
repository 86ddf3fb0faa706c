package handoff

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/ssoverify"
)

func TestHandOffByForm(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	rec := e.get(url.Values{
		"to": {"elevate"}, "return_to": {learn + "/courses/7?a=b"}, "state": {`"><script>`}, "nonce": {"n-1"},
	}.Encode())
	require.Equal(t, http.StatusOK, rec.Code)
	got := fields(rec)
	require.Equal(t, `"><script>`, got["state"])
	require.NotContains(t, rec.Body.String(), `"><script>`)
	h := e.verify(learn, got["token"])
	require.Equal(t, amsbridge.User{ID: "U-1"}, h.User, "the profile is not told unasked")
	require.Equal(t, learn+"/courses/7?a=b", h.ReturnTo)
	require.Equal(t, "n-1", h.Nonce)
	policy := rec.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.Contains(t, policy, "form-action "+learn+";")
	require.Contains(t, policy, "frame-ancestors 'none'")
	require.NotContains(t, policy, "unsafe")
	require.Contains(t, rec.Body.String(), `action="`+learn+`/walk-in"`)
	require.Contains(t, rec.Body.String(), "Continue to Elevate")
	require.Equal(t, amsbridge.SSOMinted, e.audited[0].Action)
	require.Equal(t, h.ID, e.audited[0].TokenID)
}

// A receiver that lists origins needs the form's, and gets no more of the page's URL than that.
func TestHandOffTellsTheOriginWhereItIsAsked(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.Platforms[0].TellOrigin = true })
	r := httptest.NewRequest(http.MethodGet, "/sso/hand-off?to=elevate", nil)
	rec := httptest.NewRecorder()
	e.handlers.Start().ServeHTTP(rec, r)
	require.Equal(t, http.StatusOK, rec.Code)
	require.Equal(t, "strict-origin", rec.Header().Get("Referrer-Policy"))
	e.userErr = amsbridge.ErrSignedOut
	require.Equal(t, http.StatusSeeOther, e.get("to=elevate").Code) // with no-referrer, as get checks
}

func TestHandOffByQuery(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	rec := e.get("to=query&state=x")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	to, err := url.Parse(rec.Header().Get("Location"))
	require.NoError(t, err)
	require.Equal(t, "https://query.example.org/in", to.Scheme+"://"+to.Host+to.Path)
	require.Equal(t, "en", to.Query().Get("lang"))
	require.Equal(t, "x", to.Query().Get("state"))
	e.verify("https://query.example.org", to.Query().Get("jwt"))
}

func TestHandOffByCookie(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	rec := e.get("to=pull&return_to=/courses/7")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "https://pull.example.org/courses/7", rec.Header().Get("Location"))
	c := rec.Result().Cookies()[0]
	require.Equal(t, "__Secure-ams", c.Name)
	require.Equal(t, "example.org", c.Domain)
	require.True(t, c.Secure && c.HttpOnly && c.SameSite == http.SameSiteLaxMode && c.MaxAge == 3600)
	v, err := ssoverify.NewSessions(ssoverify.SessionsConfig{
		Issuer: shop, Audience: "https://pull.example.org", KeySource: e.keys, Now: e.clock,
		Alive: func(_ context.Context, u amsbridge.UserID, id string) (bool, error) {
			return u == "U-1" && id == "s-1", nil
		},
	})
	require.NoError(t, err)
	s, err := v.Verify(t.Context(), c.Value)
	require.NoError(t, err)
	require.Equal(t, amsbridge.UserID("U-1"), s.UserID)
}

func TestHandOffByTicket(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	calls := 0
	e.mint = func(u amsbridge.UserID, p amsbridge.Product) (string, error) {
		calls++
		require.Equal(t, amsbridge.UserID("U-1"), u)
		require.EqualValues(t, 7, p.ShowKey)
		return events + "/in?LoginTicketKey=secret-ticket", nil
	}
	rec := e.get("to=notified&product=dinner")
	require.Equal(t, http.StatusFound, rec.Code)
	require.Equal(t, events+"/in?LoginTicketKey=secret-ticket", rec.Header().Get("Location"))
	for _, event := range e.audited {
		require.NotContains(t, event.Reason+event.TokenID, "secret")
	}
	require.Equal(t, http.StatusNotFound, e.get("to=notified").Code)
	require.Equal(t, http.StatusNotFound, e.get("to=notified&product=course").Code)
	require.Equal(t, 1, calls)
}

// Where a platform gives no ticket there is no redirect, and nobody is shown what it answered.
func TestHandOffTicketsThatFail(t *testing.T) {
	t.Parallel()
	const planted = "planted-credential"
	failed := func(o outbox.Outcome, code string) error {
		return fmt.Errorf("%s: %w", planted, &outbox.DeliveryError{Outcome: o, Code: code, Reason: planted})
	}
	for name, c := range map[string]struct {
		err            error
		url            string
		waiting, lasts bool
	}{
		"expired":      {err: failed(outbox.OutcomeRejected, "expired")},
		"71":           {err: failed(outbox.OutcomeNotReady, "71"), waiting: true},
		"72":           {err: failed(outbox.OutcomeRejected, "72")},
		"500":          {err: failed(outbox.OutcomeUnavailable, "500")},
		"HTML":         {err: failed(outbox.OutcomeUnknown, "200")},
		"throttled":    {err: failed(outbox.OutcomeThrottled, "429")},
		"unauthorized": {err: failed(outbox.OutcomeUnauthorized, "401")},
		"bad input":    {err: fmt.Errorf("a: %w", &amsbridge.InputError{Package: "p", Field: planted, Problem: planted}), lasts: true},
		"timeout":      {err: fmt.Errorf("%s: %w", planted, context.DeadlineExceeded)},
		"no URL":       {},
		"a path":       {url: "/in?LoginTicketKey=" + planted},
		"not https":    {url: "http://events.example.org/in?LoginTicketKey=" + planted},
		"two slashes":  {url: "//events.example.org/in?LoginTicketKey=" + planted},
		"userinfo":     {url: "https://a:" + planted + "@events.example.org/"},
		"script":       {url: "javascript:alert('" + planted + "')"},
	} {
		e := newEnv(t, nil)
		e.mint = func(amsbridge.UserID, amsbridge.Product) (string, error) { return c.url, c.err }
		rec := e.get("to=notified&product=dinner")
		require.Empty(t, rec.Header().Get("Location"), name)
		require.Empty(t, rec.Result().Cookies(), name)
		require.NotContains(t, fmt.Sprint(rec.Body, rec.Header(), e.audited), planted, name)
		switch {
		case c.waiting:
			require.Equal(t, http.StatusOK, rec.Code, name)
			require.Contains(t, rec.Body.String(), "finishing your registration", name)
		case c.lasts:
			require.Equal(t, http.StatusForbidden, rec.Code, name)
			require.Contains(t, rec.Body.String(), "trying again does not help", name)
			require.NotContains(t, rec.Body.String(), "<a ", name)
		default:
			require.Equal(t, http.StatusServiceUnavailable, rec.Code, name)
			require.Contains(t, rec.Body.String(), "Try again", name)
		}
		require.Len(t, e.audited, 1, name)
		require.Equal(t, amsbridge.SSORefused, e.audited[0].Action, name)
	}
}

// Fields and titles are shown as text, whatever they hold.
func TestHandOffFormEscapesEveryField(t *testing.T) {
	t.Parallel()
	const hostile = `"><script>alert('x')</script>&amp;` + "`"
	e := newEnv(t, func(c *Config) {
		c.Platforms[0].Title = hostile
		c.Platforms[0].URL = learn + `/in?a="><script>&b='`
	})
	rec := e.get(url.Values{"to": {"elevate"}, "state": {hostile}, "nonce": {hostile}}.Encode())
	require.Equal(t, http.StatusOK, rec.Code)
	require.Equal(t, 1, strings.Count(rec.Body.String(), "<script"),
		"our own, which the policy names by its hash")
	require.NotContains(t, rec.Body.String(), "alert('")
	require.Equal(t, hostile, fields(rec)["state"], "a browser reads what was meant")
	require.Equal(t, hostile, e.verify(learn, fields(rec)["token"]).Nonce)
	policy := rec.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "script-src 'sha256-")
	require.NotContains(t, policy, "'unsafe")
	require.Contains(t, policy, "default-src 'none'")
	require.Contains(t, policy, "base-uri 'none'")
}
