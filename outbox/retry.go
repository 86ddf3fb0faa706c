package outbox

import (
	"math/rand/v2"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Retry is the schedule of attempts: how long a message waits between two, and how many there are.
type Retry struct {
	// First is the delay after the first attempt; each further one doubles it.
	// Defaults to 10 s.
	First time.Duration
	// Longest limits the delay. Defaults to 30 min.
	Longest time.Duration
	// Attempts is how many attempts are made before the message is parked. Defaults to 250: with the
	// default delays that takes over 90 hours of an unavailable platform, whatever the jitter.
	Attempts int
}

// notReadyFor is how long "not ready" is waited out before a person is asked.
const notReadyFor = 72 * time.Hour

// maxHold caps what a platform may ask for by Retry-After.
const maxHold = 6 * time.Hour

// defaultHold is used where a platform throttles and names no time.
const defaultHold = time.Minute

// jitter is the share by which a delay may be shorter or longer.
const jitter = 0.2

func (r Retry) withDefaults() (Retry, error) {
	if r.First == 0 {
		r.First = 10 * time.Second
	}
	if r.Longest == 0 {
		r.Longest = max(30*time.Minute, r.First)
	}
	if r.Attempts == 0 {
		r.Attempts = 250
	}
	switch {
	case r.First < 0:
		return r, check.Bad("outbox", "SenderConfig.Retry.First", "is negative")
	case r.Longest < r.First:
		return r, check.Bad("outbox", "SenderConfig.Retry.Longest", "is shorter than First")
	case r.Longest > 24*time.Hour:
		return r, check.Bad("outbox", "SenderConfig.Retry.Longest", "is longer than a day")
	case r.Attempts < 0:
		return r, check.Bad("outbox", "SenderConfig.Retry.Attempts", "is negative")
	}
	return r, nil
}

// delay returns the wait after the nth attempt (from 1), jittered, and false
// when the schedule has ended.
func (r Retry) delay(attempt int) (time.Duration, bool) {
	if attempt >= r.Attempts {
		return 0, false
	}
	d := r.First
	for i := 1; i < attempt && d < r.Longest; i++ {
		d *= 2
	}
	return jittered(min(d, r.Longest)), true
}

// notReadyDelay is the slow schedule for what is not there yet, by how long it
// was waited for already; false once a person must look.
func notReadyDelay(waited time.Duration) (time.Duration, bool) {
	switch {
	case waited >= notReadyFor:
		return 0, false
	case waited < 10*time.Minute:
		return jittered(2 * time.Minute), true
	case waited < 2*time.Hour:
		return jittered(15 * time.Minute), true
	default:
		return jittered(time.Hour), true
	}
}

func jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 - jitter + 2*jitter*rand.Float64())) //nolint:gosec // jitter is no secret
}
