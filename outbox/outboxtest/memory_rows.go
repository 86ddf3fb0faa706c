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
	msg.Fingerprint = msg.FactsFingerprint()
	msg.Unless, msg.Replaces = nil, 0
	return &row{msg: msg, lane: msg.OrderingKey(), state: msg.Born, reason: outbox.CutText(msg.Reason, outbox.MaxReason), due: now}
}

// add makes a row visible.
func (m *Memory) add(r *row) {
	m.rows[r.msg.ID] = r
	m.keys[placeOf(&r.msg)] = r
	m.named[r.msg.Key] = append(m.named[r.msg.Key], r)
	if !r.state.Final() {
		m.queue[r.msg.ID] = r
	}
	if r.state == outbox.StatePending {
		m.pend(r, r.due)
	}
	if r.msg.After != "" {
		p := place{r.msg.Destination, r.msg.After}
		m.followers[p] = append(m.followers[p], r)
	}
}

// finish sets a row's final state; what it still had to be sent with goes.
func (r *row) finish(state outbox.State, now time.Time) {
	r.state, r.reason, r.settled = state, "", now
	r.msg.Profile = nil
	r.unlease()
}

// end takes a row out of the queue and releases what waited for it.
func (m *Memory) end(r *row, state outbox.State, now time.Time) {
	m.unpend(r)
	m.setLost(r, 0)
	r.finish(state, now)
	delete(m.queue, r.msg.ID)
	m.release(r, now)
}

// park parks a row, and with it what waits for it.
func (m *Memory) park(r *row, reason string) {
	m.unpend(r)
	r.state, r.reason = outbox.StateParked, outbox.CutText(reason, outbox.MaxReason)
	r.unlease()
	m.parkFollowers(r)
}

// parkFollowers leaves alone what a sender has or had a lease on: it may be
// under way, and its settlement must find it.
func (m *Memory) parkFollowers(r *row) {
	for _, f := range m.followers[placeOf(&r.msg)] {
		if f.state == outbox.StatePending && !f.leased() {
			m.park(f, outbox.ReasonWaitsFor+r.msg.Key)
		}
	}
}

// release makes what was parked with a row pending again.
func (m *Memory) release(r *row, now time.Time) {
	for _, f := range m.followers[placeOf(&r.msg)] {
		if f.state == outbox.StateParked && f.reason == outbox.ReasonWaitsFor+r.msg.Key {
			f.reason = ""
			m.pend(f, now)
			m.release(f, now)
		}
	}
}

// waits tells whether a row is held back by what it names in After.
func (m *Memory) waits(r *row) bool {
	if r.msg.After == "" {
		return false
	}
	p, ok := m.keys[place{r.msg.Destination, r.msg.After}]
	return ok && !p.state.Final()
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
