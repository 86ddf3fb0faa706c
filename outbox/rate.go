package outbox

import (
	"math"
	"time"
)

// Rate limits how many messages of a destination all senders of one store together may begin in a time.
// The zero value is no limit.
//
// Each message that was begun counts, even if it is not sent after all or its sender dies. Senders with
// different rates each apply their own to what all of them began.
type Rate struct {
	// Count messages may be begun in each Per, evenly spread. Zero for no limit.
	Count int
	// Per is at least a millisecond. Defaults to 1 s.
	Per time.Duration
	// Burst is how many may be begun at once after a pause; any Per then has at most Count + Burst.
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

// rest is how long a sender that used up the rate waits at least, so that it does not ask for each message.
func (r Rate) rest() time.Duration {
	if r.Count <= 0 {
		return 0
	}
	return min(20*time.Millisecond, time.Duration(r.burst()*r.interval()/2)*time.Microsecond)
}

// Allow returns how many messages may be begun now and, if none, how long until one may be. Stores
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

// Spend returns what a store must keep after n messages were begun: it is the spent of the next
// [Rate.Allow].
func (r Rate) Spend(now, spent int64, n int) int64 {
	if r.Count <= 0 {
		return spent
	}
	return max(spent, now) + int64(n)*r.interval()
}
