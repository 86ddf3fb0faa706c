package outboxtest

import (
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// row is a stored message.
type row struct {
	msg      outbox.Message // its Attempt and Doubt are kept up to date
	key      int64          // ordering key
	state    outbox.State
	reason   string
	due      time.Time // zero until it is put off
	putOffAt time.Time // when due was set
	lost     int
	notReady time.Time
	settled  time.Time
	seq      int64
	releases []outbox.ID // see outbox.Settlement.Releases
	flights  []*recorded // that name it
	broken   bool        // see Memory.Corrupt
	log      []outbox.Attempt
	logs     int // numbers given out in the log
}

// newRow gives a message its ID, as a sequence does: one that is rolled back is
// not used again.
func (m *Memory) newRow(msg outbox.Message, now time.Time) *row {
	m.lastID++
	msg = clone(msg)
	msg.ID, msg.Created, msg.Attempt, msg.Doubt, msg.Alone = m.lastID, now, 0, 0, false
	return &row{msg: msg, key: msg.OrderingKey()}
}

// add makes a row visible.
func (m *Memory) add(r *row) {
	m.rows[r.msg.ID] = r
	m.places[placeOf(&r.msg)] = r
	m.named[r.msg.Key] = append(m.named[r.msg.Key], r)
	m.persons[r.msg.Person] = append(m.persons[r.msg.Person], r)
	m.subjects[r.msg.Subject] = append(m.subjects[r.msg.Subject], r)
	m.ofKey[r.key]++
	m.queue[r.msg.ID] = r
	m.pend(r)
}

// end takes a row out of the queue. What it still had to be sent with goes.
func (m *Memory) end(r *row, state outbox.State, now time.Time) {
	m.unpend(r)
	r.state, r.reason, r.settled, r.releases, r.lost = state, "", now, nil, 0
	r.msg.Profile = nil
	delete(m.queue, r.msg.ID)
}

func (m *Memory) park(r *row, reason string) {
	m.unpend(r)
	r.state, r.reason = outbox.StateParked, outbox.CutText(reason, outbox.MaxReason)
}

// Corrupt makes a message unreadable to senders, as a damaged row of a database
// is: [outbox.Waiting.Broken] says so.
func (m *Memory) Corrupt(id outbox.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.rows[id]; ok {
		r.broken = true
	}
}

// inFlight tells whether a sender has it, as far as is known.
func (r *row) inFlight(now time.Time) bool {
	return slices.ContainsFunc(r.flights, func(f *recorded) bool { return f.has(r, now) })
}

func (r *row) logged(a outbox.Attempt) {
	r.logs++
	a.N = r.logs
	a.Code = outbox.CutText(a.Code, 64)
	a.Reason = outbox.CutText(a.Reason, outbox.MaxReason)
	a.Detail = outbox.CutText(a.Detail, 4096)
	a.By = outbox.CutText(a.By, 64)
	a.Receipt = slices.Clone(a.Receipt)
	r.log = append(r.log, a)
}

func (r *row) record() outbox.Record {
	rec := outbox.Record{
		Message: clone(r.msg), State: r.state, Reason: r.reason, Seq: r.seq, Lost: r.lost, Settled: r.settled,
	}
	switch {
	case r.state != outbox.StatePending:
	case r.due.IsZero():
		rec.Due = r.msg.Created
	default:
		rec.Due = r.due
	}
	if n := len(r.log); n > 0 {
		rec.Outcome, rec.Receipt = r.log[n-1].Outcome, slices.Clone(r.log[n-1].Receipt)
	}
	return rec
}

// clone keeps the store's bytes apart from the caller's.
func clone(m outbox.Message) outbox.Message {
	m.KeyParts, m.Items = slices.Clone(m.KeyParts), slices.Clone(m.Items)
	m.Facts, m.Profile = slices.Clone(m.Facts), slices.Clone(m.Profile)
	return m
}
