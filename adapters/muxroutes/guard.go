package muxroutes

import (
	"net/http"
	"net/url"
	"strings"
)

// Guard wraps a gorilla/mux router from outside, where it also covers the router's own answers:
// middleware added by Use does not run on 404, 405 and redirects.
//
//   - A path that a browser would read as another host ("//evil.example/", "/\evil.example",
//     encoded or not) is not found. With StrictSlash, and with SkipClean or UseEncodedPath, the
//     router would answer it with a redirect to that host.
//   - A URL that cannot be parsed again once it is written, such as one with "#" and "%" in its
//     query, is not found either: StrictSlash would panic on it.
//   - Every answer has nosniff and, unless a handler sets them otherwise, headers that forbid
//     framing and sending a Referer to other sites.
func Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		_, err := url.Parse(r.URL.String())
		if err != nil || leadsAway(r.URL.Path) || leadsAway(r.URL.EscapedPath()) || leadsAway(r.RequestURI) {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// leadsAway tells whether a path would be a host if it were sent back as a Location. Browsers read a
// backslash as a slash, and drop tabs and line feeds.
func leadsAway(path string) bool {
	path = strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, path)
	return len(path) > 1 && (path[0] == '/' || path[0] == '\\') && (path[1] == '/' || path[1] == '\\')
}
