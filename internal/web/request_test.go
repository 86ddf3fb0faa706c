package web

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// request returns a request with these headers, in pairs.
func request(method string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "https://shop.example.org/page", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestNavigations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		headers []string
		is      bool
	}{
		{nil, true}, // an old browser, a command line
		{[]string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "cross-site"}, true},
		{[]string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, false},
		{[]string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "frame"}, false},
		{[]string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "object"}, false},
		{[]string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "embed"}, false},
		{[]string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "fencedframe"}, false},
		{[]string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", ""}, false},
		{[]string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "empty"}, false},
		{[]string{"Sec-Fetch-Mode", "cors"}, false},
		{[]string{"Sec-Fetch-Mode", "same-origin"}, false},
		{[]string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Mode", "no-cors"}, false},
		{[]string{"Sec-Fetch-Dest", "document", "Sec-Fetch-Dest", "iframe"}, false},
		{[]string{"Sec-Purpose", "prefetch"}, false},
		{[]string{"Sec-Purpose", "prefetch;prerender"}, false},
		{[]string{"Sec-Purpose", "prefetch;anonymous-client-ip"}, false},
		{[]string{"Sec-Purpose", "", "Sec-Purpose", "prefetch"}, false},
		{[]string{"Purpose", "Prefetch"}, false},
		{[]string{"X-Purpose", "preview"}, false},
		{[]string{"X-Moz", "prefetch"}, false},
	} {
		require.Equal(t, c.is, IsNavigation(request(http.MethodGet, c.headers...)), c.headers)
		require.Equal(t, c.is, Navigates(request(http.MethodPost, c.headers...)), c.headers)
		require.False(t, IsNavigation(request(http.MethodPost, c.headers...)))
		require.False(t, IsNavigation(request(http.MethodHead, c.headers...)))
	}
}

// A browser answers the click with what it prefetched, if the status is one of success.
func TestRefusalsToWhatNobodySeesAreNoSuccess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status  int
		method  string
		headers []string
	}{
		{http.StatusServiceUnavailable, http.MethodGet, []string{"Sec-Purpose", "prefetch"}},
		{http.StatusServiceUnavailable, http.MethodGet, []string{"Sec-Purpose", "prefetch;prerender"}},
		{http.StatusServiceUnavailable, http.MethodGet, []string{"Purpose", "prefetch", "Sec-Fetch-Dest", "empty"}},
		{http.StatusServiceUnavailable, http.MethodGet, []string{"X-Moz", "prefetch"}},
		{http.StatusForbidden, http.MethodGet, []string{"Sec-Fetch-Dest", "iframe"}},
		{http.StatusForbidden, http.MethodPost, []string{"Sec-Fetch-Mode", "no-cors"}},
		{http.StatusNoContent, http.MethodHead, nil},
	} {
		rec := httptest.NewRecorder()
		RefuseUnseen(rec, request(c.method, c.headers...))
		require.Equal(t, c.status, rec.Code, c.headers)
	}
}

func TestNavigationsFromOurOwnPages(t *testing.T) {
	t.Parallel()
	const get, post = http.MethodGet, http.MethodPost
	for _, c := range []struct {
		method  string
		headers []string
		own     bool
	}{
		{get, []string{"Sec-Fetch-Site", "same-origin"}, true},
		{get, []string{"Sec-Fetch-Site", "none"}, true},
		{get, []string{"Sec-Fetch-Site", "same-site"}, false},
		{get, []string{"Sec-Fetch-Site", "cross-site"}, false},
		{get, []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"}, false},
		{get, []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "iframe"}, false},
		{get, []string{"Sec-Fetch-Site", "same-origin", "Sec-Purpose", "prefetch"}, false},
		{post, []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate"}, true},
		{post, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://shop.example.org"}, false},
		{post, []string{"Origin", "https://shop.example.org"}, true},
		{post, []string{"Origin", "https://evil.example"}, false},
		{post, []string{"Origin", "null", "Referer", "https://shop.example.org/"}, false},
		{post, nil, false},
		{get, nil, false}, // an old browser's, from wherever
		{get, []string{"Referer", "https://shop.example.org/a"}, true},
		{get, []string{"Referer", "https://evil.example/shop.example.org"}, false},
		{get, []string{"Referer", "//"}, false},
	} {
		require.Equal(t, c.own, FromOwnPage(request(c.method, c.headers...)), "%s %s", c.method, c.headers)
	}
}
