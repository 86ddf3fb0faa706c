// Package web is what the handlers of this module share: which URLs and return targets are safe, which
// requests are a person's own navigation, and the headers of every answer that is for one person.
package web

import (
	"net/http"
	"strings"
)

// IsNavigation tells whether a GET is a person who opens the page, and not a HEAD, a prefetch, a link
// preview, an image or a frame: those must not sign or change anything. Browsers say so in headers
// (Fetch Metadata; Sec-Purpose). A request without these headers, as from old browsers and command
// lines, counts as a person's.
func IsNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, v := range r.Header.Values(name) {
			v = strings.ToLower(v)
			if strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
				return false
			}
		}
	}
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	return (mode == "" || mode == "navigate") && (dest == "" || dest == "document")
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

// OwnURL returns the path and query that the browser asked for, including a prefix that was stripped
// before the handler. It returns "/" where sending them back is unsafe: "//evil.example/" is a path to
// a server and a host to a browser.
func OwnURL(r *http.Request) string {
	if own := LocalPath(r.RequestURI); own != "" {
		return own
	}
	if own := LocalPath(r.URL.RequestURI()); own != "" {
		return own
	}
	return "/"
}

// Private sets the headers of every answer that is for one person alone.
func Private(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("X-Robots-Tag", "noindex")
}
