package amsbridge

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// returnPolicy says which pages a member may be sent back to.
type returnPolicy struct {
	origins  []string
	fallback string
}

// newReturnPolicy returns the policy, or the field that is bad and why.
func newReturnPolicy(origins []string, fallback string) (p returnPolicy, field, problem string) {
	for i, o := range origins {
		u, err := url.Parse(o)
		if err != nil || o == "" || originOf(u) != o {
			return p, fmt.Sprintf("return origins[%d]", i), "is not of the form https://host or https://host:port, in lower case"
		}
		p.origins = append(p.origins, o)
	}
	if fallback != "" {
		if p.fallback = p.allowed(fallback); p.fallback == "" {
			return p, "default return", "is not an allowed target"
		}
	}
	return p, "", ""
}

// target returns what was asked for, written anew, if it is allowed, and the
// default page otherwise. Nothing of what is refused comes back.
func (p returnPolicy) target(raw string) string {
	if to := p.allowed(raw); to != "" {
		return to
	}
	return p.fallback
}

// allowed parses a target and writes it anew, or returns "". It is stricter
// than any browser is lenient: whatever one could read as another origin is
// refused.
func (p returnPolicy) allowed(raw string) string {
	if textProblem(raw, MaxReturnTo) != "" || strings.ContainsFunc(raw, notInURL) {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Opaque != "" || !plainPath(u) {
		return ""
	}
	to := u.String()
	local := u.Scheme == "" && u.Host == ""
	switch {
	case len(to) > MaxReturnTo:
		return ""
	case local && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")): // "//#a" has no path, "%2f" no slash
		return ""
	case !local && !slices.Contains(p.origins, originOf(u)):
		return ""
	}
	return to
}

// notInURL finds what stands in no URL (RFC 3986 section 2) unescaped, the
// backslash above all, which browsers read as a slash.
func notInURL(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }

// plainPath refuses paths that something on the way could read as another one:
// empty, "." and ".." segments, and what is still encoded once decoded.
func plainPath(u *url.URL) bool {
	if strings.ContainsAny(u.Path, "\\%") || strings.ContainsFunc(u.Path, isControl) {
		return false
	}
	segments := strings.Split(strings.TrimPrefix(u.Path, "/"), "/")
	for i, s := range segments {
		if s == "." || s == ".." || s == "" && i < len(segments)-1 {
			return false
		}
	}
	return true
}

// originOf is the scheme, host and port (RFC 6454 section 4) of an https URL,
// or of an http one to loopback, as it is written in lists of origins; "" where
// there is none that may be listed.
func originOf(u *url.URL) string {
	host := u.Hostname()
	if host == "" || u.User != nil || strings.ContainsFunc(host, notInHost) || strings.HasSuffix(u.Host, ":") {
		return ""
	}
	port := u.Port()
	switch {
	case u.Scheme == "https":
		if port == "443" {
			port = ""
		}
	case u.Scheme == "http" && loopback(host):
		if port == "80" {
			port = ""
		}
	default:
		return ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" {
		host += ":" + port
	}
	return u.Scheme + "://" + strings.ToLower(host)
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

func notInHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != ':'
}
