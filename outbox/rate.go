package outbox

import (
	"math"
	"time"
)

// Rate limits how many messages of a destination all senders of one store together may claim in a time.
// The zero value is no limit.
//
// Each claimed message counts, even if it is given back or its sender dies. Senders with different
// rates each apply their own to what all of them claimed.
type Rate struct {
	// Count messages may be claimed in each Per, evenly spread. Zero for no limit.
	Count int
	// Per is at least a millisecond. Defaults to 1 s.
	Per time.Duration
	// Burst is how many may be claimed at once after a pause; any Per then has at most Count + Burst.
	// Defaults to a tenth of Count, at least 1.
	Burst int
}

// interval is what one message takes of the time, in microseconds.
func (r Rate) interval() int64 {
	per := r.Per
	if per <= 0 {
		per = time.Second
	}
	return max(1, per.Microseconds()/int64(r.Count))
}

func (r Rate) burst() int64 {
	if r.Burst > 0 {
		return int64(r.Burst)
	}
	return int64(max(1, r.Count/10))
}

// Allow returns how many messages may be claimed now and, if none, how long until one may be. Stores
// call it: now is the database's clock and spent the last result of [Rate.Spend], both in Unix
// microseconds; 0 when there was none.
func (r Rate) Allow(now, spent int64) (n int, wait time.Duration) {
	if r.Count <= 0 {
		return math.MaxInt32, 0
	}
	interval := r.interval()
	credit := now + r.burst()*interval - max(spent, now)
	if credit >= interval {
		return int(credit / interval), 0
	}
	return 0, time.Duration(interval-credit) * time.Microsecond
}

// Spend returns what a store must keep after a claim of n messages: it is the spent of the next
// [Rate.Allow].
func (r Rate) Spend(now, spent int64, n int) int64 {
	if r.Count <= 0 {
		return spent
	}
	return max(spent, now) + int64(n)*r.interval()
}
