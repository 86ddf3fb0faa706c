package amsbridge

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// What a browser could read as another site leads to the default page, and is
// not echoed anywhere.
func TestHandOffTargetsThatLeadAway(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, func(c *HandOffsConfig) { c.PerUser, c.PerAddress = 1000, 1000 })
	for _, to := range []string{
		"//evil.example/", "///evil.example", `/\evil.example/`, `\/evil.example`, `\\evil.example`, "https:evil.example", "https:/evil.example",
		"https:///evil.example", "HTTPS://evil.example", "https://evil.example", "https://learn.example.org@evil.example/",
		"https://learn.example.org:x@evil.example/", "https://evil@learn.example.org/", "https://learn.example.org.evil.example/",
		"https://evil-learn.example.org/", "https://a.learn.example.org/", "https://learn.example.org.:443/", "https://learn.example.org:8443/",
		"https://learn.example.org%2eevil.example/", `https://evil.example\@learn.example.org/`, "https://evil.example/#@learn.example.org",
		"http://learn.example.org/", "ftp://learn.example.org/", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)",
		" javascript:alert(1)", "data:text/html,x", "vbscript:x", "//%65vil.example", "/%2fevil.example/", "/%5cevil.example/", "/%252fevil.example/",
		"/%2e%2e/evil", "/a/../../evil", "/\t/evil.example/", "\t//evil.example/", "/a\r\nSet-Cookie: x=1", "/a\x00", "/a\x7f", "/\u2028", "evil.example", "?x", "#x",
		"/" + strings.Repeat("c", 10<<10), "https://[::1%25evil]/", "https://learn.example.org:99999999/", "https://ⓛearn.example.org/", "//", "/.//evil.example/",
	} {
		rec := w.get(url.Values{"to": {"elevate"}, "return_to": {to}}.Encode())
		require.Equal(t, http.StatusOK, rec.Code, "%q", to)
		h := w.verify(learn, fields(rec)["token"])
		require.Equal(t, "/home", h.ReturnTo, "%q", to)
		require.NotContains(t, rec.Body.String(), "evil", "%q", to)

		rec = w.get(url.Values{"to": {"pull"}, "return_to": {to}}.Encode())
		require.Equal(t, "https://pull.example.org/", rec.Header().Get("Location"), "%q", to)
	}
}

// The target is said in the signed token and nowhere else.
func TestHandOffTargetIsInsideTheToken(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	rec := w.get("to=elevate&return_to=/courses/7")
	require.NotContains(t, rec.Body.String(), "courses/7")
	require.Len(t, fields(rec), 1)
	require.Equal(t, "/courses/7", w.verify(learn, fields(rec)["token"]).ReturnTo)
	rec = w.get("to=query&return_to=/courses/7")
	require.NotContains(t, rec.Header().Get("Location"), "courses")
}

// Whatever stands in a field or a title is text.
func TestHandOffFormEscapesEveryField(t *testing.T) {
	t.Parallel()
	const hostile = `"><script>alert('x')</script>&amp;` + "`"
	w := newWalkway(t, func(c *HandOffsConfig) {
		c.Platforms[0].Title = hostile
		c.Platforms[0].URL = learn + `/in?a="><script>&b='`
	})
	rec := w.get(url.Values{"to": {"elevate"}, "state": {hostile}, "nonce": {hostile}}.Encode())
	require.Equal(t, http.StatusOK, rec.Code)
	require.Equal(t, 1, strings.Count(rec.Body.String(), "<script"), "our own, which the policy names by its hash")
	require.NotContains(t, rec.Body.String(), "alert('")
	require.Equal(t, hostile, fields(rec)["state"], "a browser reads what was meant")
	require.Equal(t, hostile, w.verify(learn, fields(rec)["token"]).Nonce)
	policy := rec.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "script-src 'sha256-")
	require.NotContains(t, policy, "'unsafe")
	require.Contains(t, policy, "default-src 'none'")
	require.Contains(t, policy, "base-uri 'none'")
}

