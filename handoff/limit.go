package handoff

import (
	"net"
	"net/http"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/limit"
)

// ticketCalls is how often in a minute a platform is asked for a ticket of one member: enough for waiting pages
// in five tabs (see refreshAfter), and too little for one member to use up what the platform allows all.
const ticketCalls = 60

func newLimiter(field string, perMinute, otherwise int, now func() time.Time) (*limit.Limiter, error) {
	if perMinute == 0 {
		perMinute = otherwise
	}
	if perMinute < 0 || perMinute > 1_000_000 {
		return nil, check.Bad("handoff", field, "is not from 1 to 1,000,000 a minute")
	}
	return limit.New(perMinute, now), nil
}

// remoteAddress returns the connection's address. For IPv6 it is the /64, since one household has a
// whole /64.
func remoteAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip := net.ParseIP(host)
	if ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String()
	}
	return host
}
