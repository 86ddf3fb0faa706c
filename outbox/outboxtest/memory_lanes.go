package outboxtest

import (
	"cmp"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// pend makes a row pending and due at a time, or due at another time.
func (m *Memory) pend(r *row, due time.Time) {
	m.unpend(r)
	r.state, r.due = outbox.StatePending, due
	m.lanes[r.lane] = inserted(m.lanes[r.lane], r, byID)
	name := r.msg.Destination
	m.lines[name] = inserted(m.lines[name], r, byDue)
}

// unpend takes a row out of its lane and line, if it is there.
func (m *Memory) unpend(r *row) {
	drop(m.lanes, r.lane, r, byID)
	drop(m.lines, r.msg.Destination, r, byDue)
}

// setLost counts the lost leases of a row, but for the lease that it bears.
func (m *Memory) setLost(r *row, lost int) {
	r.lost = lost
	if lost > 0 {
		m.lost[r] = struct{}{}
	} else {
		delete(m.lost, r)
	}
}

func byID(a, b *row) int { return cmp.Compare(a.msg.ID, b.msg.ID) }

func byDue(a, b *row) int { return cmp.Or(a.due.Compare(b.due), byID(a, b)) }

func inserted(rows []*row, r *row, order func(a, b *row) int) []*row {
	i, _ := slices.BinarySearchFunc(rows, r, order)
	return slices.Insert(rows, i, r)
}

func drop[K comparable](lists map[K][]*row, at K, r *row, order func(a, b *row) int) {
	rows := lists[at]
	i, ok := slices.BinarySearchFunc(rows, r, order)
	if !ok {
		return
	}
	if len(rows) == 1 {
		delete(lists, at)
		return
	}
	lists[at] = slices.Delete(rows, i, i+1)
}

// dueBy returns how many rows of a line are due.
func dueBy(line []*row, now time.Time) int {
	i, _ := slices.BinarySearchFunc(line, now, func(r *row, now time.Time) int {
		if r.due.After(now) {
			return 1
		}
		return -1
	})
	return i
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
