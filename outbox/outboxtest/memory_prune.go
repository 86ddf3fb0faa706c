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
		r := m.rows[id]
		if p.Forget > 0 && r.state.Final() && r.settled.Before(now.Add(-p.Forget)) {
			limit -= max(1, len(r.log))
			m.forget(r)
			pruned.Forgotten++
		} else if p.Replies > 0 {
			n := r.prune(now.Add(-p.Replies), limit)
			limit -= n
			pruned.Replies += n
		}
	}
	pruned.More = limit < 1
	return pruned, nil
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
	is := func(other *row) bool { return other == r }
	p := placeOf(&r.msg)
	delete(m.rows, r.msg.ID)
	delete(m.keys, p)
	if m.named[p.key] = slices.DeleteFunc(m.named[p.key], is); len(m.named[p.key]) == 0 {
		delete(m.named, p.key)
	}
	if r.msg.After == "" {
		return
	}
	p.key = r.msg.After
	if m.followers[p] = slices.DeleteFunc(m.followers[p], is); len(m.followers[p]) == 0 {
		delete(m.followers, p)
	}
}
