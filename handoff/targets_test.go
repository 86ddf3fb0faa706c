package handoff

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
