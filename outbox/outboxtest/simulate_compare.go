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
func (w *model[Tx]) compare() error {
	records, err := w.Store.Find(w.ctx, outbox.Query{States: everyState(), Limit: 10_000, InFlight: true})
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

func (w *model[Tx]) compareOne(m *simMessage, rec *outbox.Record) error {
	switch {
	case rec.ID != m.ID:
		return fmt.Errorf("its ID is %d, and was %d", rec.ID, m.ID)
	case rec.State != m.state:
		return fmt.Errorf("it is %s (%s), and must be %s", rec.State, rec.Reason, m.state)
	case rec.InFlight != (len(w.flying(m)) > 0):
		return fmt.Errorf("in flight: %v", rec.InFlight)
	case rec.Doubt != m.doubt || rec.Seq != m.seq:
		return fmt.Errorf("its doubt is %d and its count %d, not %d and %d", rec.Doubt, rec.Seq, m.doubt, m.seq)
	case rec.Lost != m.lost:
		return fmt.Errorf("it lost %d sessions, not %d", rec.Lost, m.lost)
	case rec.Settled.IsZero() == rec.State.Final():
		return fmt.Errorf("it is %s, and left the queue at %v", rec.State, rec.Settled)
	case string(rec.Facts) != string(m.Facts) || rec.Person != m.Person:
		return fmt.Errorf("it became something else: %+v", rec.Message)
	case m.state == outbox.StatePending && rec.Attempt != m.attempts:
		return fmt.Errorf("%d attempts were counted, not %d", rec.Attempt, m.attempts)
	case m.state == outbox.StatePending && !m.fresh && !w.near(rec.Due, m.due):
		return fmt.Errorf("it is due at %v, not at %v", rec.Due.Sub(w.base), m.due)
	}
	return nil
}

// near allows for what the store's own clock adds.
func (w *model[Tx]) near(at time.Time, want time.Duration) bool {
	return at.Sub(w.base.Add(want)).Abs() < time.Minute
}

func (w *model[Tx]) compareDestinations() error {
	states, err := w.Store.Destinations(w.ctx)
	if err != nil {
		return err
	}
	all := outbox.NotPaused
	for _, s := range states {
		if s.Name == "" {
			all = s.Pausing
		}
	}
	if all != w.paused {
		return fmt.Errorf("the pausing of everything is %d, not %d", all, w.paused)
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
