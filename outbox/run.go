package outbox

import (
	"context"
	"sync"
)

// run is one call of Run.
type run struct {
	*Sender
	// base outlives the context given to Run, so that what is under way ends in
	// good order.
	base    context.Context
	workers sync.WaitGroup
	// progress tells the fetcher that there may be something to claim.
	progress chan struct{}
	// kick tells the settler that it need not wait any longer.
	kick chan struct{}

	mu     sync.Mutex
	lines  map[string]*line // those with messages, workers or trouble
	active []*line          // those with messages
	lanes  lanes
	done   outcomes // that the settler has not taken yet
	// kickAt is how many outcomes the settler waits for.
	kickAt    int
	inHand    int             // waiting or being delivered
	unsettled int             // claimed and not settled
	shuttings int             // how often a destination was paused, held or left alone
	shutNow   map[string]bool // those that were since the last claim began
	wish      wish
	stopping  bool
	ended     bool // no outcome will follow
}

func newRun(base context.Context, s *Sender) *run {
	return &run{
		Sender: s, base: base, lines: map[string]*line{}, lanes: newLanes(), shutNow: map[string]bool{},
		progress: make(chan struct{}, 1), kick: make(chan struct{}, 1),
	}
}

// take puts messages claimed by req in line and starts workers.
func (r *run) take(runs []*laneRun, req ClaimRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.active {
		l.got = 0
		l.more = l.free <= 0
	}
	for _, b := range runs {
		l := r.lineOf(b.rows[0].Destination)
		l.got += len(b.rows)
		// Not what a line is given that was left and came back meanwhile.
		l.free = req.DestinationLimit - req.InFlight[l.name]
		l.more = l.got >= l.free
		b.line, b.unsettled = l, len(b.rows)
		r.lanes.hold(b)
		r.unsettled += len(b.rows)
		r.inHand += len(b.rows)
		l.unsettled += len(b.rows)
		l.inHand += len(b.rows)
		b.shuttings = r.shuttings
		if r.shutNow[l.name] {
			r.giveBackRest(b)
			continue
		}
		l.waiting = append(l.waiting, b)
		if l.workers < r.cfg.Concurrency {
			l.workers++
			r.workers.Go(func() { r.work(l) })
		}
	}
	for _, l := range r.active {
		if l.late && !l.more {
			r.signal()
		}
		l.late = false
	}
}

// work delivers what waits in line until nothing does.
func (r *run) work(l *line) {
	r.mu.Lock()
	b := r.next(l)
	r.mu.Unlock()
	for b != nil {
		st := r.deliver(work{&b.rows[b.at], b})
		b = r.finish(b, &st)
	}
}

// next returns the run that a worker delivers next, or nil when it is no longer
// needed.
func (r *run) next(l *line) *laneRun {
	if len(l.waiting) == 0 || r.stopping {
		l.workers--
		r.leave(l)
		return nil
	}
	b := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	return b
}

// finish hands an outcome on to be recorded, and returns what its worker
// delivers next.
func (r *run) finish(b *laneRun, st *Settlement) *laneRun {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := b.line
	r.add(b, st)
	if !st.Unlogged {
		l.speed.note(st.Took)
	}
	b.rows[b.at] = Leased{} // let its payload go
	b.at++
	if st.shuts() {
		if st.Break == 0 {
			r.shut(l) // a breaker did so when it opened
		}
		for _, w := range l.waiting {
			r.giveBackRest(w)
		}
		l.waiting = nil
	}
	if l.more && !l.asked && l.inHand <= r.cfg.Concurrency+l.spare/2 {
		// A claim for a few free slots costs as much as one for many.
		l.asked = true
		r.signal()
	}
	if b.at < len(b.rows) {
		if !b.stale() && !r.stopping {
			return b
		}
		r.giveBackRest(b)
	}
	return r.next(l)
}

// add puts an outcome before the settler.
func (r *run) add(b *laneRun, st *Settlement) {
	r.done.add(b, st)
	r.inHand--
	b.line.inHand--
	if r.inHand == 0 || r.done.len() >= r.kickAt {
		wake(r.kick)
	}
}

// giveBackRest releases what was not begun of a run.
func (r *run) giveBackRest(b *laneRun) {
	why := "the destination was paused, held or left alone meanwhile"
	if r.stopping {
		why = "the sender stopped"
	}
	for ; b.at < len(b.rows); b.at++ {
		st := r.giveBack(work{&b.rows[b.at], b}, why)
		r.add(b, &st)
		b.rows[b.at] = Leased{}
	}
}

// giveBackWaiting releases what was claimed and not begun.
func (r *run) giveBackWaiting() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopping = true
	for _, l := range r.active {
		for _, b := range l.waiting {
			r.giveBackRest(b)
		}
		l.waiting = nil
	}
}

// giveBack ends a lease of which nothing was begun.
func (r *run) giveBack(w work, why string) Settlement {
	return Settlement{
		Message: w.Message, Token: w.token, State: StatePending, Deferred: true, Unlogged: true,
		Reason: why, By: r.cfg.Name,
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
