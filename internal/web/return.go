package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
)

// MaxTarget is the longest return target, in bytes.
const MaxTarget = 1024

// ReturnPolicy says which pages a member may be sent back to. The zero value allows only paths of the
// same site, and has no default page.
type ReturnPolicy struct {
	origins  []string
	fallback string
}

// NewReturnPolicy returns the policy, or the bad field of the configuration and why.
func NewReturnPolicy(origins []string, fallback string) (p ReturnPolicy, field, problem string) {
	for i, o := range origins {
		u, err := url.Parse(o)
		if err != nil || o == "" || Origin(u) != o {
			return p, fmt.Sprintf("ReturnOrigins[%d]", i), "is not of the form https://host or https://host:port, in lower case"
		}
		p.origins = append(p.origins, o)
	}
	if fallback != "" {
		if p.fallback = p.allowed(fallback); p.fallback == "" {
			return p, "DefaultReturn", "is not an allowed target"
		}
	}
	return p, "", ""
}

// Target returns the requested target, rewritten, if it is allowed, and the default page otherwise. It
// returns nothing of a refused target.
func (p ReturnPolicy) Target(raw string) string {
	if to := p.allowed(raw); to != "" {
		return to
	}
	return p.fallback
}

// allowed parses a target and rewrites it, or returns "". It refuses everything that any browser,
// however lenient, could read as another origin.
func (p ReturnPolicy) allowed(raw string) string {
	if check.Text(raw, MaxTarget) != "" || strings.ContainsFunc(raw, notInURL) {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Opaque != "" || !plainPath(u) {
		return ""
	}
	to := u.String()
	local := u.Scheme == "" && u.Host == ""
	switch {
	case len(to) > MaxTarget:
		return ""
	case local && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")): // "//#a" has no path, "%2f" no slash
		return ""
	case !local && !slices.Contains(p.origins, Origin(u)):
		return ""
	}
	return to
}

// notInURL matches characters that no URL has unescaped (RFC 3986 section 2), above all the backslash,
// which browsers read as a slash.
func notInURL(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }

// plainPath refuses paths that a server or proxy could read as another path: with empty, "." and ".."
// segments, or still encoded after decoding.
func plainPath(u *url.URL) bool {
	if strings.ContainsAny(u.Path, "\\%") || strings.ContainsFunc(u.Path, check.IsControl) {
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
