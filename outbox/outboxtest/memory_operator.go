package outboxtest

import (
	"context"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Act implements [outbox.Inspector]. A verb that does not exist is a
// *amsbridge.InputError.
func (m *Memory) Act(ctx context.Context, a outbox.Action) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock()
	lookedUp, then := a.LookedUp, a.Then
	a.LookedUp, a.Then = false, nil // they are not kept
	switch a.Verb {
	case outbox.VerbPause:
		d := m.destination(a.Destination)
		d.Pausing, d.Reason, d.ProbeAt = outbox.PausedByOperator, a.Reason, time.Time{}
		m.noted(outbox.AuditEntry{At: now, Action: a})
		return nil
	case outbox.VerbResume:
		if a.Destination == "" && len(m.strangers()) > 0 {
			return outbox.ErrNotAdopted
		}
		*m.destination(a.Destination) = destination{DestinationState: outbox.DestinationState{Name: a.Destination}}
		m.noted(outbox.AuditEntry{At: now, Action: a})
		return nil
	case outbox.VerbSendAgain, outbox.VerbDiscard, outbox.VerbMarkDone:
		return m.actOnMessage(a, lookedUp, then, now)
	case outbox.VerbTaskDone:
		return m.taskDone(a, now)
	case outbox.VerbAdopt:
		m.adopt()
		m.noted(outbox.AuditEntry{At: now, Action: a})
		return nil
	}
	return check.Bad("outboxtest", "Action.Verb", "is not one of the operator's")
}

func (m *Memory) actOnMessage(a outbox.Action, lookedUp bool, then []outbox.Message, now time.Time) error {
	if err := outbox.CheckMessages(then); err != nil {
		return err
	}
	r, ok := m.rows[a.ID]
	if !ok {
		return outbox.ErrNotFound
	}
	if r.inFlight(now) {
		return outbox.ErrInFlight
	}
	was := r.state
	if refused := refuse(a.Verb, r, lookedUp); refused != "" {
		return &outbox.RefusedError{ID: a.ID, Reason: refused}
	}
	switch a.Verb {
	case outbox.VerbSendAgain:
		m.sendAgain(r, now)
	case outbox.VerbDiscard:
		m.endByHand(r, outbox.StateDiscarded, a, now)
		m.follow(then, now)
	default:
		m.endByHand(r, outbox.StateMarkedDone, a, now)
		m.follow(then, now)
	}
	a.Destination, a.Association, a.Subject = r.msg.Destination, r.msg.Association(), r.msg.Subject
	m.noted(outbox.AuditEntry{At: now, Action: a, Key: r.msg.Key, Was: was})
	return nil
}

func (m *Memory) endByHand(r *row, state outbox.State, a outbox.Action, now time.Time) {
	m.end(r, state, now)
	r.logged(outbox.Attempt{
		At: now, State: state, Reason: a.Reason, PossibleDuplicate: r.msg.Doubt != 0, By: a.Actor.Name,
	})
}

func refuse(verb outbox.Verb, r *row, lookedUp bool) string {
	done := r.state == outbox.StateDelivered || r.state == outbox.StateAlreadyDone
	switch {
	case done && verb == outbox.VerbSendAgain && len(r.msg.Facts) == 0:
		return "its person was erased, and its facts with them"
	case done && verb == outbox.VerbSendAgain && lookedUp:
		return ""
	case r.state.Final() && verb == outbox.VerbSendAgain:
		return "it is " + r.state.String() + ": its profile is deleted, and no look-up is configured"
	case r.state.Final():
		return "it is " + r.state.String() + " already"
	}
	return ""
}

// sendAgain keeps the doubt: what may have arrived may still have arrived.
func (m *Memory) sendAgain(r *row, now time.Time) {
	if r.state.Final() {
		r.msg.Doubt |= outbox.DoubtUnknown // the platform has it
	}
	if r.state == outbox.StatePending && r.due.IsZero() {
		return // it is due
	}
	if r.state != outbox.StatePending {
		r.reason, r.settled = "", time.Time{}
		r.msg.Attempt, r.notReady = 0, time.Time{}
		r.lost = 0
		m.queue[r.msg.ID] = r
	}
	m.putOffUntil(r, now, now)
}
