package apiclient

import (
	"net"
	"net/url"

	"github.com/amsbridge/amsbridge/internal/check"
)

// CheckEndpoint returns an [*amsbridge.InputError] naming the field, such as "Config.Endpoint", unless
// raw is an absolute https URL with a host and without user name or fragment. Where the client allows
// it, plain http to a loopback address is accepted too.
func (c *Client) CheckEndpoint(field, raw string) error {
	if problem := c.endpointProblem(raw); problem != "" {
		return check.Bad(c.pkg, field, problem)
	}
	return nil
}

// endpointProblem says what is wrong with a URL, without quoting it.
func (c *Client) endpointProblem(raw string) string {
	if raw == "" {
		return "is empty"
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Scheme != "https" && u.Scheme != "http":
		return "is not an https URL"
	case u.Hostname() == "":
		return "has no host"
	case u.User != nil:
		return "holds a user name or password"
	case u.Fragment != "":
		return "has a fragment"
	case u.Scheme == "http" && !c.allowHTTP:
		return "is not an https URL (plain http to a loopback address needs AllowLoopbackHTTP)"
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		return "is plain http to an address that is not loopback"
	}
	return ""
}

// Loopback tells whether a host, without port, is localhost or a loopback
// address in digits.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
