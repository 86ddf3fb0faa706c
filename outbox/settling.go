package outbox

import (
	"context"
	"log/slog"
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
	backlog  []outcome
	limit    int
	failures int // in a row
}

// settleAll records outcomes until the channel is closed and all are recorded,
// or until those that remain can no longer be.
func (r *run) settleAll() {
	s := &settler{run: r, limit: maxBatch}
	for s.gather() {
		s.flush()
	}
	// The last ones: a database that is away now is not waited for longer than
	// one time-out, for the leases end by themselves.
	deadline := time.Now().Add(r.cfg.SettleTimeout)
	for len(s.backlog) > 0 && time.Now().Before(deadline) {
		s.flush()
	}
	s.giveUp(s.backlog)
}

// gather waits for outcomes: until the batch is full, 5 ms have passed since
// the first one, or nothing else is under way. False once the channel is
// closed.
func (s *settler) gather() bool {
	if len(s.backlog) == 0 {
		o, ok := <-s.outcomes
		if !ok {
			return false
		}
		s.backlog = append(s.backlog, o)
	}
	timer := time.NewTimer(batchWait)
	defer timer.Stop()
	for len(s.backlog) < maxBatch {
		select {
		case o, ok := <-s.outcomes:
			if !ok {
				return false
			}
			s.backlog = append(s.backlog, o)
			continue
		default:
		}
		if s.nothingInHand() {
			return true
		}
		select {
		case o, ok := <-s.outcomes:
			if !ok {
				return false
			}
			s.backlog = append(s.backlog, o)
		case <-timer.C:
			return true
		}
	}
	return true
}

func (r *run) nothingInHand() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.inHand == 0
}

// flush tries to record one batch.
func (s *settler) flush() {
	s.dropExpired()
	n := min(len(s.backlog), s.limit)
	if n == 0 {
		return
	}
	batch := make([]Settlement, n)
	for i, o := range s.backlog[:n] {
		batch[i] = o.Settlement
	}
	ctx, cancel := context.WithTimeout(s.base, s.cfg.SettleTimeout)
	defer cancel()
	acked, err := s.queue.Settle(ctx, batch)
	if err == nil {
		s.failures, s.limit = 0, min(2*s.limit, maxBatch)
		s.logLost(batch, acked)
		s.recorded(s.backlog[:n])
		s.backlog = append(s.backlog[:0], s.backlog[n:]...)
		return
	}
	s.failures++
	s.cfg.Logger.LogAttrs(s.base, slog.LevelError, "amsbridge: cannot record outcomes",
		slog.Int("batch", n), slog.Int("failures", s.failures), slog.String("error", err.Error()))
	s.keepUnacked(n, acked)
	if n == 1 && len(s.backlog) > 1 {
		// It may be the bad row: let the others pass.
		s.backlog = append(s.backlog[1:], s.backlog[0])
	}
	s.limit = max(1, n/2)
	timer := time.NewTimer(min(10*time.Millisecond<<min(s.failures, 7), time.Second))
	defer timer.Stop()
	<-timer.C
}

// keepUnacked drops from the first n what was recorded in spite of the error.
func (s *settler) keepUnacked(n int, acked []ID) {
	if len(acked) == 0 {
		return
	}
	done := make(map[ID]bool, len(acked))
	for _, id := range acked {
		done[id] = true
	}
	var kept, recorded []outcome
	for i, o := range s.backlog {
		if i < n && done[o.Message.ID] {
			recorded = append(recorded, o)
		} else {
			kept = append(kept, o)
		}
	}
	s.recorded(recorded)
	s.backlog = kept
}

// dropExpired gives up what can no longer be recorded: its lease is over.
func (s *settler) dropExpired() {
	now := time.Now()
	var late []outcome
	kept := s.backlog[:0]
	for _, o := range s.backlog {
		if s.failures > 0 && now.After(o.until) {
			late = append(late, o)
		} else {
			kept = append(kept, o)
		}
	}
	s.backlog = kept
	s.giveUp(late)
}

func (s *settler) giveUp(late []outcome) {
	for _, o := range late {
		s.alarm(s.base, AlarmUnsettled, o.Message, "the outcome ("+o.Outcome.String()+") could not be recorded before the lease ended; it will be sent again")
	}
	s.recorded(late)
}

// recorded frees the room of messages that are done with and lets the fetcher
// look again: what was behind them in their lanes may be due.
func (s *settler) recorded(done []outcome) {
	if len(done) == 0 {
		return
	}
	s.mu.Lock()
	s.unsettled -= len(done)
	for _, o := range done {
		if o.closes() {
			s.lines[o.Message.Destination].closing--
		}
	}
	wanting := s.inHand == 0
	for _, l := range s.lines {
		wanting = wanting || l.inHand <= s.slots()/2
	}
	s.mu.Unlock()
	if wanting {
		s.signal()
	}
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
	for _, st := range batch {
		if !got[st.Message.ID] {
			s.cfg.Logger.LogAttrs(s.base, slog.LevelWarn, "amsbridge: a lease was lost before its outcome was recorded",
				slog.String("destination", st.Message.Destination), slog.Int64("message", int64(st.Message.ID)),
				slog.String("key", st.Message.Key), slog.String("outcome", st.Outcome.String()))
		}
	}
}
