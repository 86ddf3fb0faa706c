package handoff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

func TestSessionCookiesAreRenewed(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	page := e.handlers.Session(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
	}))
	ask := func(cookie string, change ...func(*http.Request)) []*http.Cookie {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if cookie != "" {
			r.AddCookie(&http.Cookie{Name: "__Secure-ams", Value: cookie})
		}
		for _, c := range change {
			c(r)
		}
		rec := httptest.NewRecorder()
		page.ServeHTTP(rec, r)
		require.Equal(t, http.StatusTeapot, rec.Code)
		return rec.Result().Cookies()
	}
	first := ask("")
	require.Len(t, first, 1)
	require.Empty(t, ask(first[0].Value), "young enough")
	require.Empty(t, ask("", func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch") }))
	e.now = e.now.Add(30 * time.Minute)
	require.Len(t, ask(first[0].Value), 1, "half its time is over")
	e.now = e.now.Add(-30 * time.Minute)
	e.session = "s-2"
	require.Len(t, ask(first[0].Value), 1, "another session")
	e.session, e.user.ID = "s-1", "U-2"
	require.Len(t, ask(first[0].Value), 1, "another member")
	for _, junk := range []string{"a.b.c", "x", strings.Repeat("A", amsbridge.MaxToken+1)} {
		require.Len(t, ask(junk), 1)
	}
	e.userErr = amsbridge.ErrSignedOut
	own := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }
	require.Equal(t, -1, ask(first[0].Value, own)[0].MaxAge)
	require.Empty(t, ask(""))
	e.userErr = nil
	require.NotEmpty(t, ask(""))
}

// page returns the middleware around a page, and asks it with a cookie.
func (e *env) page(cookie string, page http.HandlerFunc, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "__Secure-ams", Value: cookie})
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	e.handlers.Session(page).ServeHTTP(rec, r)
	return rec
}

func plain(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a page")) }

// Only ErrSignedOut on a navigation of the shop's own ends a cookie: a database that hiccups and a link from
// another site, to which the browser does not send a strict cookie of the shop, sign nobody out.
func TestPullCookiesAreNotDeletedWithoutProof(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	cookie := e.page("", plain).Result().Cookies()[0].Value
	for _, err := range []error{errors.New("connection refused"), context.DeadlineExceeded, context.Canceled} {
		e.userErr = err
		require.Empty(t, e.page(cookie, plain, "Sec-Fetch-Site", "same-origin").Result().Cookies(), err)
	}
	e.userErr = fmt.Errorf("the shop: %w", amsbridge.ErrSignedOut)
	for _, h := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Sec-Fetch-Site", "same-origin", "Sec-Purpose", "prefetch"},
		{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "iframe"},
		{"Referer", "https://evil.example/"},
		{}, // an old browser, sent by a page with no-referrer
	} {
		require.Empty(t, e.page(cookie, plain, h...).Result().Cookies(), h)
	}
	for _, site := range []string{"same-origin", "none"} {
		require.Equal(t, -1, e.page(cookie, plain, "Sec-Fetch-Site", site).Result().Cookies()[0].MaxAge)
	}
}

