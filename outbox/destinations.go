package outbox

import (
	"sync/atomic"
	"time"
)

// destState is the state of one destination in this sender. It is guarded by run.mu.
type destState struct {
	name        string
	concurrency int        // deliveries at once
	keys        int        // ordering keys of it in memory
	ready       []*keyRows // whose next messages may be recorded, in turn
	// inRing tells that it stands in backlog.ring.
	inRing bool
	rows   int // read and not recorded
	// unsettled are recorded and not settled.
	unsettled int
	// left is the first fresh message that was left in the store, zero for none; dueLeft tells that some
	// which were put off were left.
	left    ID
	dueLeft bool
	dueFrom Reading // where the next of those begins
	// dueMissed tells that some did not fit since the first of them was read.
	dueMissed bool
	batches   []*batch // recorded, waiting for a worker
	ahead     int      // messages recorded and not begun
	workers   int
	// shutting counts settlements under way that close the destination. Until they are recorded the store
	// does not know.
	shutting int
	// shut is what run.shuttings became when it was last closed: what was recorded before is not begun.
	shut int
	// shutUntil is when a closed destination may be looked at again; zero for one that is open.
	shutUntil time.Time
	// changed is when this sender closed or opened it last: what a beat tells that was sent before is old.
	changed time.Time
	// probing lets one message through once shutUntil has come, and early before it.
	probing, early bool
	// probe is that message once it was read, and testing is set while it is on its way.
	probe   *Waiting
	testing bool
	// probeKey is the ordering key whose first message is to be the probe, if hasProbeKey; probeDue looks for
	// one among what is due.
	probeKey              int64
	hasProbeKey, probeDue bool
	// restUntil is when a rate that is used up allows more.
	restUntil time.Time
	speed     speed
	trouble   trouble
	// troubled tells without the lock whether there is any.
	troubled atomic.Bool
}

// closed tells whether the destination may not be sent to freely.
func (d *destState) closed() bool { return !d.shutUntil.IsZero() || d.shutting > 0 }

// mayProbe tells whether one message may test a closed destination now.
func (d *destState) mayProbe(now time.Time) bool {
	return d.probing && !d.testing && d.shutting == 0 && (d.early || !now.Before(d.shutUntil))
}

// limit is how many of its messages may be in memory, those not settled included: what it takes in a fifth of a
// second, and never more than half of the window.
func (d *destState) limit(window int) int {
	return min(max(4*d.concurrency, int(d.speed.rate*ahead.Seconds())), max(1, window/2))
}

// room is how many more of its messages may be read.
func (d *destState) room(window int) int { return d.limit(window) - d.rows - d.unsettled }

// perKey is how many of one ordering key: a person with many messages leaves room for the others.
func (d *destState) perKey(window int) int { return max(1, min(mostPerKey, d.limit(window)/4)) }

// ahead is for how long a destination's messages are read ahead.
const ahead = 200 * time.Millisecond

// speed is how fast a destination takes messages from this sender.
type speed struct {
	since time.Time
	done  int
	rate  float64 // per second
}

// begin starts a measurement.
func (s *speed) begin(now time.Time) { s.since, s.done = now, 0 }

// measure brings the rate up to date: at once where it grew, slowly where it
// fell.
func (s *speed) measure(now time.Time) {
	const shortest, memory = 5 * time.Millisecond, 200 * time.Millisecond
	passed := now.Sub(s.since)
	if passed < shortest {
		return
	}
	rate := float64(s.done) / passed.Seconds()
	weight := min(1, float64(passed)/float64(memory))
	if rate > s.rate {
		weight = 1
	}
	s.rate += weight * (rate - s.rate)
	s.begin(now)
}

// clockGrain is added to waits that the store tells: it counts in microseconds, and asking a moment too
// early is asking twice.
const clockGrain = time.Millisecond
