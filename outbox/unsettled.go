package outbox

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// failed halves the batch, and begins nothing until outcomes are recorded again. A single one that fails
// while the store takes others is not waited for.
func (s *settler) failed(of *session, n int, err error) {
	wait := min(10*time.Millisecond<<min(s.away.failures+1, 7), time.Second)
	s.away.failed(s.base, s.cfg.Logger, wait, err)
	s.backlog = s.backlog.copied() // a call that was left behind may still read the old one
	if n != 1 || !s.takesOthers(of) {
		s.block(true, nil)
		s.limit = max(1, n/2)
		sleep(s.base, wait)
		return
	}
	s.block(false, nil)
	s.unrecordable()
	s.limit = 1
	sleep(s.base, wait)
}

// takesOthers tells whether the store records anything.
func (s *settler) takesOthers(of *session) bool {
	over := s.over
	_, err := within(s.base, s.cfg.SettleTimeout, "record outcomes", func(ctx context.Context) (Settled, error) {
		return s.queue.Settle(ctx, Settling{Session: of.id, Over: over})
	})
	return err == nil
}

// mostTries is how often a settlement that the store refuses is tried as it is, and then without all that
// may be the reason.
const mostTries = 3

// unrecordable lets the others pass a settlement that the store refuses. In the end the message is parked,
// or, where not even that can be recorded, stays in flight until the session is over.
func (s *settler) unrecordable() {
	st, b := &s.backlog.st[0], s.backlog.of[0]
	if s.tries == nil {
		s.tries = map[ID]int{}
	}
	s.tries[st.Message.ID]++
	switch tries := s.tries[st.Message.ID]; {
	case tries == mostTries:
		reason := "its outcome (" + st.Outcome.String() + ") could not be recorded"
		*st = Settlement{
			Message: st.Message, State: StateParked, Outcome: st.Outcome, Reason: reason, Seq: st.Seq, Took: st.Took, By: st.By,
			Partly:  st.Partly || st.State.Final() && st.Outcome != OutcomeNone,
			settled: st.settled, Hold: st.Hold, Pause: st.Pause, ProbeEvery: st.ProbeEvery, Break: st.Break, Resume: st.Resume,
		}
		s.alarm(s.base, AlarmUnsettled, st.Message, reason+"; the message is to be parked")
	case tries > 2*mostTries:
		delete(s.tries, st.Message.ID)
		gone := s.backlog.split(func(i int) bool { return i == 0 })
		s.alarm(s.base, AlarmUnsettled, gone.st[0].Message, "its outcome cannot be recorded; it stays in flight until the sender's session ends")
		s.stuck.append(&gone) // whoever sends it knows of the attempt until then
		s.mu.Lock()
		if b.of == s.session {
			b.of.unsettled-- // others need not wait for it; its shard stays, and so does the record of it
		}
		s.mu.Unlock()
		return
	}
	s.backlog.rotate(1)
}

// block stops or lets go on whatever begins deliveries.
func (s *settler) block(on bool, of *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.blocked
	s.blocked = on
	if of != nil && len(s.over) == 0 {
		of.settling = false
	}
	if was && !on && s.session != nil {
		s.resume()
	}
	s.handOver()
	wake(s.recorder)
}

// giveUp drops outcomes that cannot be recorded any more.
func (s *settler) giveUp(late outcomes) {
	for i := range late.st {
		st := &late.st[i]
		if !st.Unlogged {
			s.alarm(s.base, AlarmUnsettled, st.Message, "the outcome ("+st.Outcome.String()+
				") could not be recorded before the sender's session ended; it will be sent again")
		}
		if st.settled != nil {
			st.settled()
		}
	}
}

// logGone says which messages had left the queue before their outcome was recorded: nothing was changed for
// them.
func (s *settler) logGone(batch []Settlement, settled Settled) {
	if len(settled.Acked)+len(settled.Locked) == len(batch) {
		return
	}
	known := make(map[ID]bool, len(batch))
	for _, id := range append(slices.Clone(settled.Acked), settled.Locked...) {
		known[id] = true
	}
	for _, st := range batch {
		if !known[st.Message.ID] && !st.Deferred {
			s.cfg.Logger.LogAttrs(s.base, slog.LevelWarn, "amsbridge: a message had left the queue before its outcome was recorded",
				slog.String("destination", st.Message.Destination), slog.Int64("message", int64(st.Message.ID)),
				slog.String("key", st.Message.Key), slog.String("outcome", st.Outcome.String()))
		}
	}
}
