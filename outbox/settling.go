package outbox

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Sizes of a batch of outcomes.
const (
	maxBatch  = 500
	batchWait = 5 * time.Millisecond
)

// settler records outcomes in batches. After a failure batches are halved, so
// that one bad row ends up alone and the others get past it.
type settler struct {
	*run
	backlog outcomes
	over    []int64 // flights of overOf that are over
	overOf  *session
	limit   int
	tries   map[ID]int // of settlements that the store refuses
	stuck   outcomes   // that were given up
	away    outage
	held    outage
}

// settleAll records outcomes until all are recorded and none will follow, or
// until those that remain can no longer be.
func (r *run) settleAll() {
	s := &settler{
		run: r, limit: maxBatch, away: outage{what: "cannot record outcomes"},
		held: outage{what: "somebody else has locked messages whose outcome is to be recorded"},
	}
	for s.gather() {
		s.flush()
	}
	// The last ones: a database that is away now is not waited for longer than
	// one time-out; what is not recorded then is sent again.
	deadline := time.Now().Add(r.cfg.SettleTimeout)
	for s.left() && time.Now().Before(deadline) {
		s.flush()
	}
	s.giveUp(s.backlog)
	s.giveUp(s.stuck)
}

func (s *settler) left() bool { return s.backlog.len() > 0 || len(s.over) > 0 }

// lastOutcome tells the settler that no outcome will follow.
func (r *run) lastOutcome() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	wake(r.kick)
}

// gather waits for outcomes: until the batch is full, 5 ms have passed since
// the first one, or nothing else is under way. False when no more will come.
func (s *settler) gather() bool {
	for {
		_, ended := s.collect(1)
		if ended {
			return false
		}
		if s.left() {
			break
		}
		<-s.kick
	}
	timer := time.NewTimer(batchWait)
	defer timer.Stop()
	for late := false; !late; {
		idle, ended := s.collect(maxBatch)
		if ended {
			return false
		}
		if idle || s.backlog.len() >= maxBatch {
			break
		}
		select {
		case <-s.kick:
		case <-timer.C:
			late = true
		}
	}
	_, ended := s.collect(math.MaxInt) // nothing is waited for meanwhile
	return !ended
}

// collect takes what was delivered since, and says how many in all are waited
// for. It tells whether nothing is under way, and whether nothing will be. What
// is of a session that is over is given up.
func (s *settler) collect(want int) (idle, ended bool) {
	s.mu.Lock()
	s.backlog.append(&s.done)
	var gone outcomes
	if slices.ContainsFunc(s.backlog.of, func(b *batch) bool { return b.of != s.session }) {
		gone = s.backlog.split(func(i int) bool { return s.backlog.of[i].of != s.session })
	}
	if s.session != s.overOf {
		s.over, s.overOf = nil, s.session
	}
	if s.session != nil && len(s.session.over) > 0 {
		s.over = append(s.over, s.session.over...)
		s.session.over, s.session.settling = nil, true
	}
	s.kickAt = want - s.backlog.len()
	idle, ended = s.idle(), s.ended
	s.mu.Unlock()
	s.giveUp(gone)
	if s.stuck.len() > 0 && s.stuck.of[0].of != s.overOf {
		s.giveUp(s.stuck)
		s.stuck = outcomes{}
	}
	return idle, ended
}

