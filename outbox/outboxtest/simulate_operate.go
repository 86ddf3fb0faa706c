package outboxtest

import (
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge/outbox"
)

// operate is an operator's action on a message or a destination.
func (w *world[Tx]) operate() error {
	if w.chance(20) {
		return w.doTask()
	}
	if w.chance(20) {
		return w.tell()
	}
	if w.chance(40) || len(w.msgs) == 0 {
		verb, name := pick(w.rng, []outbox.Verb{outbox.VerbPause, outbox.VerbResume, outbox.VerbResume}), pick(w.rng, w.names)
		return w.steer(verb, name)
	}
	m := pick(w.rng, w.msgs)
	a := outbox.Action{
		Verb: pick(w.rng, []outbox.Verb{outbox.VerbSendAgain, outbox.VerbSendAgain, outbox.VerbDiscard, outbox.VerbMarkDone}),
		ID:   m.ID, Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "was asked to",
	}
	if a.Verb == outbox.VerbSendAgain && m.leased && !m.live(w.now) {
		return nil // whether its old token stays current is the store's to say
	}
	if a.Verb != outbox.VerbSendAgain && w.chance(50) {
		a.Then = []outbox.Message{w.newMessage("t")}
	}
	err := w.Store.Act(w.ctx, a)
	w.logf("%s %s, then %s: %v", a.Verb, m.name(), describe(a.Then), orOK(err))
	var refused *outbox.RefusedError
	switch {
	case m.live(w.now):
		if !errors.Is(err, outbox.ErrInFlight) {
			return fmt.Errorf("an action on %s, which is in flight: %v", m.name(), orOK(err))
		}
		return nil
	case m.state.Final():
		if !errors.As(err, &refused) {
			return fmt.Errorf("an action on %s, which its state forbids: %v", m.name(), orOK(err))
		}
		return nil
	case err != nil:
		return err
	}
	w.audited++
	for _, then := range a.Then {
		w.know(then)
	}
	switch a.Verb {
	case outbox.VerbDiscard:
		m.end(outbox.StateDiscarded)
	case outbox.VerbMarkDone:
		m.end(outbox.StateMarkedDone)
	default:
		if m.state == outbox.StateParked {
			m.Attempt, m.lost = 0, 0
		}
		m.state, m.due = outbox.StatePending, w.now
	}
	return nil
}

func (w *world[Tx]) steer(verb outbox.Verb, name string) error {
	w.logf("%s %s", verb, name)
	w.audited++
	if verb == outbox.VerbPause {
		w.dests[name].pausing = outbox.PausedByOperator
	} else {
		*w.dests[name] = simDestination{spent: w.dests[name].spent}
	}
	return w.Store.Act(w.ctx, outbox.Action{
		Verb: verb, Destination: name, Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "maintenance",
	})
}
