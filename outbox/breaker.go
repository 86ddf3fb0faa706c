package outbox

import (
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Breaker says when sending to a destination that does not answer is stopped. Its messages then wait
// without using up their attempts, and do not occupy the sender. An open breaker is open for all
// senders of the store: one message at a time probes the destination, and an answer closes the breaker.
type Breaker struct {
	// After is how many different messages in a row must end as unavailable or unknown, in one sender,
	// to open the breaker. Negative for never. Defaults to 10.
	After int
	// First is how long the breaker is open before the first probe; each failed probe doubles it. Defaults to Retry.First.
	First time.Duration
	// Longest limits that time. Defaults to 1 min, or First if that is longer.
	Longest time.Duration
}

func (b Breaker) withDefaults(r Retry) (Breaker, error) {
	setDefault(&b.After, 10)
	setDefault(&b.First, r.First)
	setDefault(&b.Longest, max(time.Minute, b.First))
	switch {
	case b.First < 0:
		return b, check.Bad("outbox", "SenderConfig.Breaker.First", "is negative")
	case b.Longest < b.First:
		return b, check.Bad("outbox", "SenderConfig.Breaker.Longest", "is shorter than First")
	case b.Longest > 24*time.Hour:
		return b, check.Bad("outbox", "SenderConfig.Breaker.Longest", "is longer than a day")
	}
	return b, nil
}

// open is how long the breaker is open the nth time in a row (from 1).
func (b Breaker) open(n int) time.Duration {
	d := b.First
	for i := 1; i < n && d < b.Longest; i++ {
		d *= 2
	}
	return jittered(min(d, b.Longest))
}

// lapse is how long after its last opening a breaker that this sender saw no end
// of counts as closed again: another sender's probe may have closed it.
func (b Breaker) lapse() time.Duration { return max(time.Hour, 4*b.Longest) }