// flush tries to record one batch.
func (s *settler) flush() {
	s.mu.Lock()
	of := s.session
	n := min(s.backlog.len(), s.limit)
	if of != s.overOf {
		s.over, s.overOf = nil, of
	}
	batch := s.backlog.st[:n:n]
	ends := map[*flight]int{}
	if n = s.endable(n); n == 0 && s.backlog.len() > 0 {
		s.backlog.rotate(1)
		s.mu.Unlock()
		return
	}
	batch = batch[:n:n]
	for i := range batch {
		ends[s.backlog.of[i].flight]++
	}
	over := slices.Clone(s.over)
	for f, settled := range ends {
		if f.left == settled && f.n > 0 {
			over = append(over, f.n)
		}
	}
	s.mu.Unlock()
	if of == nil {
		s.giveUp(s.backlog.split(func(int) bool { return true }))
		return
	}
	settled, err := within(s.base, s.cfg.SettleTimeout, "record outcomes", func(ctx context.Context) (Settled, error) {
		return s.queue.Settle(ctx, Settling{Session: of.id, Batch: batch, Over: over})
	})
	switch {
	case errors.Is(err, ErrNoSession):
		s.lost(of)
		s.giveUp(s.backlog.split(func(i int) bool { return s.backlog.of[i].of == of }))
		return
	case err != nil:
		s.failed(of, n, err)
		return
	}
	s.away.over(s.base, s.cfg.Logger)
	s.limit = min(2*s.limit, maxBatch)
	if len(settled.Acked) == n {
		s.over = nil
	} else {
		over = nil // none was recorded
	}
	s.logGone(batch, settled)
	locked := make(map[ID]bool, len(settled.Locked))
	for _, id := range settled.Locked {
		locked[id] = true
	}
	if len(locked) == 0 {
		s.held.over(s.base, s.cfg.Logger)
		s.recorded(outcomes{batch, s.backlog.of[:n]}, over)
		s.backlog.cut(n)
		s.block(false, of)
		return
	}
	s.recorded(s.backlog.split(func(i int) bool { return i < n && !locked[s.backlog.st[i].Message.ID] }), over)
	s.block(false, of)
	wait := min(10*time.Millisecond<<min(s.held.failures+1, 7), time.Second)
	s.held.failed(s.base, s.cfg.Logger, wait, fmt.Errorf("%d messages, the first is %d", len(locked), settled.Locked[0]))
	s.backlog.rotate(len(locked))
	sleep(s.base, wait)
}

// endable cuts a batch before a settlement that ends a message whose own outcome waits behind it, and leaves
// out ends of messages that this sender has in flight and not begun: they have their turn.
func (s *settler) endable(n int) int {
	var at map[ID]int // where outcomes are, once that is wanted
	for i := range n {
		st := &s.backlog.st[i]
		if s.session == nil || !slices.ContainsFunc(st.Ends, func(e End) bool { return s.session.flying[e.ID] }) {
			continue
		}
		if at == nil {
			at = map[ID]int{}
			for k := range s.backlog.st {
				at[s.backlog.st[k].Message.ID] = k
			}
		}
		var ends []End
		for _, e := range st.Ends {
			place, delivered := at[e.ID]
			switch {
			case delivered && place > i:
				return i
			case delivered || !s.session.flying[e.ID]:
				ends = append(ends, e)
			}
		}
		st.Ends = ends
	}
	return n
}

// recorded frees the room of messages that are done with, and lets the reader
// look again where there may be something for it. The call recorded some flights as over; others may have ended
// since it began.
func (s *settler) recorded(done outcomes, over []int64) {
	for i := range done.st {
		if done.st[i].settled != nil {
			done.st[i].settled()
		}
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range done.st {
		st, b := &done.st[i], done.of[i]
		if b.of != s.session {
			continue
		}
		d := b.to
		if s.landed(b) && b.flight.n > 0 && !slices.Contains(over, b.flight.n) {
			b.of.over = append(b.of.over, b.flight.n)
			wake(s.kick)
		}
		b.of.forget(st.Message.ID)
		delete(b.of.flying, st.Message.ID)
		switch {
		case st.shuts():
			d.shutting--
			d.shutUntil, d.changed, d.testing = now.Add(max(st.Hold, st.Break, st.pausesFor())+clockGrain), now, false
			d.probing = st.Break > 0 || st.Pause != ""
			s.closed[d] = struct{}{}
		case st.Resume:
			s.open(d)
		case st.ProbeAgain:
			d.testing, d.shutUntil, d.changed = false, now, now
		default:
			d.testing = d.testing && !b.probe
		}
		b.of.tidy(d)
		if st.State == StatePending {
			s.dueBy(now.Add(st.Delay))
		}
	}
	wake(s.reader)
	if s.session != nil && s.session.isolating {
		wake(s.recorder)
	}
}

// pausesFor is how long a destination that the settlement pauses is not probed.
func (st *Settlement) pausesFor() time.Duration {
	if st.Pause == "" {
		return 0
	}
	return st.ProbeEvery
}

// dueBy notes that something falls due.
func (r *run) dueBy(at time.Time) {
	if r.dueSoon.IsZero() || at.Before(r.dueSoon) {
		r.dueSoon = at
	}
}
