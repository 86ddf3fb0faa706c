package handoff

import (
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/amsbridge/amsbridge/internal/check"
)

// maxLimited is how many callers one generation of a limiter holds.
const maxLimited = 10_000

// limiter allows each caller a number of calls a minute, which may come all at once. It counts only
// this process's calls. It keeps two generations of callers and drops the older one when the younger is
// full or a minute old, so that strangers cannot fill the memory. A dropped caller has the full number
// again.
type limiter struct {
	perMinute int
	now       func() time.Time

	mu           sync.Mutex
	young, old   map[string]*rate.Limiter
	youngerSince time.Time
}

func newLimiter(field string, perMinute, otherwise int, now func() time.Time) (*limiter, error) {
	if perMinute == 0 {
		perMinute = otherwise
	}
	if perMinute < 0 || perMinute > 1_000_000 {
		return nil, check.Bad("handoff", field, "is not from 1 to 1,000,000 a minute")
	}
	return &limiter{perMinute: perMinute, now: now, young: map[string]*rate.Limiter{}}, nil
}

// allows tells whether a call is within the caller's limit.
func (l *limiter) allows(who string) bool {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.young) >= maxLimited || now.Sub(l.youngerSince) > time.Minute {
		l.old, l.young, l.youngerSince = l.young, map[string]*rate.Limiter{}, now
	}
	r, ok := l.young[who]
	if !ok {
		if r, ok = l.old[who]; !ok {
			r = rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)
		}
		l.young[who] = r
	}
	return r.AllowN(now, 1)
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
