package outboxtest

import (
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// reapAll brings reaped sessions into the model.
func (w *model[Tx]) reapAll(s *simSender, b outbox.Beat, p *outbox.Pulse) error {
	reaped := 0
	poisoned := map[outbox.ID]bool{}
	for _, dead := range b.Dead {
		other, live := w.sessions[dead.ID]
		if !live || other.beats != dead.Beats {
			continue
		}
		due, parked := w.reap(dead.ID)
		reaped += due
		for _, m := range parked {
			poisoned[m.ID] = true
		}
	}
	if p.Reaped != reaped || len(p.Poisoned) != len(poisoned) {
		return fmt.Errorf("%s reaped %d messages and parked %d, not %d and %d", s.name, p.Reaped, len(p.Poisoned), reaped, len(poisoned))
	}
	for i := range p.Poisoned {
		if !poisoned[p.Poisoned[i].ID] {
			return fmt.Errorf("%s was parked as poison", p.Poisoned[i].Key)
		}
	}
	return nil
}

// reap ends a session in the model.
func (w *model[Tx]) reap(id outbox.SessionID) (due int, parked []*simMessage) {
	lost := map[*simMessage]bool{}
	for _, flight := range w.sessions[id].flights {
		for _, m := range flight.msgs {
			if flight.has(m, w.now) {
				lost[m] = true
			}
		}
	}
	for m := range lost {
		m.lost++
		m.doubt |= outbox.DoubtLost
		if m.lost >= outbox.PoisonAfter {
			m.state = outbox.StateParked
			parked = append(parked, m)
			continue
		}
		m.putOffUntil(w.now, w.now)
		due++
	}
	delete(w.sessions, id)
	for shard, owner := range w.owners {
		if owner == id {
			w.owners[shard] = 0
		}
	}
	return due, parked
}

// mend brings into the model what a clock that was set back left behind. What
// was closed at a time that has not come yet was closed for at most so long.
func (w *model[Tx]) mend(wanted bool, got int) error {
	mended := 0
	if wanted {
		for _, m := range w.msgs {
			if m.state == outbox.StatePending && !m.fresh && m.putOff > w.now {
				m.putOffUntil(w.now, w.now)
				mended++
			}
		}
		for _, d := range w.dests {
			if d.closedAt > w.now {
				d.held, d.probe, d.breaker = min(d.held, w.now), min(d.probe, w.now), min(d.breaker, w.now)
				d.closedAt = w.now
			}
		}
	}
	if got != mended {
		return fmt.Errorf("%d were mended, not %d", got, mended)
	}
	return nil
}

// lose has a sender record what it can and die of it, and another one reap it.
func (w *model[Tx]) lose(s *simSender) error {
	for _, one := range []func() error{
		func() error { return w.beat(s, outbox.Beat{Take: outbox.Shards}) },
		func() error { return w.beat(s, outbox.Beat{Take: outbox.Shards}) }, // if the session was over
		func() error { return w.read(s, outbox.Reading{Shards: s.owned, Limit: 100}) },
		func() error { return w.read(s, outbox.Reading{Shards: s.owned, Limit: 100, Due: true}) },
		func() error { return w.record(s, 20) },
	} {
		if err := one(); err != nil {
			return err
		}
	}
	dead := s.session
	if w.chance(50) {
		w.crash(s) // otherwise it only stalls
	}
	other := &w.senders[(slices.IndexFunc(w.senders[:], func(o simSender) bool { return o.name == s.name })+1)%len(w.senders)]
	for range 2 {
		if err := w.beat(other, outbox.Beat{}); err != nil {
			return err
		}
	}
	seen := slices.DeleteFunc(slices.Clone(other.seen), func(b outbox.SessionBeats) bool { return b.ID != dead })
	return w.beat(other, outbox.Beat{Dead: seen, Take: w.rng.IntN(outbox.Shards)})
}
