package apiclient

import (
	"net"
	"net/url"

	"github.com/amsbridge/amsbridge/internal/check"
)

// CheckEndpoint returns an [*amsbridge.InputError] naming the field unless raw
// is an absolute https URL with a host, and without user name or fragment. Where
// the client allows it, plain http to a loopback address is taken too.
func (c *Client) CheckEndpoint(field, raw string) error {
	if raw == "" {
		return check.Bad("apiclient", field, "is empty")
	}
	u, err := url.Parse(raw)
	if err != nil { // it quotes the whole of the URL
		return check.Bad("apiclient", field, "is not a URL")
	}
	return c.checkURL(field, u)
}

func (c *Client) checkURL(field string, u *url.URL) error {
	problem := ""
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		problem = "is not an https URL"
	case u.Hostname() == "":
		problem = "has no host"
	case u.User != nil:
		problem = "holds a user name or password"
	case u.Fragment != "":
		problem = "has a fragment"
	case u.Scheme == "http" && !c.allowHTTP:
		problem = "is not an https URL (plain http to a loopback address needs AllowLoopbackHTTP)"
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		problem = "is plain http to an address that is not loopback"
	default:
		return nil
	}
	return check.Bad("apiclient", field, problem)
}

// Loopback tells whether a host, without port, is localhost or a loopback
// address in digits.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
