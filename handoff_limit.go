package amsbridge

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"

	"golang.org/x/time/rate"
)

// maxLimited is how many callers a limiter remembers. With more, the oldest
// generation is forgotten.
const maxLimited = 10_000

// limiter allows each caller so many calls a minute, as many of them at once.
// It counts in this process alone. Of two generations the older is forgotten
// when the younger is full or a minute old, so that strangers cannot fill the
// memory; who is forgotten begins anew, after a minute at the earliest unless
// there are too many.
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
		return nil, check.Bad("amsbridge", field, "is not from 1 to 1,000,000 a minute")
	}
	return &limiter{perMinute: perMinute, now: now, young: map[string]*rate.Limiter{}}, nil
}

// allows tells whether this call is within the caller's limit.
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

// remoteAddress is the connection's address; of IPv6 the /64, which one
// household has to itself.
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
