package web

import (
	"net/http"
	"slices"
	"strings"
)

// Private sets the headers of every answer that is for one person alone.
func Private(h http.Header) {
	h.Set("Cache-Control", "no-store")
	varyByCookie(h)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("X-Robots-Tag", "noindex")
}

// outrank are headers that a cache may follow in place of Cache-Control.
var outrank = []string{"expires", "surrogate-control", "edge-control", "x-accel-expires"}

// OnePerson takes back what a page says of caches, for an answer that carries somebody's cookie. Besides
// Cache-Control there are headers that tell a cache otherwise and outrank it (RFC 9213; Surrogate-Control of
// the Edge Architecture Specification; X-Accel-Expires of nginx).
func OnePerson(h http.Header) {
	for key := range h { // not by Del, which finds names in their usual capitals only
		name := strings.ToLower(key)
		if strings.HasSuffix(name, "cache-control") || slices.Contains(outrank, name) {
			delete(h, key)
		}
	}
	h.Set("Cache-Control", "private, no-store")
	varyByCookie(h)
}

// varyByCookie adds Cookie to Vary, unless it is there.
func varyByCookie(h http.Header) {
	for _, v := range h.Values("Vary") {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, "Cookie") {
				return
			}
		}
	}
	h.Add("Vary", "Cookie")
}
