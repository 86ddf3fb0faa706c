package outboxtest

import (
	"context"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Erase implements [outbox.Inspector]. An empty person or pseudonym is a
// *amsbridge.InputError; a message of theirs that is under way,
// [outbox.ErrInFlight]. Nothing was changed then.
func (m *Memory) Erase(ctx context.Context, e outbox.Erasure) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	switch {
	case e.Person == "":
		return 0, check.Bad("outboxtest", "Erasure.Person", "is empty")
	case e.Pseudonym == "":
		return 0, check.Bad("outboxtest", "Erasure.Pseudonym", "is empty")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock()
	var theirs []*row
	for id, r := range m.rows {
		if r.msg.Person != e.Person {
			continue
		}
		if _, taken := m.taken[id]; taken || r.live(now) {
			return 0, outbox.ErrInFlight
		}
		theirs = append(theirs, r)
	}
	for _, r := range theirs {
		m.erase(r, e, now)
	}
	m.audit = append(m.audit, outbox.AuditEntry{At: now, Action: outbox.Action{
		Verb: outbox.VerbErase, Actor: e.Actor, Reason: outbox.CutText(e.Pseudonym+": "+e.Reason, outbox.MaxReason),
	}})
	return len(theirs), nil
}

func (m *Memory) erase(r *row, e outbox.Erasure, now time.Time) {
	for i := range r.log {
		r.log[i].Reason, r.log[i].Detail, r.log[i].Receipt = "", "", nil
	}
	if !r.state.Final() {
		m.end(r, outbox.StateDiscarded, now)
		r.logged(outbox.Attempt{
			At: now, State: outbox.StateDiscarded, Reason: "erased", PossibleDuplicate: r.msg.Doubt != 0,
			By: outbox.CutText(e.Actor.Name, 64),
		})
	}
	for i, part := range r.msg.KeyParts {
		if part == e.Person {
			r.msg.KeyParts[i] = e.Pseudonym
		}
	}
	r.msg.Person = e.Pseudonym
	r.lane = r.msg.OrderingKey()
	r.msg.Reason, r.msg.Facts, r.msg.Fingerprint, r.msg.Profile = "", nil, nil, nil
}
