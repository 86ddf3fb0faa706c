package outboxtest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// operate is an operator's action on a message or a destination.
func (w *model[Tx]) operate() error {
	if w.chance(20) {
		return w.doTask()
	}
	if w.chance(20) {
		return w.tell()
	}
	if w.chance(40) || len(w.msgs) == 0 {
		switch {
		case w.stranger() && w.chance(50) || w.chance(2):
			return w.adopt()
		case w.paused != outbox.NotPaused || w.chance(10):
			return w.pauseAll(w.paused == outbox.NotPaused)
		}
		verb, name := pick(w.rng, []outbox.Verb{outbox.VerbPause, outbox.VerbResume, outbox.VerbResume}), pick(w.rng, w.names)
		return w.steer(verb, name)
	}
	m := pick(w.rng, w.msgs)
	a := outbox.Action{
		Verb: pick(w.rng, []outbox.Verb{outbox.VerbSendAgain, outbox.VerbSendAgain, outbox.VerbDiscard, outbox.VerbMarkDone}),
		ID:   m.ID, Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "was asked to",
	}
	if a.Verb == outbox.VerbSendAgain && m.state == outbox.StatePending && m.fresh {
		return nil // whether it is put off by that is the store's to say
	}
	if a.Verb != outbox.VerbSendAgain && w.chance(50) {
		a.Then = []outbox.Message{w.newMessage("t")}
	}
	err := w.Store.Act(w.ctx, a)
	w.logf("%s %s, then %s: %v", a.Verb, m.name(), describe(a.Then), orOK(err))
	var refused *outbox.RefusedError
	switch {
	case len(w.flying(m)) > 0:
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
			m.attempts, m.lost = 0, 0
		}
		m.putOffUntil(w.now, w.now)
	}
	return nil
}

// pauseAll pauses or resumes everything.
func (w *model[Tx]) pauseAll(pause bool) error {
	if pause {
		w.paused = outbox.PausedByOperator
		return w.act(outbox.VerbPause, "")
	}
	if !w.stranger() {
		w.paused = outbox.NotPaused
		return w.act(outbox.VerbResume, "")
	}
	if err := w.act(outbox.VerbResume, ""); !errors.Is(err, outbox.ErrNotAdopted) {
		return fmt.Errorf("everything is resumed beside a session of another installation: %v", orOK(err))
	}
	w.audited--
	return nil
}

// stranger tells whether some session is of an installation that did not adopt the store.
func (w *model[Tx]) stranger() bool {
	for _, s := range w.sessions {
		if !slices.Contains(w.adopted, s.at) {
			return true
		}
	}
	return false
}

// adopt adopts the store for all sessions' installations.
func (w *model[Tx]) adopt() error {
	for _, s := range w.sessions {
		w.adopted = append(w.adopted, s.at)
	}
	for _, m := range w.msgs {
		if m.queued() {
			m.doubt |= outbox.DoubtLost
		}
	}
	if w.paused == outbox.PausedByItself {
		w.paused = outbox.NotPaused
	}
	return w.act(outbox.VerbAdopt, "")
}

func (w *model[Tx]) steer(verb outbox.Verb, name string) error {
	if verb == outbox.VerbPause {
		w.dests[name].pausing = outbox.PausedByOperator
	} else {
		spent := w.dests[name].spent
		w.dests[name] = newSimDestination()
		w.dests[name].spent = spent
	}
	return w.act(verb, name)
}

// act is an operator's action on a destination, or on everything.
func (w *model[Tx]) act(verb outbox.Verb, name string) error {
	w.logf("%s %q", verb, name)
	w.audited++
	return w.Store.Act(w.ctx, outbox.Action{
		Verb: verb, Destination: name, Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "maintenance",
	})
}
