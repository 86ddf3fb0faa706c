package handoff

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/outbox"
)

// A target that a browser could read as another site is replaced by the default page, and is not echoed
// anywhere.
func TestHandOffTargetsThatLeadAway(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.PerUser = 1000 })
	for _, to := range []string{
		"//evil.example/", "///evil.example", `/\evil.example/`, `\/evil.example`, `\\evil.example`,
		"https:evil.example", "https:/evil.example",
		"https:///evil.example", "HTTPS://evil.example", "https://evil.example",
		"https://learn.example.org@evil.example/",
		"https://learn.example.org:x@evil.example/", "https://evil@learn.example.org/",
		"https://learn.example.org.evil.example/",
		"https://evil-learn.example.org/", "https://a.learn.example.org/", "https://learn.example.org.:443/",
		"https://learn.example.org:8443/",
		"https://learn.example.org%2eevil.example/", `https://evil.example\@learn.example.org/`,
		"https://evil.example/#@learn.example.org",
		"http://learn.example.org/", "ftp://learn.example.org/", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
		"java\nscript:alert(1)",
		" javascript:alert(1)", "data:text/html,x", "vbscript:x", "//%65vil.example", "/%2fevil.example/",
		"/%5cevil.example/", "/%252fevil.example/",
		"/%2e%2e/evil", "/a/../../evil", "/\t/evil.example/", "\t//evil.example/", "/a\r\nSet-Cookie: x=1",
		"/a\x00", "/a\x7f", "/\u2028", "evil.example", "?x", "#x",
		"/" + strings.Repeat("c", 10<<10), "https://[::1%25evil]/", "https://learn.example.org:99999999/",
		"https://ⓛearn.example.org/", "//", "/.//evil.example/",
	} {
		rec := e.get(url.Values{"to": {"elevate"}, "return_to": {to}}.Encode())
		require.Equal(t, http.StatusOK, rec.Code, "%q", to)
		h := e.verify(learn, fields(rec)["token"])
		require.Equal(t, "/home", h.ReturnTo, "%q", to)
		require.NotContains(t, rec.Body.String(), "evil", "%q", to)

		rec = e.get(url.Values{"to": {"pull"}, "return_to": {to}}.Encode())
		require.Equal(t, "https://pull.example.org/", rec.Header().Get("Location"), "%q", to)
	}
}

// The target is in the signed token and nowhere else.
func TestHandOffTargetIsInsideTheToken(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	rec := e.get("to=elevate&return_to=/courses/7")
	require.NotContains(t, rec.Body.String(), "courses/7")
	require.Len(t, fields(rec), 1)
	require.Equal(t, "/courses/7", e.verify(learn, fields(rec)["token"]).ReturnTo)
	rec = e.get("to=query&return_to=/courses/7")
	require.NotContains(t, rec.Header().Get("Location"), "courses")
}

// Whatever others add to a link, and however long our own parameters are within their limits, the member comes
// back from the sign-in to the same hand-off, and so do the links of the pages between.
func TestHandOffKeepsItsWayBack(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	e.userErr = amsbridge.ErrSignedOut
	signInAndBack := func(query string) string {
		t.Helper()
		rec := e.get(query)
		require.Equal(t, http.StatusSeeOther, rec.Code, "%.99s", query)
		back, ok := e.handlers.WayBack(httptest.NewRequest(http.MethodGet, rec.Header().Get("Location"), nil))
		require.True(t, ok, "%.99s", query)
		return back
	}
	for _, foreign := range []string{
		"utm_term=a|b", "utm_term={keyword}", "utm_content=a;b", "utm_campaign=50%off", "utm_x=%E2%80%A8", "x=\"<>^`", "\xff",
		"gclid=" + strings.Repeat("x", 10_000), "x=//evil.example/..%2f",
	} {
		const want = "/sso/hand-off?to=elevate&product=course&return_to=/c"
		require.Equal(t, want, signInAndBack("to=elevate&"+foreign+"&product=course&return_to=/c&"+foreign), "%.99s", foreign)
	}
	for what, char := range map[string]string{"plain": "x", "escaped": "&", "of two bytes": "é"} {
		full := func(limit int) string { return strings.Repeat(char, limit/len(char)) }
		own := url.Values{
			"to": {"elevate"}, "product": {full(maxProductID)}, "state": {full(maxState)}, "nonce": {full(amsbridge.MaxNonce)},
			"return_to": {"/" + full(web.MaxTarget-1)},
		}
		back, err := url.Parse(signInAndBack(own.Encode()))
		require.NoError(t, err, what)
		require.Equal(t, own, back.Query(), what)
	}
	own := url.Values{"to": {"elevate"}, "return_to": {"/" + strings.Repeat("c", 50_000)}}
	require.Equal(t, "/sso/hand-off?to=elevate", signInAndBack(own.Encode()), "a target that is no target")
	require.Equal(t, "/sso/hand-off?to=elevate&state=a", signInAndBack("to=elevate&state=a&state=b&state="+strings.Repeat("c", 50_000)))

	e.userErr = nil
	e.records = []outbox.Record{e.registered("C-1", outbox.StatePending)}
	rec := e.get("to=elevate&product=course&utm_term=a|b")
	require.Contains(t, rec.Body.String(), "finishing your registration")
	require.Contains(t, rec.Body.String(), `href="/sso/hand-off?to=elevate&amp;product=course"`)
}

// A return target that cannot be read leads to the default page, and the hand-off goes on.
func TestHandOffBrokenTargetsLeadToTheDefaultPage(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	for _, target := range []string{"/a?x=50%off", "%", "%zz", "/%", "%2fa&return_to=%", "/a|b"} {
		rec := e.get("to=elevate&return_to=" + target)
		require.Equal(t, http.StatusOK, rec.Code, target)
		require.Equal(t, "/home", e.verify(learn, fields(rec)["token"]).ReturnTo, target)
	}
}
