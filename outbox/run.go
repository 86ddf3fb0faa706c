package outbox

import (
	"context"
	"sync"
	"time"
)

// work is a claimed message on its way through this sender.
type work struct {
	Leased
	token Token
	// until is the end of the lease on the local monotonic clock, counted from
	// before the claim was sent.
	until time.Time
}

// outcome is a settlement that waits to be recorded.
type outcome struct {
	Settlement
	until time.Time
}

// closes tells whether the settlement pauses or holds its destination.
func (st Settlement) closes() bool { return st.Pause != "" || st.Hold > 0 }

// line is what this sender holds of one destination.
type line struct {
	waiting []work
	inHand  int // waiting or being delivered
	workers int
	// closing counts settlements under way that pause or hold the destination.
	// Until they are recorded, what is waiting is given back and nothing is
	// claimed; afterwards the store's claim knows.
	closing int
	// forbidden are the messages in a row that met a tentative "unauthorized".
	forbidden map[ID]bool
}

// run is one call of Run.
type run struct {
	*Sender
	// base outlives the context given to Run, so that what is under way ends in
	// good order.
	base     context.Context
	outcomes chan outcome
	workers  sync.WaitGroup
	// progress tells the fetcher that room became free.
	progress chan struct{}

	mu        sync.Mutex
	lines     map[string]*line
	inHand    int  // waiting or running
	unsettled int  // claimed and not settled
	more      bool // the last claim took all that it was allowed to of a destination
	stopping  bool
}

func newRun(base context.Context, s *Sender) *run {
	return &run{
		Sender: s, base: base, outcomes: make(chan outcome, s.cfg.Window),
		progress: make(chan struct{}, 1), lines: map[string]*line{},
	}
}

// slots is how many messages of one destination are held: those under way and
// as many again twice, so that a worker need not wait for the next claim; but
// never so many that a dead destination leaves no room for another.
func (r *run) slots() int { return min(3*r.cfg.Concurrency, r.cfg.Window/2) }

// room is what the next claim may take.
func (r *run) room() (room int, holding map[string]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	holding = make(map[string]int, len(r.lines))
	for name, l := range r.lines {
		if l.closing > 0 {
			holding[name] = r.slots()
		} else if l.inHand > 0 {
			holding[name] = l.inHand
		}
	}
	return r.cfg.Window - r.unsettled, holding
}

func (r *run) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unsettled == 0
}

// take puts claimed messages in line and starts workers.
func (r *run) take(claimed []Leased, token Token, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := map[string]int{}
	r.unsettled += len(claimed)
	r.inHand += len(claimed)
	for _, m := range claimed {
		l := r.lines[m.Destination]
		if l == nil {
			l = &line{forbidden: map[ID]bool{}}
			r.lines[m.Destination] = l
		}
		taken[m.Destination]++
		l.waiting = append(l.waiting, work{m, token, until})
		l.inHand++
		if l.workers < r.cfg.Concurrency {
			l.workers++
			r.workers.Go(func() { r.work(l) })
		}
	}
	r.more = r.unsettled >= r.cfg.Window
	for name := range taken {
		r.more = r.more || r.lines[name].inHand >= r.slots()
	}
}

// work delivers what waits in line until nothing does.
func (r *run) work(l *line) {
	for {
		r.mu.Lock()
		if len(l.waiting) == 0 || r.stopping {
			l.workers--
			r.mu.Unlock()
			return
		}
		w := l.waiting[0]
		l.waiting = l.waiting[1:]
		closed := l.closing > 0
		r.mu.Unlock()
		if closed {
			r.finish(w, r.giveBack(w, "the destination was paused or held meanwhile"))
		} else {
			r.finish(w, r.deliver(w))
		}
	}
}

// finish hands an outcome on to be recorded.
func (r *run) finish(w work, st Settlement) {
	r.mu.Lock()
	l := r.lines[w.Destination]
	r.inHand--
	l.inHand--
	if st.closes() {
		l.closing++
	}
	// A claim for a few free slots costs as much as one for many.
	refill := r.more && l.inHand <= r.slots()/2
	r.mu.Unlock()
	r.outcomes <- outcome{st, w.until}
	if refill {
		r.signal()
	}
}

// signal tells the fetcher to look again.
func (r *run) signal() {
	select {
	case r.progress <- struct{}{}:
	default:
	}
}

// giveBackWaiting releases what was claimed and not begun.
func (r *run) giveBackWaiting() {
	r.mu.Lock()
	r.stopping = true
	var waiting []work
	for _, l := range r.lines {
		waiting = append(waiting, l.waiting...)
		l.inHand -= len(l.waiting)
		l.waiting = nil
	}
	r.inHand -= len(waiting)
	r.mu.Unlock()
	for _, w := range waiting {
		r.outcomes <- outcome{r.giveBack(w, "the sender stopped"), w.until}
	}
}

// giveBack ends a lease of which nothing was begun.
func (r *run) giveBack(w work, why string) Settlement {
	return Settlement{
		Message: w.Message, Token: w.token, State: StatePending, Deferred: true, Unlogged: true,
		Reason: why, By: r.cfg.Name,
	}
}
