package outboxtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// deliver sends the next message that a sender has in flight: those of one person
// one after another, and none when its session is over, as a sender knows by its
// own clock.
func (w *model[Tx]) deliver(s *simSender) error {
	if !w.lives(s) {
		return nil
	}
	begun := map[int64]bool{}
	var next []*simHeld
	for i := range s.held {
		h := &s.held[i]
		if key := h.msg.OrderingKey(); !h.sent && !begun[key] {
			begun[key] = true
			next = append(next, h)
		}
	}
	if len(next) == 0 {
		return nil
	}
	h := pick(w.rng, next)
	m := w.byID(h.ID)
	w.logf("%s sends %s", s.name, m.name())
	switch {
	case m.open > 0 && h.Doubt == 0:
		return fmt.Errorf("%s may have arrived before, and is not marked as a possible duplicate", m.name())
	case m.arrived:
		return fmt.Errorf("%s is sent again, though the platform's answer was acknowledged", m.name())
	case !slices.Contains(w.flying(m), s.session):
		return fmt.Errorf("%s is sent by %s, which does not have it in flight", m.name(), s.name)
	}
	h.sent = true
	m.open++
	return nil
}

// outcomes of a delivery, and what a sender makes of them.
var outcomes = []func(*outbox.Settlement){
	func(e *outbox.Settlement) {
		e.State, e.Outcome, e.Resume = outbox.StateDelivered, outbox.OutcomeDelivered, true
	},
	func(e *outbox.Settlement) {
		e.State, e.Outcome, e.Resume = outbox.StateAlreadyDone, outbox.OutcomeAlreadyDone, true
	},
	func(e *outbox.Settlement) {
		e.State, e.Outcome, e.Reason = outbox.StateParked, outbox.OutcomeRejected, "unknown product"
	},
	func(e *outbox.Settlement) { e.Outcome, e.Delay = outbox.OutcomeUnavailable, 5*time.Minute },
	func(e *outbox.Settlement) { e.Outcome = outbox.OutcomeUnavailable },
	func(e *outbox.Settlement) { e.Outcome, e.Delay = outbox.OutcomeUnknown, 5*time.Minute },
	func(e *outbox.Settlement) { e.Outcome, e.Delay = outbox.OutcomeNotReady, 30*time.Minute },
	func(e *outbox.Settlement) {
		e.Outcome, e.Deferred, e.Hold = outbox.OutcomeThrottled, true, 20*time.Minute
	},
	func(e *outbox.Settlement) {
		e.Outcome, e.Deferred, e.Pause, e.ProbeEvery = outbox.OutcomeUnauthorized, true, "credentials refused", simProbe
	},
	func(e *outbox.Settlement) {
		e.Outcome, e.Deferred, e.Break = outbox.OutcomeUnavailable, true, 20*time.Minute
	},
}

func (w *model[Tx]) outcome(h simHeld, by string) outbox.Settlement {
	e := outbox.Settlement{Message: h.msg, State: outbox.StatePending, By: by, Took: time.Second}
	switch {
	case !h.sent && w.chance(20):
		e.State, e.Reason = outbox.StateWithdrawn, "nothing is left to be sent"
		w.endsSome(&e)
		return e
	case !h.sent:
		e.Deferred, e.Unlogged, e.ProbeAgain = true, true, h.probe
		return e
	case w.chance(80):
		w.seq++
		e.Seq = w.seq
	}
	e.Partly = w.chance(5)
	w.endsSome(&e)
	among := append(outcomes, outcomes[0], outcomes[0], outcomes[0], outcomes[0])
	if w.trouble && w.chance(50) {
		among = outcomes[len(outcomes)-3:]
	}
	pick(w.rng, among)(&e)
	if e.State.Final() && w.chance(25) {
		e.Then = []outbox.Message{w.newMessage("t"), w.newMessage("t")}[:1+w.rng.IntN(2)]
	}
	return e
}
