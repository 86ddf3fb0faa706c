// Package limit counts what each of many callers does in a minute, in bounded memory.
package limit

import (
	"crypto/sha256"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxCallers is how many callers one generation of a limiter holds.
const maxCallers = 10_000

// Limiter allows each caller a number of calls a minute, which may come all at once. It counts only
// this process's calls. It keeps two generations of callers and drops the older one when the younger is
// full or a minute old, and keeps of each name only a hash, so that strangers cannot fill the memory. A
// dropped caller has the full number again.
type Limiter struct {
	perMinute int
	now       func() time.Time

	mu           sync.Mutex
	young, old   map[[sha256.Size]byte]*rate.Limiter
	youngerSince time.Time
}

// New returns a limiter of at least one call a minute.
func New(perMinute int, now func() time.Time) *Limiter {
	return &Limiter{perMinute: perMinute, now: now, young: map[[sha256.Size]byte]*rate.Limiter{}}
}

// Allow counts a call, and tells whether it is within the caller's limit.
func (l *Limiter) Allow(who string) bool {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(who, now).AllowN(now, 1)
}

// Left tells whether the caller's next call is within the limit, and counts nothing.
func (l *Limiter) Left(who string) bool {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(who, now).TokensAt(now) >= 1
}

func (l *Limiter) of(who string, now time.Time) *rate.Limiter {
	if len(l.young) >= maxCallers || now.Sub(l.youngerSince) > time.Minute {
		l.old, l.young, l.youngerSince = l.young, map[[sha256.Size]byte]*rate.Limiter{}, now
	}
	name := sha256.Sum256([]byte(who))
	r, ok := l.young[name]
	if !ok {
		if r, ok = l.old[name]; !ok {
			r = rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)
		}
		l.young[name] = r
	}
	return r
}
