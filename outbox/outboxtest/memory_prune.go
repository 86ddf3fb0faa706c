package outboxtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// Prune implements [outbox.Queue].
func (m *Memory) Prune(ctx context.Context, p outbox.Pruning) (outbox.Pruned, error) {
	if err := ctx.Err(); err != nil {
		return outbox.Pruned{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var pruned outbox.Pruned
	now, limit := m.clock(), cmp.Or(p.Limit, 1000)
	for _, id := range slices.Sorted(maps.Keys(m.rows)) {
		if limit < 1 {
			break
		}
		r, ok := m.rows[id]
		if !ok {
			continue // released by one before it
		}
		if p.Forget > 0 && r.over() && r.settled.Before(now.Add(-p.Forget)) {
			for _, gone := range m.forgottenWith(r) {
				limit -= max(1, len(gone.log))
				m.forget(gone)
				pruned.Forgotten++
			}
		} else if p.Replies > 0 {
			n := r.prune(now.Add(-p.Replies), limit)
			limit -= n
			pruned.Replies += n
		}
	}
	if p.Forget > 0 {
		n := m.forgetEntries(now.Add(-p.Forget), limit)
		limit -= n
		pruned.Forgotten += n
	}
	pruned.More = limit < 1
	return pruned, nil
}

// over tells whether a row may be forgotten once it is old enough.
func (r *row) over() bool {
	return r.state.Final() && (r.msg.Sequel == "" || len(r.releases) > 0)
}

// forgottenWith returns a row and those that it releases, or none where one of them is in the queue again.
func (m *Memory) forgottenWith(r *row) []*row {
	rows := []*row{r}
	for id := range toSet(r.releases) {
		other, ok := m.rows[id]
		if ok && !other.state.Final() {
			return nil
		}
		if ok && other != r {
			rows = append(rows, other)
		}
	}
	return rows
}

// prune removes or empties at most limit of a row's attempts.
func (r *row) prune(before time.Time, limit int) (n int) {
	last := len(r.log) - 1
	kept := r.log[:0]
	for i, a := range r.log {
		switch old := n < limit && a.At.Before(before); {
		case !old, i == last && a.Detail == "":
		case i == last:
			a.Detail = ""
			n++
		default:
			n++
			continue
		}
		kept = append(kept, a)
	}
	r.log = kept
	return n
}

// forget removes a row that has left the queue.
func (m *Memory) forget(r *row) {
	delete(m.rows, r.msg.ID)
	delete(m.places, placeOf(&r.msg))
	m.ofKey[r.key]--
	unlist(m.named, r.msg.Key, r)
	unlist(m.persons, r.msg.Person, r)
	unlist(m.subjects, r.msg.Subject, r)
}

func unlist(lists map[string][]*row, at string, r *row) {
	is := func(other *row) bool { return other == r }
	if lists[at] = slices.DeleteFunc(lists[at], is); len(lists[at]) == 0 {
		delete(lists, at)
	}
}

// forgetEntries removes at most limit old entries. A subject's first says that it
// is known, and its last what is known.
func (m *Memory) forgetEntries(before time.Time, limit int) (n int) {
	for of, entries := range m.entries {
		last := entries[len(entries)-1].N
		m.entries[of] = slices.DeleteFunc(entries, func(e outbox.Entry) bool {
			old := n < limit && e.N > 1 && e.N < last && e.Created.Before(before)
			if old {
				n++
			}
			return old
		})
	}
	return n
}
