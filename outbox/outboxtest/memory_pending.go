package outboxtest

import (
	"cmp"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// pend lists a row as pending, by its due time.
func (m *Memory) pend(r *row) {
	r.state = outbox.StatePending
	insert(m.keyed, r.key, r, byID)
	lists, order := m.listsOf(r)
	insert(lists, "", r, order)
	insert(lists, r.msg.Destination, r, order)
}

// unpend takes a row out of the pending, if it is one of them.
func (m *Memory) unpend(r *row) {
	if !remove(m.keyed, r.key, r, byID) {
		return
	}
	lists, order := m.listsOf(r)
	remove(lists, "", r, order)
	remove(lists, r.msg.Destination, r, order)
}

// putOffUntil makes a row pending and due at a time.
func (m *Memory) putOffUntil(r *row, due, now time.Time) {
	m.unpend(r)
	r.due, r.putOffAt = due, now
	m.pend(r)
}

func (m *Memory) listsOf(r *row) (map[string][]*row, func(a, b *row) int) {
	if r.due.IsZero() {
		return m.fresh, byID
	}
	return m.putOff, byDue
}

func byID(a, b *row) int { return cmp.Compare(a.msg.ID, b.msg.ID) }

func byDue(a, b *row) int { return cmp.Or(a.due.Compare(b.due), byID(a, b)) }

func insert[K comparable](lists map[K][]*row, at K, r *row, order func(a, b *row) int) {
	i, _ := slices.BinarySearchFunc(lists[at], r, order)
	lists[at] = slices.Insert(lists[at], i, r)
}

func remove[K comparable](lists map[K][]*row, at K, r *row, order func(a, b *row) int) bool {
	rows := lists[at]
	i, found := slices.BinarySearchFunc(rows, r, order)
	switch {
	case !found:
		return false
	case len(rows) == 1:
		delete(lists, at)
	default:
		lists[at] = slices.Delete(rows, i, i+1)
	}
	return true
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
