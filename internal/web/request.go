// Package web is what the handlers of this module share: which URLs and return targets are safe, which
// requests are a person's own navigation, and the headers of every answer that is for one person.
package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
)

// IsNavigation tells whether a GET is a person who opens the page, and not a HEAD, a prefetch, a link
// preview, an image or a frame: those must not sign or change anything.
func IsNavigation(r *http.Request) bool { return r.Method == http.MethodGet && Navigates(r) }

// Navigates tells whether a request, of any method, is for the page that a person is to see, and not one
// that the browser makes ahead of a click, for a frame or on behalf of a script. Browsers say so in
// headers (Fetch Metadata; Sec-Purpose). A request without these headers, as from old browsers and command
// lines, counts as a person's.
func Navigates(r *http.Request) bool {
	return !isAhead(r) && only(r, "Sec-Fetch-Mode", "navigate") && only(r, "Sec-Fetch-Dest", "document")
}

// isAhead tells whether nobody has clicked yet: a prefetch, a prerender or a preview.
func isAhead(r *http.Request) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, v := range r.Header.Values(name) {
			v = strings.ToLower(v)
			if strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
				return true
			}
		}
	}
	return false
}

// only tells whether a header has no value, or none but this one.
func only(r *http.Request, name, value string) bool {
	for _, v := range r.Header.Values(name) {
		if v != value {
			return false
		}
	}
	return true
}

// RefuseUnseen answers a request that is no navigation, and for which nothing was done. It is never 2xx,
// but for HEAD: Chromium keeps a prefetch's 204 and answers the click with it, so that nothing happens. A
// prefetch and a prerender get 503, which makes the click a request of its own (HTML, "prefetch": only an ok
// status is used).
func RefuseUnseen(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodHead:
		w.WriteHeader(http.StatusNoContent)
	case isAhead(r):
		http.Error(w, "This page is not fetched ahead.", http.StatusServiceUnavailable)
	default:
		http.Error(w, "This page opens in a window of its own.", http.StatusForbidden)
	}
}

// FromOwnPage tells whether a navigation was begun by a page of the same origin, or by the person alone: by
// the address bar or a bookmark. To any other the browser may not send a SameSite cookie, so that somebody
// who is signed in looks signed out. Browsers say so in Sec-Fetch-Site; of older ones Origin or Referer must
// name our host. A request that has none of the three proves nothing: a page of another site can have it sent
// without a Referer.
func FromOwnPage(r *http.Request) bool {
	if !Navigates(r) {
		return false
	}
	if sites := r.Header.Values("Sec-Fetch-Site"); len(sites) > 0 {
		return only(r, "Sec-Fetch-Site", "same-origin") || only(r, "Sec-Fetch-Site", "none")
	}
	from := r.Header.Get("Origin")
	if from == "" {
		from = r.Header.Get("Referer")
	}
	u, err := url.Parse(from)
	return err == nil && u.Host != "" && u.Host == r.Host
}

// Allow answers any other method with 405 and an Allow header, and returns whether the caller should
// continue.
func Allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	for _, m := range methods {
		if r.Method == m {
			return true
		}
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	http.Error(w, "Method not allowed.", http.StatusMethodNotAllowed)
	return false
}

// OwnPath returns the path that the browser asked for, including a prefix that was stripped before the handler. It
// returns "/" where sending it back is unsafe: "//evil.example/" is a path to a server and a host to a browser.
func OwnPath(r *http.Request) string {
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	return cmp.Or(LocalPath(asked), LocalPath(r.URL.EscapedPath()), "/")
}
