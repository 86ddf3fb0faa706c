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
	for _, r := range m.persons[e.Person] {
		if r.msg.Association() != e.Association {
			continue
		}
		if r.inFlight(now) {
			return 0, outbox.ErrInFlight
		}
		theirs = append(theirs, r)
	}
	waiting := map[string][]outbox.Message{} // by subject
	for _, r := range theirs {
		if r.msg.Sequel != "" {
			msgs := waiting[r.msg.Subject]
			if !r.state.Final() {
				msgs = append(msgs, clone(r.msg))
			}
			waiting[r.msg.Subject] = msgs
		}
		m.erase(r, e, now)
	}
	for subject, msgs := range waiting {
		if entries := m.entries[about{e.Association, subject}]; len(entries) > 0 {
			next := cloneEntry(entries[len(entries)-1]).AfterErasing(msgs)
			next.Created = now
			m.append(next)
		}
	}
	m.noted(outbox.AuditEntry{At: now, Action: outbox.Action{
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
			By: e.Actor.Name,
		})
	}
	for i, part := range r.msg.KeyParts {
		if part == e.Person {
			r.msg.KeyParts[i] = e.Pseudonym
		}
	}
	unlist(m.persons, e.Person, r)
	r.msg.Person = e.Pseudonym
	m.persons[r.msg.Person] = append(m.persons[r.msg.Person], r)
	m.ofKey[r.key]--
	r.key = r.msg.OrderingKey()
	m.ofKey[r.key]++
	r.msg.Scope, r.msg.Facts, r.msg.Profile = "", nil, nil
}