// An answer that carries a member's cookie is kept by no cache, whatever the page says of itself.
func TestPagesWithAPullCookieAreForOnePerson(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	loud := func(w http.ResponseWriter) {
		h := w.Header()
		h.Set("Cache-Control", "public, max-age=600")
		h.Set("Expires", "Thu, 01 Dec 2033 16:00:00 GMT")
		h.Set("CDN-Cache-Control", "max-age=600")
		h["cloudflare-CDN-cache-control"] = []string{"max-age=600"}
		h.Set("Surrogate-Control", "max-age=600")
		h.Set("X-Accel-Expires", "600")
		h.Set("Vary", "Accept-Encoding")
	}
	personal := func(rec *httptest.ResponseRecorder, how string) {
		t.Helper()
		require.Len(t, rec.Result().Cookies(), 1, how)
		h := rec.Result().Header // as it was sent
		require.Equal(t, []string{"private, no-store"}, h.Values("Cache-Control"), how)
		require.Equal(t, []string{"Accept-Encoding", "Cookie"}, h.Values("Vary"), how)
		require.Len(t, h, 3+len(h["Content-Type"]), how) // those, and the cookie
	}
	pages := map[string]http.HandlerFunc{
		"writes":         func(w http.ResponseWriter, _ *http.Request) { loud(w); _, _ = w.Write([]byte("a")) },
		"has a status":   func(w http.ResponseWriter, _ *http.Request) { loud(w); w.WriteHeader(http.StatusTeapot) },
		"not modified":   func(w http.ResponseWriter, _ *http.Request) { loud(w); w.WriteHeader(http.StatusNotModified) },
		"writes nothing": func(w http.ResponseWriter, _ *http.Request) { loud(w) },
		"flushes":        func(w http.ResponseWriter, _ *http.Request) { loud(w); w.(http.Flusher).Flush() },
		"controls":       func(w http.ResponseWriter, _ *http.Request) { loud(w); _ = http.NewResponseController(w).Flush() },
		"copies":         func(w http.ResponseWriter, _ *http.Request) { loud(w); _, _ = io.Copy(w, strings.NewReader("a")) },
	}
	for how, page := range pages {
		e.userErr = nil
		rec := e.page("", page)
		personal(rec, how)
		cookie := rec.Result().Cookies()[0].Value
		kept := e.page(cookie, page).Result().Header
		require.Equal(t, "public, max-age=600", kept.Get("Cache-Control"), "%s: a page without a cookie is its own", how)
		e.userErr = amsbridge.ErrSignedOut
		personal(e.page(cookie, page, "Sec-Fetch-Site", "none"), how+", and is signed out")
	}
	e.userErr = nil
	for _, vary := range []string{"Accept, cookie", "*"} {
		h := e.page("", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Vary", vary) }).Result().Header
		require.Equal(t, []string{vary}, h.Values("Vary"))
	}
}

// The middleware changes nothing of how a page can answer: early hints, and a connection taken over.
func TestPagesWithAPullCookieAnswerAsTheyLike(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	server := httptest.NewServer(e.handlers.Session(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hints" {
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("Cache-Control", "public")
			w.WriteHeader(http.StatusOK)
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n")
			_ = conn.Close()
		}
	})))
	defer server.Close()
	get := func(path string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		require.NoError(t, err)
		answer, err := server.Client().Do(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer
	}
	require.Equal(t, "private, no-store", get("/hints").Header.Get("Cache-Control"))
	require.Equal(t, http.StatusTeapot, get("/taken").StatusCode)
}

// After an emergency revocation the next visit brings a cookie that the platform's question is answered for.
func TestPullCookieOfARevokedKeyIsRenewed(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	stolen := ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "stolen")}
	require.NoError(t, e.keys.Replace([]ssokeys.RingKey{stolen}))
	cookie := e.page("", plain).Result().Cookies()[0].Value
	require.Empty(t, e.page(cookie, plain).Result().Cookies())
	stolen.Revoked = true
	require.NoError(t, e.keys.Replace([]ssokeys.RingKey{stolen, {Key: keytest.Generated(t, ssokeys.EdDSA, "next")}}))
	renewed := e.page(cookie, plain).Result().Cookies()
	require.Len(t, renewed, 1)
	require.Empty(t, e.page(renewed[0].Value, plain).Result().Cookies())
}

// A browser that keeps no cookie makes the shop sign with every page, but not without bound, and uses up none of
// the member's hand-offs.
func TestPullSessionsAreBoundForABrowserWithoutCookies(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	given := 0
	for range 5000 {
		rec := e.page("", plain)
		require.Equal(t, "a page", rec.Body.String())
		given += len(rec.Result().Cookies())
	}
	require.Equal(t, 20, given)
	require.Len(t, e.audited, 20)
	require.Equal(t, http.StatusSeeOther, e.get("to=pull").Code)
	e.user.ID = "U-2"
	require.Len(t, e.page("", plain).Result().Cookies(), 1, "another member")
	e.user.ID = "U-1"
	e.now = e.now.Add(3 * time.Second)
	require.Len(t, e.page("", plain).Result().Cookies(), 1)
}

// Where the shop ends no session, the same form serves for an hour, and fills no audit.
func TestSignOutsDoNotFillTheAudit(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.EndSession = nil })
	proof := e.handlers.SignOutProof("U-1")
	for range 1000 {
		require.Equal(t, http.StatusSeeOther, e.signOut(http.MethodPost, proof).Code)
	}
	require.Len(t, e.audited, 300)
}
