package web

import (
	"net/url"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Origin returns the scheme, host and port (RFC 6454 section 4) of an https URL, or of an http one to
// loopback, in the form of an Origin header. It returns "" where there is none that may be listed.
func Origin(u *url.URL) string {
	host := u.Hostname()
	if host == "" || u.User != nil || strings.ContainsFunc(host, NotInHost) || strings.HasSuffix(u.Host, ":") {
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

// NotInHost matches characters that no host name or address has.
func NotInHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != ':'
}

// SecureURL tells whether s is an absolute https URL, or http to loopback,
// without userinfo and fragment.
func SecureURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && Origin(u) != "" && u.Fragment == "" && check.Text(s, 2048) == ""
}

// LocalPath returns a path of this site, rewritten, or "".
func LocalPath(s string) string {
	if len(s) > 0 && s[0] == '/' {
		return ReturnPolicy{}.allowed(s)
	}
	return ""
}
