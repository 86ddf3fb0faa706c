package outboxtest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// finish lets all senders die and a good one send all that is left, and looks at
// what became of everything.
func (w *model[Tx]) finish() error {
	for i := range w.senders {
		w.crash(&w.senders[i])
	}
	s := &w.senders[0]
	for range 2 {
		if err := w.beat(s, outbox.Beat{}); err != nil {
			return err
		}
	}
	dead := slices.DeleteFunc(slices.Clone(s.seen), func(b outbox.SessionBeats) bool { return b.ID == s.session })
	if err := w.beat(s, outbox.Beat{Dead: dead, Take: outbox.Shards}); err != nil {
		return err
	}
	if len(s.owned) != outbox.Shards || len(w.sessions) != 1 {
		return fmt.Errorf("with all others reaped %d shards are owned, and %d sessions are left", len(s.owned), len(w.sessions))
	}
	if w.stranger() {
		if err := w.adopt(); err != nil {
			return err
		}
	}
	if err := w.pauseAll(false); err != nil {
		return err
	}
	for range 100 {
		if !slices.ContainsFunc(w.msgs, func(m *simMessage) bool { return m.state == outbox.StatePending }) {
			return w.audit()
		}
		for _, name := range w.names {
			if err := w.steer(outbox.VerbResume, name); err != nil {
				return err
			}
		}
		w.advance(61 * time.Minute)
		if err := w.sendAll(s); err != nil {
			return err
		}
	}
	return errors.New("a hundred hours did not empty the queue")
}

// sendAll reads, records, delivers and settles all that can be.
func (w *model[Tx]) sendAll(s *simSender) error {
	for _, due := range []bool{true, false} {
		if err := w.read(s, outbox.Reading{Shards: s.owned, Due: due, Limit: 50}); err != nil {
			return err
		}
	}
	for len(s.read) > 0 {
		if err := w.record(s, 20); err != nil {
			return err
		}
		for range s.held {
			if err := w.deliver(s); err != nil {
				return err
			}
		}
		var b simBatch
		for _, h := range s.held {
			e := outbox.Settlement{Message: h.msg, By: s.name}
			outcomes[0](&e)
			b.add(h, e)
			s.over = append(s.over, h.flight)
		}
		s.held = nil
		if err := w.settleBatch(s, &b); err != nil {
			return err
		}
		if err := w.compare(); err != nil {
			return err
		}
	}
	return nil
}

// audit looks at the records of what happened.
func (w *model[Tx]) audit() error {
	entries, err := w.Store.Audit(w.ctx, outbox.AuditQuery{Limit: 10_000})
	if err != nil {
		return err
	}
	if len(entries) != w.audited {
		return fmt.Errorf("%d of the operator's actions are on record, not %d", len(entries), w.audited)
	}
	for _, m := range w.msgs {
		log, err := w.Store.Attempts(w.ctx, outbox.AttemptQuery{IDs: []outbox.ID{m.ID}})
		if err != nil {
			return err
		}
		var settled []simAttempt
		for i, a := range log {
			if i > 0 && a.N <= log[i-1].N {
				return fmt.Errorf("%s: attempt %d is in the log after attempt %d", m.name(), a.N, log[i-1].N)
			}
			if a.Outcome != outbox.OutcomeNone {
				settled = append(settled, simAttempt{a.Outcome, a.State, a.PossibleDuplicate})
			}
		}
		if !slices.Equal(settled, m.settled) {
			return fmt.Errorf("%s: its log tells %v, not %v", m.name(), settled, m.settled)
		}
		if m.state.Final() && (len(log) == 0 || log[len(log)-1].State != m.state) {
			return fmt.Errorf("%s is %s, and its log does not say why", m.name(), m.state)
		}
	}
	return nil
}
