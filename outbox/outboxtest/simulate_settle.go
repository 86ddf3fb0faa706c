package outboxtest

import (
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// settle records some of what a sender sent, gives back some of what it did
// not, and now and then tells of what it settled before, or of what was lost with
// a session.
func (w *model[Tx]) settle(s *simSender) error {
	if len(w.past) > 0 && w.chance(30) {
		if err := w.settleLate(pick(w.rng, w.past)); err != nil {
			return err
		}
	}
	var b simBatch
	s.held = slices.DeleteFunc(s.held, func(h simHeld) bool {
		if settles := h.sent && w.chance(70) || w.chance(10); !settles {
			return false
		}
		b.add(h, w.outcome(h, s.name))
		if b.last().State.Final() && w.chance(25) {
			b.add(h, w.outcome(h, s.name))
		}
		w.past = append(w.past, simPast{h, s.session})
		return true
	})
	for _, h := range b.held {
		if !slices.ContainsFunc(s.held, func(o simHeld) bool { return o.flight == h.flight }) && !slices.Contains(s.over, h.flight) {
			s.over = append(s.over, h.flight)
		}
	}
	if len(b.batch) == 0 && len(s.over) == 0 {
		return nil
	}
	return w.settleBatch(s, &b)
}

// simBatch are settlements, and what they are of.
type simBatch struct {
	batch []outbox.Settlement
	held  []simHeld
}

func (b *simBatch) add(h simHeld, e outbox.Settlement) {
	b.batch, b.held = append(b.batch, e), append(b.held, h)
}

func (b *simBatch) last() *outbox.Settlement { return &b.batch[len(b.batch)-1] }

// settleLate settles in the name of a session that is over, or once more what has
// left the queue. Neither may change anything.
func (w *model[Tx]) settleLate(p simPast) error {
	m := w.byID(p.ID)
	_, live := w.sessions[p.session]
	if live && m.queued() {
		return nil // a sender settles that only after an error
	}
	settled, err := w.Store.Settle(w.ctx, outbox.Settling{Session: p.session, Batch: []outbox.Settlement{w.outcome(p.simHeld, "late")}})
	w.logf("session %d settles %s late: %v %v", p.session, m.name(), settled, orOK(err))
	switch {
	case !live:
		return wantNoSession(err)
	case err != nil:
		return err
	case len(settled.Acked)+len(settled.Locked) > 0:
		return fmt.Errorf("%s has left the queue, and was settled", m.name())
	}
	return nil
}

// endsSome lets a settlement end others, of whatever ordering key, but for those
// that are in flight.
func (w *model[Tx]) endsSome(e *outbox.Settlement) {
	for range w.rng.IntN(6) - 3 {
		m := pick(w.rng, w.msgs)
		if m.key == e.Message.OrderingKey() && len(w.flying(m)) > 0 {
			continue
		}
		state := []outbox.State{outbox.StateWithdrawn, outbox.StateReplaced}[m.ID%2]
		e.Ends = append(e.Ends, outbox.End{ID: m.ID, State: state, Reason: "given back meanwhile"})
	}
}

func (w *model[Tx]) settleBatch(s *simSender, b *simBatch) error {
	settling := outbox.Settling{Session: s.session, Batch: b.batch, Over: s.over}
	settled, err := w.Store.Settle(w.ctx, settling)
	w.logf("%s settles %s, flights %v are over: %d: %v", s.name, w.describe(b.batch), s.over, settled.Acked, orOK(err))
	if !w.lives(s) {
		w.forget(s)
		return wantNoSession(err)
	}
	if err != nil {
		return err
	}
	var want []outbox.ID
	var effects []outbox.Settlement
	for i := range b.batch {
		e := &b.batch[i]
		if m := w.byID(e.Message.ID); m.queued() {
			want = append(want, m.ID)
			effects = append(effects, *e)
			w.settled(m, e, b.held[i].sent)
		}
	}
	got := slices.Clone(settled.Acked)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(want, got) || len(settled.Locked) > 0 {
		return fmt.Errorf("acknowledged were %d, not %d; locked are %d", got, want, settled.Locked)
	}
	w.affect(effects)
	if len(got) == len(b.batch) {
		for _, n := range s.over {
			delete(w.sessions[s.session].flights, n)
		}
		s.over = nil
	}
	return nil
}

func (w *model[Tx]) describe(batch []outbox.Settlement) (text string) {
	for i := range batch {
		e := &batch[i]
		text += fmt.Sprintf("[%s %s as %s in %v, seq %d, ends %v, then %s]",
			w.byID(e.Message.ID).name(), e.Outcome, e.State, e.Delay, e.Seq, e.Ends, describe(e.Then))
	}
	return text
}

func (w *model[Tx]) settled(m *simMessage, e *outbox.Settlement, sent bool) {
	for _, end := range e.Ends {
		if other := w.byID(end.ID); other != m && other.queued() && other.key == m.key {
			other.end(end.State)
		}
	}
	if !e.Unlogged && e.Outcome != outbox.OutcomeNone {
		m.settled = append(m.settled, simAttempt{e.Outcome, e.State, m.doubt != 0})
	}
	m.lost = 0
	if !e.Deferred {
		m.attempts++
	}
	m.tried = m.tried || !e.Unlogged || !e.Deferred
	m.seq = max(m.seq, e.Seq)
	if e.Partly {
		m.doubt |= outbox.DoubtPartly
	}
	if e.Outcome == outbox.OutcomeUnknown {
		m.doubt |= outbox.DoubtUnknown
	} else if sent {
		m.open--
	}
	switch {
	case e.State.Final():
		m.arrived = true
		m.end(e.State)
	case e.State == outbox.StatePending:
		m.putOffUntil(w.now+e.Delay, w.now)
	default:
		m.state = e.State
	}
	for _, then := range e.Then {
		w.know(then)
	}
}

// affect brings the effects on destinations into the model: first what opens
// them, then what closes them.
func (w *model[Tx]) affect(batch []outbox.Settlement) {
	for i := range batch {
		d := w.dests[batch[i].Message.Destination]
		if batch[i].ProbeAgain {
			d.probe, d.breaker = min(d.probe, w.now), min(d.breaker, w.now)
		}
		if batch[i].Resume {
			d.broken = false
			if d.pausing == outbox.PausedByItself {
				d.pausing = outbox.NotPaused
			}
		}
	}
	for i := range batch {
		e := &batch[i]
		d := w.dests[e.Message.Destination]
		if until := w.now + e.Hold; e.Hold > 0 && until > d.held {
			d.held, d.closedAt = until, w.now
		}
		if until := w.now + e.Break; e.Break > 0 && (!d.broken || until > d.breaker) {
			d.broken, d.breaker, d.closedAt = true, until, w.now
		}
		if e.Pause != "" && d.pausing != outbox.PausedByOperator {
			d.pausing, d.probe, d.closedAt = outbox.PausedByItself, w.now+e.ProbeEvery, w.now
		}
	}
}
