// Package server is how all the examples serve HTTP: with bounds that a shop should have too, and under no
// foreign host name.
package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// New returns a server that gives nobody more time or memory than a person's browser needs: who sends slowly,
// reads slowly, keeps connections idle or sends large headers is cut off. The caller may set other fields.
func New(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, MaxHeaderBytes: 16 << 10,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
}

// Patient gives answers all the time they take: a sandbox may keep a call waiting for longer than the server's
// time-out, because that is what it was told to do.
func Patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a recorder in a test has none
		next.ServeHTTP(w, r)
	})
}

// Addressed passes on requests whose Host is an IP address or localhost, and
// refuses others: a page elsewhere can have its own name resolve to this
// machine, and would then read the page as one of its own origin.
func Addressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		_, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if err != nil && !strings.EqualFold(host, "localhost") {
			http.Error(w, "Open this page by an IP address or as localhost.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
