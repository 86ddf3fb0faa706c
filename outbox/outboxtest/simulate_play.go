package outboxtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// play plays a schedule to its end, and returns what happened.
func (w *model[Tx]) play(steps []step) ([]string, error) {
	for i, s := range steps {
		w.rng = rand.New(rand.NewPCG(s.seed, 1))
		if err := w.step(s.kind); err != nil {
			return w.log, fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	w.rng = rand.New(rand.NewPCG(uint64(len(steps)), 2))
	if err := w.finish(); err != nil {
		return w.log, fmt.Errorf("at the end: %w", err)
	}
	return w.log, nil
}

func (w *model[Tx]) step(kind stepKind) (err error) {
	s := &w.senders[w.rng.IntN(len(w.senders))]
	switch kind {
	case stepInsert:
		err = w.insert()
	case stepAppend:
		err = w.append()
	case stepBeat:
		err = w.beat(s, w.randomBeat(s))
	case stepRead:
		err = w.read(s, w.reading(s))
	case stepRecord:
		err = w.record(s, 1+w.rng.IntN(4))
	case stepDeliver:
		err = w.deliver(w.busySender(s))
	case stepSettle:
		err = w.settle(w.busySender(s))
	case stepCrash:
		w.crash(s)
	case stepLeave:
		err = w.leave(s)
	case stepAdvance:
		w.advance(pick(w.rng, []time.Duration{time.Minute, 5 * time.Minute, 16 * time.Minute, 31 * time.Minute, 61 * time.Minute}))
	case stepSetBack:
		err = w.setBack(s)
	case stepTurn:
		err = w.turn(s)
	case stepLoss:
		err = w.lose(s)
	default:
		err = w.operate()
	}
	if err != nil {
		return err
	}
	return w.compare()
}

// busySender returns the first sender that has something in flight, from s on, or
// s.
func (w *model[Tx]) busySender(s *simSender) *simSender {
	from := slices.IndexFunc(w.senders[:], func(o simSender) bool { return o.name == s.name })
	for i := range w.senders {
		if o := &w.senders[(from+i)%len(w.senders)]; len(o.held) > 0 {
			return o
		}
	}
	return s
}

// turn is what a sender does all the time.
func (w *model[Tx]) turn(s *simSender) error {
	for _, one := range []func() error{
		func() error { return w.beat(s, outbox.Beat{Take: w.rng.IntN(outbox.Shards)}) },
		func() error { return w.read(s, outbox.Reading{Shards: s.owned, Limit: 1 + w.rng.IntN(20)}) },
		func() error { return w.read(s, outbox.Reading{Shards: s.owned, Limit: 1 + w.rng.IntN(20), Due: true}) },
		func() error { return w.record(s, 1+w.rng.IntN(4)) },
		func() error { return w.deliver(s) },
		func() error { return w.deliver(s) },
		func() error { return w.settle(s) },
	} {
		if err := one(); err != nil {
			return err
		}
	}
	return nil
}

func (w *model[Tx]) logf(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("%4dm  ", int(w.now.Minutes()))+fmt.Sprintf(format, args...))
}

func (w *model[Tx]) chance(percent int) bool { return w.rng.IntN(100) < percent }

func pick[T any](rng *rand.Rand, items []T) T { return items[rng.IntN(len(items))] }

// advance moves the clock, at least past the minutes in which flights were
// recorded: what is put off in one of them may seem to be put off before that.
func (w *model[Tx]) advance(d time.Duration) {
	for w.records(w.now + d) {
		d += time.Minute
	}
	w.now += d
	w.logf("the clock moves by %v", d)
	w.Advance(d)
}

// records tells whether a flight that is not over was recorded in that minute.
func (w *model[Tx]) records(at time.Duration) bool {
	for _, s := range w.sessions {
		for _, f := range s.flights {
			if f.at == at {
				return true
			}
		}
	}
	return false
}

// setBack sets the clock back, and a sender that notices mends what that did.
// Rates are left out of it, and so are pauses, which go by no clock.
func (w *model[Tx]) setBack(s *simSender) error {
	if w.rate.Count > 0 || w.chance(50) {
		return nil
	}
	for _, name := range w.names {
		if w.dests[name].pausing == outbox.PausedByOperator {
			if err := w.steer(outbox.VerbResume, name); err != nil {
				return err
			}
		}
	}
	w.advance(-pick(w.rng, []time.Duration{10 * time.Minute, 2 * time.Hour, 48 * time.Hour}))
	for range 2 { // the first may find that its session is over
		if err := w.beat(s, outbox.Beat{Mend: true}); err != nil {
			return err
		}
	}
	return nil
}
