package outboxtest

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// Find implements [outbox.Inspector].
func (m *Memory) Find(ctx context.Context, q outbox.Query) ([]outbox.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.find(q, nil)
}

// FindTx implements [outbox.Writer].
func (m *Memory) FindTx(ctx context.Context, tx *Tx, q outbox.Query) ([]outbox.Record, error) {
	if err := m.enter(ctx, tx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return m.find(q, tx)
}

func (m *Memory) find(q outbox.Query, tx *Tx) ([]outbox.Record, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	now := m.clock()
	var found []outbox.Record
	add := func(r *row) {
		rec := r.record()
		if rec.InFlight = q.InFlight && r.inFlight(now); matches(&q, &rec) && r.failed(&q) {
			found = append(found, rec)
		}
	}
	for _, r := range m.within(&q) {
		add(r)
	}
	if tx != nil {
		for _, r := range tx.added {
			add(r)
		}
	}
	slices.SortFunc(found, func(a, b outbox.Record) int { return cmp.Compare(a.ID, b.ID) })
	if q.Newest {
		slices.Reverse(found)
	}
	limit := cmp.Or(q.Limit, 1000)
	return found[:min(limit, len(found))], nil
}

// within returns the rows that a query may match.
func (m *Memory) within(q *outbox.Query) []*row {
	switch {
	case len(q.IDs) > 0:
		var rows []*row
		for id := range toSet(q.IDs) {
			if r, ok := m.rows[id]; ok {
				rows = append(rows, r)
			}
		}
		return rows
	case len(q.Keys) > 0:
		var rows []*row
		for key := range toSet(q.Keys) {
			rows = append(rows, m.named[key]...)
		}
		return rows
	case q.Subject != "":
		return m.subjects[q.Subject]
	case q.Person != "":
		return m.persons[q.Person]
	}
	return slices.Collect(maps.Values(m.rows))
}

func toSet[T comparable](items []T) map[T]bool {
	set := make(map[T]bool, len(items))
	for _, item := range items {
		set[item] = true
	}
	return set
}

func matches(q *outbox.Query, r *outbox.Record) bool {
	return (len(q.IDs) == 0 || slices.Contains(q.IDs, r.ID)) &&
		(q.Destination == "" || q.Destination == r.Destination) &&
		(q.Subject == "" || q.Subject == r.Subject) &&
		(q.Person == "" || q.Person == r.Person && q.Association == r.Association()) &&
		(q.Association == "" || q.Association == r.Association()) &&
		(q.Scope == "" || q.Scope == r.Scope) &&
		(q.Reason == "" || q.Reason == r.Reason) &&
		inTime(r.Created, q.CreatedFrom, q.CreatedTo) &&
		(len(q.Keys) == 0 || slices.Contains(q.Keys, r.Key)) &&
		(len(q.States) == 0 || slices.Contains(q.States, r.State)) &&
		r.ID > q.AfterID && (q.BeforeID == 0 || r.ID < q.BeforeID)
}

// Counts implements [outbox.Inspector].
func (m *Memory) Counts(ctx context.Context) ([]outbox.Count, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock()
	counts := map[string]outbox.Count{}
	for _, r := range m.queue {
		c := counts[r.msg.Destination]
		c.Destination = r.msg.Destination
		switch r.state {
		case outbox.StateParked:
			c.Parked++
		default:
			c.Pending++
			if r.inFlight(now) {
				c.InFlight++
			}
			if c.Oldest.IsZero() || r.msg.Created.Before(c.Oldest) {
				c.Oldest = r.msg.Created
			}
		}
		counts[r.msg.Destination] = c
	}
	return slices.SortedFunc(maps.Values(counts), func(a, b outbox.Count) int {
		return cmp.Compare(a.Destination, b.Destination)
	}), nil
}

// Destinations implements [outbox.Inspector]. A destination has a state once it
// was paused or held.
func (m *Memory) Destinations(ctx context.Context) ([]outbox.DestinationState, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	states := make([]outbox.DestinationState, 0, len(m.destinations))
	for _, name := range slices.Sorted(maps.Keys(m.destinations)) {
		if d := m.destinations[name]; name != "" || d.Pausing != outbox.NotPaused {
			states = append(states, d.DestinationState)
		}
	}
	return states, nil
}

// waiting returns the messages in the queue, in the order of their IDs.
func (m *Memory) waiting() []outbox.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	msgs := make([]outbox.Message, 0, len(m.queue))
	for _, id := range slices.Sorted(maps.Keys(m.queue)) {
		msgs = append(msgs, clone(m.queue[id].msg))
	}
	return msgs
}
