package elevate

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge/internal/apiclient"
)

// maxURL is the longest Product URL kept, in bytes.
const maxURL = 2048

// productURL returns the Product URL as it may be stored and shown as a link, or why it may not. The
// URL is rewritten from its parts, so that no browser reads it differently from this check. A relative one is
// resolved against the profile's ProductURLBase, or if it begins with a slash against the endpoint, as RFC 3986
// section 5.1.3 has it.
func (c *Client) productURL(raw, email string) (link, problem string) {
	if len(raw) > maxURL {
		return "", "is longer than 2,048 bytes"
	}
	if strings.ContainsFunc(raw, notInURL) {
		return "", "has spaces, control characters or others that no URL may hold"
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", "is not a URL"
	}
	if u.Scheme == "" && (c.profile.ProductURLBase != "" || strings.HasPrefix(raw, "/")) {
		base, err := url.Parse(cmp.Or(c.profile.ProductURLBase, c.endpoint))
		if err != nil {
			return "", "has no base"
		}
		u = base.ResolveReference(u)
	}
	host := hostOf(u)
	switch {
	case u.Scheme != "https" && !(u.Scheme == "http" && c.allowHTTP && apiclient.Loopback(u.Hostname())):
		return "", "is not https"
	case u.User != nil:
		return "", "holds a user name"
	case !slices.Contains(c.hosts, host):
		return "", "is on a host that AllowedHosts does not list"
	case c.api.Scrub(raw, email) != raw:
		return "", "holds an e-mail address or a credential"
	}
	u.Host = host
	u.RawQuery = asciiOnly(u.RawQuery) // String escapes only the path and the fragment
	link = u.String()
	switch {
	case len(link) > maxURL:
		return "", "is longer than 2,048 bytes once it is escaped"
	case link != raw && c.api.Scrub(link, email) != link:
		return "", "holds an e-mail address or a credential once it is escaped"
	}
	return link, ""
}

// notInURL matches ASCII characters that RFC 3986 does not allow. Non-ASCII ones are accepted, since
// they can be escaped unambiguously.
func notInURL(r rune) bool {
	switch r {
	case 0x7f, '\\', '"', '<', '>', '^', '`', '{', '|', '}':
		return true
	}
	return r <= ' '
}

// asciiOnly percent-encodes what is not ASCII, in UTF-8.
func asciiOnly(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	return b.String()
}

// hostOf returns host and port in lower case, without a port that the scheme
// implies.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if p := u.Port(); p == "443" && u.Scheme == "https" || p == "80" && u.Scheme == "http" {
		host = strings.TrimSuffix(host, ":"+p)
	}
	return strings.TrimSuffix(host, ":")
}
