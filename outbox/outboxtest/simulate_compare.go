package outboxtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// everyState selects all messages.
func everyState() (states []outbox.State) {
	for state := outbox.StatePending; state <= outbox.StateWithdrawn; state++ {
		states = append(states, state)
	}
	return states
}

// compare compares all that the store holds with the model, and learns from it
// what is the store's to say: IDs of follow-ups.
func (w *world[Tx]) compare() error {
	records, err := w.Store.Find(w.ctx, outbox.Query{States: everyState(), Limit: 10_000})
	if err != nil {
		return err
	}
	if len(records) != len(w.msgs) {
		return fmt.Errorf("the store holds %d messages, not %d", len(records), len(w.msgs))
	}
	for i := range records {
		rec := &records[i]
		m, ok := w.places[placeOf(&rec.Message)]
		if !ok {
			return fmt.Errorf("%s %s is in the store and was never inserted", rec.Destination, rec.Key)
		}
		m.ID = cmp.Or(m.ID, rec.ID)
		if w.base.IsZero() {
			w.base = rec.Created.Add(-w.now)
		}
		if err := w.compareOne(m, rec); err != nil {
			return fmt.Errorf("%s: %w", m.name(), err)
		}
	}
	slices.SortFunc(w.msgs, func(a, b *simMessage) int { return cmp.Compare(a.ID, b.ID) })
	return errors.Join(w.compareTasks(), w.compareDestinations())
}

func (w *world[Tx]) compareOne(m *simMessage, rec *outbox.Record) error {
	switch {
	case rec.ID != m.ID:
		return fmt.Errorf("its ID is %d, and was %d", rec.ID, m.ID)
	case rec.State != m.state:
		return fmt.Errorf("it is %s (%s), and must be %s", rec.State, rec.Reason, m.state)
	case rec.InFlight != m.live(w.now):
		return fmt.Errorf("in flight: %v", rec.InFlight)
	case rec.Unsettled != m.leased:
		return fmt.Errorf("a lease is recorded on it: %v", rec.Unsettled)
	case rec.Doubt != m.doubt || rec.Seq != m.seq:
		return fmt.Errorf("its doubt is %d and its count %d, not %d and %d", rec.Doubt, rec.Seq, m.doubt, m.seq)
	case rec.Lost != m.lost:
		return fmt.Errorf("it lost %d leases, not %d", rec.Lost, m.lost)
	case rec.Settled.IsZero() == rec.State.Final():
		return fmt.Errorf("it is %s, and left the queue at %v", rec.State, rec.Settled)
	case string(rec.Facts) != string(m.Facts) || rec.Person != m.Person:
		return fmt.Errorf("it became something else: %+v", rec.Message)
	case m.state == outbox.StatePending && !w.near(rec.Due, m.due):
		return fmt.Errorf("it is due at %v, not at %v", rec.Due.Sub(w.base), m.due)
	}
	return nil
}

// near allows for what the store's own clock adds.
func (w *world[Tx]) near(at time.Time, want time.Duration) bool {
	return at.Sub(w.base.Add(want)).Abs() < time.Minute
}

func (w *world[Tx]) compareDestinations() error {
	states, err := w.Store.Destinations(w.ctx)
	if err != nil {
		return err
	}
	for _, name := range w.names {
		var got outbox.DestinationState
		if i := slices.IndexFunc(states, func(s outbox.DestinationState) bool { return s.Name == name }); i >= 0 {
			got = states[i]
		}
		d := w.dests[name]
		switch {
		case got.Pausing != d.pausing:
			return fmt.Errorf("%s: its pausing is %d, not %d", name, got.Pausing, d.pausing)
		case got.BrokenUntil.IsZero() == d.broken:
			return fmt.Errorf("%s: its breaker is open: %v", name, !d.broken)
		case d.broken && !w.near(got.BrokenUntil, d.breaker):
			return fmt.Errorf("%s: its breaker is open until %v, not %v", name, got.BrokenUntil.Sub(w.base), d.breaker)
		case d.held > w.now && !w.near(got.HeldUntil, d.held):
			return fmt.Errorf("%s: it is held until %v, not %v", name, got.HeldUntil.Sub(w.base), d.held)
		case d.pausing == outbox.PausedByItself && !w.near(got.ProbeAt, d.probe):
			return fmt.Errorf("%s: it is probed at %v, not %v", name, got.ProbeAt.Sub(w.base), d.probe)
		}
	}
	return nil
}

// finish lets both senders die and a good one send all that is left, and looks
// at what became of everything.
func (w *world[Tx]) finish() error {
	for i := range w.senders {
		w.crash(&w.senders[i])
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
		if err := w.sendAll(&w.senders[0]); err != nil {
			return err
		}
	}
	return errors.New("a hundred hours did not empty the queue")
}

// sendAll claims, delivers and settles until a claim comes to nothing.
func (w *world[Tx]) sendAll(s *simSender) error {
	for {
		if err := w.claim(s, outbox.ClaimRequest{Limit: 50, DestinationLimit: 50, KeyLimit: 1 + w.rng.IntN(4)}); err != nil {
			return err
		}
		if len(s.held) == 0 && !s.suspects && len(s.busy) == 0 {
			return w.compare()
		}
		var batch []outbox.Settlement
		var sent []bool
		for range s.held {
			if err := w.deliver(s); err != nil {
				return err
			}
		}
		for _, h := range s.held {
			e := outbox.Settlement{Message: h.Message, Token: h.token, By: s.name}
			outcomes[0](&e)
			batch, sent = append(batch, e), append(sent, true)
		}
		s.held = nil
		if err := w.settleBatch(s.name, batch, sent); err != nil {
			return err
		}
		if err := w.compare(); err != nil {
			return err
		}
	}
}

// audit looks at the records of what happened.
func (w *world[Tx]) audit() error {
	entries, err := w.Store.Audit(w.ctx, 10_000)
	if err != nil {
		return err
	}
	if len(entries) != w.audited {
		return fmt.Errorf("%d of the operator's actions are on record, not %d", len(entries), w.audited)
	}
	for _, m := range w.msgs {
		log, err := w.Store.Attempts(w.ctx, m.ID)
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
