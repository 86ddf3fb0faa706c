package outboxtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// deliver sends the next message of one of a sender's runs: those of one person
// go one after another, and none when its lease has ended.
func (w *world[Tx]) deliver(s *simSender) error {
	begun := map[int64]bool{}
	var next []*simHeld
	for i := range s.held {
		h := &s.held[i]
		if !h.sent && !begun[h.OrderingKey()] && h.until > w.now {
			begun[h.OrderingKey()] = true
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
	case !m.live(w.now) || m.token != h.token:
		return fmt.Errorf("%s is sent by %s, whose lease is not the model's", m.name(), s.name)
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

// settle records some of what a sender sent, gives back some of what it did
// not, and now and then repeats itself or tells of what it lost long ago.
func (w *world[Tx]) settle(s *simSender) error {
	var batch []outbox.Settlement
	var sent []bool
	add := func(h simHeld) {
		batch, sent = append(batch, w.outcome(h, s.name)), append(sent, h.sent)
	}
	for range 2 {
		if len(w.past) > 0 && w.chance(30) {
			add(pick(w.rng, w.past))
		}
	}
	s.held = slices.DeleteFunc(s.held, func(h simHeld) bool {
		if settles := h.sent && w.chance(70) || w.chance(10); !settles {
			return false
		}
		add(h)
		if w.chance(10) {
			add(h)
		}
		w.past = append(w.past, h)
		return true
	})
	if len(batch) == 0 {
		return nil
	}
	return w.settleBatch(s.name, batch, sent)
}

func (w *world[Tx]) outcome(h simHeld, by string) outbox.Settlement {
	e := outbox.Settlement{Message: h.Message, Token: h.token, State: outbox.StatePending, By: by, Took: time.Second}
	switch {
	case !h.sent && w.chance(20):
		e.State, e.Reason = outbox.StateWithdrawn, "nothing is left to be sent"
		w.endsSome(&e)
		return e
	case !h.sent:
		e.Deferred, e.Unlogged = true, true
		return e
	case w.chance(80):
		w.seq++
		e.Seq = w.seq
	}
	e.Partly = w.chance(5)
	w.endsSome(&e)
	pick(w.rng, append(outcomes, outcomes[0], outcomes[0], outcomes[0], outcomes[0]))(&e)
	if e.State.Final() && w.chance(25) {
		e.Then = []outbox.Message{w.newMessage("t"), w.newMessage("t")}[:1+w.rng.IntN(2)]
	}
	return e
}

// endsSome lets a settlement end others, of whatever ordering key.
func (w *world[Tx]) endsSome(e *outbox.Settlement) {
	for range w.rng.IntN(6) - 3 {
		id := pick(w.rng, w.msgs).ID
		state := []outbox.State{outbox.StateWithdrawn, outbox.StateReplaced}[id%2]
		e.Ends = append(e.Ends, outbox.End{ID: id, State: state, Reason: "given back meanwhile"})
	}
}

func (w *world[Tx]) settleBatch(by string, batch []outbox.Settlement, sent []bool) error {
	var want []outbox.ID
	var effects []outbox.Settlement
	var text string
	settled := map[outbox.ID]bool{}
	for i := range batch {
		settled[batch[i].Message.ID] = true
	}
	for i := range batch {
		e := &batch[i]
		// What both settles and is ended in one batch may go either way.
		e.Ends = slices.DeleteFunc(e.Ends, func(end outbox.End) bool { return settled[end.ID] })
		m := w.byID(e.Message.ID)
		current := m.queued() && m.leased && m.token == e.Token
		text += fmt.Sprintf("[%s %s as %s, current %v, seq %d, ends %v, then %s]",
			m.name(), e.Outcome, e.State, current, e.Seq, e.Ends, describe(e.Then))
		if current {
			want = append(want, m.ID)
			effects = append(effects, *e)
			w.settled(m, e, sent[i])
		}
	}
	acknowledged, err := w.Store.Settle(w.ctx, batch)
	w.logf("%s settles %s: %d %v", by, text, acknowledged, orOK(err))
	if err != nil {
		return err
	}
	slices.Sort(want)
	slices.Sort(acknowledged)
	if !slices.Equal(want, acknowledged) {
		return fmt.Errorf("acknowledged were %d, not %d", acknowledged, want)
	}
	w.affect(effects)
	return nil
}

func (w *world[Tx]) settled(m *simMessage, e *outbox.Settlement, sent bool) {
	for _, end := range e.Ends {
		if other := w.byID(end.ID); other != m && other.queued() && other.lane == m.lane && !other.leased {
			other.end(end.State)
		}
	}
	if !e.Unlogged && e.Outcome != outbox.OutcomeNone {
		m.settled = append(m.settled, simAttempt{e.Outcome, e.State, m.doubt != 0})
	}
	m.unlease()
	m.lost = 0
	if e.Deferred {
		m.Attempt--
	}
	m.seq = max(m.seq, e.Seq)
	if e.Partly {
		m.doubt |= outbox.DoubtPartly
	}
	if e.Outcome == outbox.OutcomeUnknown {
		m.doubt |= outbox.DoubtUnknown
	} else if sent {
		m.open--
	}
	m.state, m.due = e.State, w.now+e.Delay
	if e.State.Final() {
		m.arrived = true
		m.end(e.State)
	}
	for _, then := range e.Then {
		w.know(then)
	}
}

// affect brings the effects on destinations into the model: first what opens
// them, then what shuts them.
func (w *world[Tx]) affect(batch []outbox.Settlement) {
	for i := range batch {
		if d := w.dests[batch[i].Message.Destination]; batch[i].Resume {
			d.broken, d.breaker = false, 0
			if d.pausing == outbox.PausedByItself {
				d.pausing, d.probe = outbox.NotPaused, 0
			}
		}
	}
	for i := range batch {
		e := &batch[i]
		d := w.dests[e.Message.Destination]
		if e.Hold > 0 {
			d.held = max(d.held, w.now+e.Hold)
		}
		if e.Break > 0 {
			d.broken, d.breaker = true, max(d.breaker, w.now+e.Break)
		}
		if e.Pause != "" && d.pausing != outbox.PausedByOperator {
			d.pausing, d.probe = outbox.PausedByItself, w.now+e.ProbeEvery
		}
	}
}
