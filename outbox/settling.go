package outbox

import (
	"context"
	"log/slog"
	"math"
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
	limit   int
	away    outage
}

// settleAll records outcomes until all are recorded and none will follow, or
// until those that remain can no longer be.
func (r *run) settleAll() {
	s := &settler{run: r, limit: maxBatch, away: outage{what: "cannot record outcomes"}}
	for s.gather() {
		s.flush()
	}
	// The last ones: a database that is away now is not waited for longer than
	// one time-out, for the leases end by themselves.
	deadline := time.Now().Add(r.cfg.SettleTimeout)
	for s.backlog.len() > 0 && time.Now().Before(deadline) {
		s.flush()
	}
	s.giveUp(s.backlog)
}

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
		if s.backlog.len() > 0 {
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
// for. It tells whether nothing is under way, and whether nothing will be.
func (s *settler) collect(want int) (idle, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backlog.append(&s.done)
	s.kickAt = want - s.backlog.len()
	return s.inHand == 0, s.ended
}

// flush tries to record one batch.
func (s *settler) flush() {
	s.dropExpired()
	n := min(s.backlog.len(), s.limit)
	if n == 0 {
		return
	}
	batch := s.backlog.st[:n:n]
	ctx, cancel := context.WithTimeout(s.base, s.cfg.SettleTimeout)
	defer cancel()
	acked, err := s.queue.Settle(ctx, batch)
	if err == nil {
		s.away.over(s.base, s.cfg.Logger)
		s.limit = min(2*s.limit, maxBatch)
		s.logLost(batch, acked)
		s.recorded(batch, s.backlog.of[:n])
		s.backlog.cut(n)
		return
	}
	wait := min(10*time.Millisecond<<min(s.away.failures+1, 7), time.Second)
	s.away.failed(s.base, s.cfg.Logger, wait, err)
	s.dropAcked(n, acked)
	if n == 1 && s.backlog.len() > 1 {
		// It may be the bad row: let the others pass.
		s.backlog.firstLast()
	}
	s.limit = max(1, n/2)
	sleep(s.base, wait)
}

// dropAcked drops from the first n what was recorded in spite of the error.
func (s *settler) dropAcked(n int, acked []ID) {
	if len(acked) == 0 {
		return
	}
	done := make(map[ID]bool, len(acked))
	for _, id := range acked {
		done[id] = true
	}
	recorded := s.backlog.split(func(i int) bool { return i < n && done[s.backlog.st[i].Message.ID] })
	s.recorded(recorded.st, recorded.of)
}

// dropExpired gives up what can no longer be recorded: its lease is over.
func (s *settler) dropExpired() {
	if s.away.failures == 0 {
		return
	}
	now := time.Now()
	s.giveUp(s.backlog.split(func(i int) bool { return now.After(s.backlog.of[i].until) }))
}

func (s *settler) giveUp(late outcomes) {
	for _, st := range late.st {
		s.alarm(s.base, AlarmUnsettled, st.Message, "the outcome ("+st.Outcome.String()+") could not be recorded before the lease ended; it will be sent again")
	}
	s.recorded(late.st, late.of)
}

// recorded frees the room of messages that are done with, and lets the fetcher
// look again where there may be something for it.
func (s *settler) recorded(done []Settlement, of []*laneRun) {
	if len(done) == 0 {
		return
	}
	for i := range done {
		if done[i].settled != nil {
			done[i].settled()
		}
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsettled -= len(done)
	look := s.wish.idle && s.unsettled == 0 || s.wish.room > 0 && s.cfg.Window-s.unsettled >= s.wish.room
	var soonest time.Duration
	for i := range done {
		st, b := &done[i], of[i]
		l := b.line
		b.unsettled--
		l.unsettled--
		if st.shuts() {
			l.shutting--
		}
		if b.unsettled == 0 && s.lanes.settled(b) {
			// More of its lane waits. Either a refill will come, or this is to bring it.
			look = look || !l.more || l.unsettled == 0
			l.late = true
		}
		if wait := st.opens(); wait > 0 && (soonest == 0 || wait < soonest) {
			soonest = wait
		} else if wait == 0 && (st.Resume || st.ProbeAgain || st.Deferred && !b.stale()) {
			look = true
		}
		s.leave(l)
	}
	if soonest > 0 {
		s.lookBy(now.Add(soonest))
	}
	if look {
		s.signal()
	}
}

// opens is when the message, or its destination, may be sent to again because of
// the settlement; zero for at once, or never.
func (st *Settlement) opens() time.Duration {
	wait := max(st.Hold, st.Break)
	if st.Pause != "" {
		wait = max(wait, st.ProbeEvery)
	}
	if st.State == StatePending {
		wait = max(wait, st.Delay)
	}
	return wait
}

// logLost says which leases had been lost. Their messages are somebody else's
// now; nothing was changed for them.
func (s *settler) logLost(batch []Settlement, acked []ID) {
	if len(acked) == len(batch) {
		return
	}
	got := make(map[ID]bool, len(acked))
	for _, id := range acked {
		got[id] = true
	}
	const most = 10 // of a batch are named
	lost := 0
	for _, st := range batch {
		if got[st.Message.ID] {
			continue
		}
		if lost++; lost <= most {
			s.cfg.Logger.LogAttrs(s.base, slog.LevelWarn, "amsbridge: a lease was lost before its outcome was recorded",
				slog.String("destination", st.Message.Destination), slog.Int64("message", int64(st.Message.ID)),
				slog.String("key", st.Message.Key), slog.String("outcome", st.Outcome.String()))
		}
	}
	if lost > most {
		s.cfg.Logger.LogAttrs(s.base, slog.LevelWarn, "amsbridge: more leases were lost", slog.Int("more", lost-most))
	}
}
