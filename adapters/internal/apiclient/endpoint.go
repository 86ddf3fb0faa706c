package apiclient

import (
	"net"
	"net/url"

	"github.com/amsbridge/amsbridge"
)

// CheckEndpoint returns an [*amsbridge.InputError] naming the field unless raw
// is an absolute https URL with a host, and without user name or fragment. Where
// the client allows it, plain http to a loopback address is taken too.
func (c *Client) CheckEndpoint(field, raw string) error {
	bad := func(problem string) error { return &amsbridge.InputError{Field: field, Problem: problem} }
	if raw == "" {
		return bad("is empty")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return bad("is not a URL") // the parser's error quotes the whole of it
	case u.Scheme != "https" && u.Scheme != "http":
		return bad("is not an https URL")
	case u.Hostname() == "":
		return bad("has no host")
	case u.User != nil:
		return bad("holds a user name or password")
	case u.Fragment != "":
		return bad("has a fragment")
	case u.Scheme == "http" && !c.allowHTTP:
		return bad("is not an https URL (plain http to a loopback address needs AllowLoopbackHTTP)")
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		return bad("is plain http to an address that is not loopback")
	}
	return nil
}

// Loopback tells whether a host, without port, is localhost or a loopback
// address in digits.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
