package elevate

import (
	"net/url"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/adapters/internal/apiclient"
)

// maxURL is the longest Product URL kept, in bytes.
const maxURL = 2048

// productURL returns the Product URL as it may be stored and shown as a link,
// or says why it may not. The URL is written anew from its parts, so that no
// browser reads it otherwise than this check did.
func (c *Client) productURL(raw, email string) (link, problem string) {
	if len(raw) > maxURL {
		return "", "is longer than 2,048 bytes"
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return "", "has spaces, backslashes or control characters"
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "", "is not a URL"
	case u.Scheme != "https" && !(u.Scheme == "http" && c.allowHTTP && apiclient.Loopback(u.Hostname())):
		return "", "is not https"
	case u.User != nil:
		return "", "holds a user name"
	case !slices.Contains(c.hosts, hostOf(u)):
		return "", "is on a host that AllowedHosts does not list"
	case c.api.Scrub(raw, email) != raw:
		return "", "holds an e-mail address or a credential"
	}
	u.Host = hostOf(u)
	return u.String(), ""
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
