package outbox

import (
	"sync/atomic"
	"time"
)

// laneRun is what was claimed of one lane: one worker delivers it, one message
// after another.
type laneRun struct {
	line  *line
	lane  int64
	token Token
	// until is the end of the leases on the local monotonic clock, counted from
	// before the claim was sent.
	until time.Time
	// shuttings is what run.shuttings was when it was taken.
	shuttings int
	rows      []Leased
	one       [1]Leased // most lanes have one row, which then lies here
	at        int       // the row under way

	// Guarded by run.mu:
	unsettled int
	behind    bool // more of the lane waits in the store
}

// work is a claimed message on its way through this sender.
type work struct {
	*Leased
	*laneRun
}

// line is what this sender holds of one destination. It is guarded by run.mu.
type line struct {
	name      string
	waiting   []*laneRun
	workers   int
	inHand    int // messages waiting or being delivered
	unsettled int // and those whose outcome is not recorded yet
	// shutting counts settlements under way that pause or hold the destination
	// or open its breaker. Until they are recorded nothing is claimed for it;
	// afterwards the store's claim knows.
	shutting int
	// shut is what run.shuttings became by the last of them: what was taken before
	// is given back.
	shut  int
	speed speed
	// spare is how many messages may wait beside those under way.
	spare int
	// free is how many the last claim might take, got how many it took, more
	// whether there may be others for want of room, and asked whether another
	// claim was asked for since.
	free, got   int
	more, asked bool
	// late is set when a lane that the last claim skipped was settled since.
	late bool
	// at is the place in run.active, or -1.
	at      int
	trouble trouble
	// troubled tells without the lock whether there is any.
	troubled atomic.Bool
}

// lineOf returns the destination's line, active from now on.
func (r *run) lineOf(name string) *line {
	l := r.lines[name]
	if l == nil {
		l = &line{name: name, at: -1}
		r.lines[name] = l
	}
	if l.at < 0 {
		l.at = len(r.active)
		l.got, l.spare, l.more, l.asked = 0, 0, false, false
		l.speed.begin(time.Now())
		r.active = append(r.active, l)
	}
	return l
}

// leave takes a line that holds nothing any more out of what is gone through,
// and forgets it unless there is trouble to be remembered.
func (r *run) leave(l *line) {
	if l.unsettled > 0 || l.shutting > 0 || l.workers > 0 || l.at < 0 {
		return
	}
	last := len(r.active) - 1
	r.active[l.at] = r.active[last]
	r.active[l.at].at = l.at
	r.active[last] = nil
	r.active, l.at = r.active[:last], -1
	if l.trouble.none() {
		delete(r.lines, l.name)
	}
}

// shut makes what was claimed of a destination until now go back unless it is
// under way.
func (r *run) shut(l *line) {
	l.shutting++
	r.shuttings++
	l.shut = r.shuttings
	r.shutNow[l.name] = true
}

// stale tells whether the destination was shut since the run was taken.
func (b *laneRun) stale() bool { return b.line.shut > b.shuttings }

// shuts tells whether the settlement pauses or holds its destination or opens
// its breaker.
func (st *Settlement) shuts() bool { return st.Pause != "" || st.Hold > 0 || st.Break > 0 }
