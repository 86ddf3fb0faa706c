package outboxtest

import (
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// newRow gives a message its ID, as a sequence does: one that is rolled back is
// not used again.
func (m *Memory) newRow(msg outbox.Message, now time.Time) *row {
	m.lastID++
	msg = clone(msg)
	msg.ID, msg.Created, msg.Attempt, msg.Doubt = m.lastID, now, 0, 0
	return &row{msg: msg, lane: msg.OrderingKey(), due: now}
}

// add makes a row visible.
func (m *Memory) add(r *row) {
	m.rows[r.msg.ID] = r
	m.keys[placeOf(&r.msg)] = r
	m.named[r.msg.Key] = append(m.named[r.msg.Key], r)
	m.persons[r.msg.Person] = append(m.persons[r.msg.Person], r)
	m.subjects[r.msg.Subject] = append(m.subjects[r.msg.Subject], r)
	m.queue[r.msg.ID] = r
	m.pend(r, r.due)
}

// end takes a row out of the queue. What it still had to be sent with goes, and
// a lease that nobody settled leaves its doubt.
func (m *Memory) end(r *row, state outbox.State, now time.Time) {
	if r.leased() {
		r.msg.Doubt |= outbox.DoubtLostLease
	}
	m.unpend(r)
	m.setLost(r, 0)
	r.unlease()
	r.state, r.reason, r.settled, r.releases = state, "", now, nil
	r.msg.Profile = nil
	delete(m.queue, r.msg.ID)
}

func (m *Memory) park(r *row, reason string) {
	m.unpend(r)
	r.state, r.reason = outbox.StateParked, outbox.CutText(reason, outbox.MaxReason)
	r.unlease()
}

// destination returns a destination's state, which exists from now on.
func (m *Memory) destination(name string) *outbox.DestinationState {
	d, ok := m.states[name]
	if !ok {
		d = &outbox.DestinationState{Name: name}
		m.states[name] = d
	}
	return d
}
