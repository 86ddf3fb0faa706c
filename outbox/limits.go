package outbox

import (
	"math"
	"time"
)

// ahead is for how long a destination's messages are claimed ahead: a claim is
// due at half of it, and must be through before the other half is delivered.
const ahead = 100 * time.Millisecond

// speed is how fast a destination takes messages from this sender.
type speed struct {
	since  time.Time
	done   int
	rate   float64       // per second
	answer time.Duration // a moving average
}

// begin starts a measurement after a rest.
func (s *speed) begin(now time.Time) { s.since, s.done = now, 0 }

// note counts a delivery.
func (s *speed) note(took time.Duration) {
	s.done++
	if s.answer == 0 {
		s.answer = took
	}
	s.answer += (took - s.answer) / 16
}

// measure brings the rate up to date: at once where it grew, slowly where it
// fell.
func (s *speed) measure(now time.Time) {
	const shortest, memory = 5 * time.Millisecond, 200 * time.Millisecond
	passed := now.Sub(s.since)
	if passed < shortest && s.rate > 0 {
		return
	}
	rate := float64(s.done) / max(passed, shortest).Seconds()
	weight := min(1, float64(passed)/float64(memory))
	if rate > s.rate {
		weight = 1
	}
	s.rate += weight * (rate - s.rate)
	s.begin(now)
}

// runLength is how long the runs of a destination should be: where slots are
// scarce, long ones leave workers idle; where answers are slow, the lease ends
// before a long one does.
func (r *run) runLength(l *line) int {
	k := longestRun
	if l.more {
		k = (r.cfg.Concurrency + l.spare) / (2 * r.cfg.Concurrency)
	}
	if l.speed.answer > 0 {
		k = min(k, int(r.cfg.Lease/3/l.speed.answer))
	}
	return max(1, min(k, longestRun))
}

// wish is what the fetcher waits for. It is guarded by run.mu.
type wish struct {
	room int  // so much room in the window; 0 for none
	idle bool // nothing unsettled
	// now is set when there is something to claim.
	now bool
	// by is when something falls due that the last claim did not know of; zero
	// for never.
	by time.Time
}

// plan says what the next claim may take, or what must be waited for.
func (r *run) plan(now time.Time, lonely bool) (req ClaimRequest, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wish = wish{}
	clear(r.shutNow)
	if lonely && r.unsettled > 0 {
		r.wish.idle = true
		return req, false
	}
	if req.Limit = r.cfg.Window - r.unsettled; req.Limit <= 0 {
		r.wish.room = max(1, r.cfg.Window/4)
		return req, false
	}
	req.DestinationLimit, req.KeyLimit = r.cfg.Concurrency, longestRun
	req.InFlight = make(map[string]int, len(r.active))
	most := math.MinInt
	for _, l := range r.active {
		l.speed.measure(now)
		l.spare = min(int(l.speed.rate*ahead.Seconds()), r.cfg.Window/2-r.cfg.Concurrency)
		l.free, l.asked = req.DestinationLimit+l.spare-l.inHand, false
		if l.shutting > 0 {
			l.free = 0
		}
		// What has no room is not looked at, and the store does not say when it
		// falls due.
		l.more = l.more || l.free <= 0
		req.InFlight[l.name] = req.DestinationLimit - l.free
		// One length for all: that of the destination with the most free slots.
		if l.free > most {
			most, req.KeyLimit = l.free, r.runLength(l)
		}
	}
	req.Skip = r.lanes.skipped(now)
	return req, true
}

// judge notes what a claim tells of what is left. It returns how many of the
// busy lanes were new to it, how many are others', and how many of others' the
// claim did not look at.
func (r *run) judge(claim Claim, full bool, now time.Time) (fresh, others, passed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if full {
		r.wish.room = max(1, r.cfg.Window/4)
	}
	fresh, others = r.lanes.met(claim.Busy, now)
	return fresh, others, r.lanes.passed
}

// roomy tells whether the window has the room that is wished for.
func (r *run) roomy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cfg.Window-r.unsettled >= r.wish.room
}

// signal tells the fetcher to look again.
func (r *run) signal() {
	r.wish.now = true
	wake(r.progress)
}

// lookBy tells the fetcher to look again at that time.
func (r *run) lookBy(at time.Time) {
	if r.wish.by.IsZero() || at.Before(r.wish.by) {
		r.wish.by = at
		wake(r.progress)
	}
}

// wanted tells whether there is something to claim now, and otherwise when, if
// that is known.
func (r *run) wanted() (now bool, by time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wish.now, r.wish.by
}