// A platform that gives no ticket gives no redirect either, and what it said is
// shown to nobody.
func TestHandOffTicketsThatFail(t *testing.T) {
	t.Parallel()
	const planted = "planted-credential"
	failed := func(o outbox.Outcome, code string) error {
		return fmt.Errorf("%s: %w", planted, &outbox.DeliveryError{Outcome: o, Code: code, Reason: planted})
	}
	for name, c := range map[string]struct {
		err     error
		url     string
		waiting bool
	}{
		"expired":      {err: failed(outbox.OutcomeRejected, "expired")},
		"71":           {err: failed(outbox.OutcomeNotReady, "71"), waiting: true},
		"72":           {err: failed(outbox.OutcomeRejected, "72")},
		"500":          {err: failed(outbox.OutcomeUnavailable, "500")},
		"HTML":         {err: failed(outbox.OutcomeUnknown, "200")},
		"throttled":    {err: failed(outbox.OutcomeThrottled, "429")},
		"unauthorized": {err: failed(outbox.OutcomeUnauthorized, "401")},
		"timeout":      {err: fmt.Errorf("%s: %w", planted, context.DeadlineExceeded)},
		"no URL":       {},
		"a path":       {url: "/in?LoginTicketKey=" + planted},
		"not https":    {url: "http://events.example.org/in?LoginTicketKey=" + planted},
		"two slashes":  {url: "//events.example.org/in?LoginTicketKey=" + planted},
		"userinfo":     {url: "https://a:" + planted + "@events.example.org/"},
		"script":       {url: "javascript:alert('" + planted + "')"},
	} {
		w := newWalkway(t, nil)
		w.ticket = func(UserID, Product) (string, error) { return c.url, c.err }
		rec := w.get("to=notified&product=dinner")
		require.Empty(t, rec.Header().Get("Location"), name)
		require.Empty(t, rec.Result().Cookies(), name)
		require.NotContains(t, fmt.Sprint(rec.Body, rec.Header(), w.events), planted, name)
		if c.waiting {
			require.Equal(t, http.StatusOK, rec.Code, name)
			require.Contains(t, rec.Body.String(), "finishing your registration", name)
		} else {
			require.Equal(t, http.StatusServiceUnavailable, rec.Code, name)
			require.Contains(t, rec.Body.String(), "Try again", name)
		}
		require.Len(t, w.events, 1, name)
		require.Equal(t, SSORefused, w.events[0].Action, name)
	}
}

// Signing out at the shop ends what the platform holds, at its next question.
func TestValidateAfterTheSignOut(t *testing.T) {
	t.Parallel()
	p := newPull(t, nil)
	p.w.h.cfg.EndSession = func(http.ResponseWriter, *http.Request) error { p.alive = false; return nil }
	token := p.token("pull")
	require.Equal(t, http.StatusOK, p.post(token).Code)
	form := url.Values{"proof": {p.w.h.SignOutProof("U-1")}}
	r := httptest.NewRequest(http.MethodPost, "/sso/sign-out", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	p.w.h.SignOut().ServeHTTP(rec, r)
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, http.StatusUnauthorized, p.post(token).Code)
}

// The cart of who is signed in is asked about as any other; being known mixes
// nothing.
func TestCartOfASignedInBuyer(t *testing.T) {
	t.Parallel()
	for policy, asks := range map[CartPolicy]bool{ConfirmIfNotEmpty: true, AlwaysConfirm: true, AlwaysAdd: false} {
		s := newShelf(t, func(c *CartConfig) { c.Policy = policy })
		s.user, s.userErr = User{ID: "U-1"}, nil
		b := s.browser()
		b.confirm("course", "same-origin")
		require.Equal(t, map[string]int{"course": 1}, s.carts["c-1"])
		rec := b.click("product=a%26b%3Dc+%C3%A9&user_id=U-2")
		require.Equal(t, asks, rec.Code == http.StatusOK, policy)
		if asks {
			require.Equal(t, map[string]int{"course": 1}, s.carts["c-1"], "asking changes nothing")
			require.Equal(t, http.StatusSeeOther, b.confirm("a&b=c é", "same-origin").Code)
		}
		require.Equal(t, map[string]int{"course": 1, "a&b=c é": 1}, s.carts["c-1"])
		require.Len(t, s.carts, 1)
	}
}
