package outboxtest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// Groups implements [outbox.Inspector].
func (m *Memory) Groups(ctx context.Context, q outbox.Query) ([]outbox.Group, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := q.CheckGroups(); err != nil {
		return nil, err
	}
	if q.Check() != nil { // it selects nothing
		q.States = []outbox.State{outbox.StatePending, outbox.StateParked}
	}
	type name struct {
		destination, reason string
		state               outbox.State
	}
	var groups []outbox.Group
	at := map[name]int{}
	for _, r := range m.within(&q) {
		rec := r.record()
		if !matches(&q, &rec) || !r.failed(&q) {
			continue
		}
		is := name{rec.Destination, rec.Reason, rec.State}
		i, ok := at[is]
		if !ok {
			i = len(groups)
			at[is] = i
			groups = append(groups, outbox.Group{
				Destination: rec.Destination, State: rec.State, Reason: rec.Reason, First: rec.ID, Last: rec.ID,
			})
		}
		g := &groups[i]
		g.Count++
		g.First, g.Last = min(g.First, rec.ID), max(g.Last, rec.ID)
	}
	slices.SortFunc(groups, func(a, b outbox.Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Destination, b.Destination),
			cmp.Compare(a.State, b.State), cmp.Compare(a.Reason, b.Reason))
	})
	return groups[:min(cmp.Or(q.Limit, 1000), len(groups))], nil
}

// failed tells whether an attempt of the time that the query names, if it does, failed or parked it.
func (r *row) failed(q *outbox.Query) bool {
	return q.FailedFrom.IsZero() || slices.ContainsFunc(r.log, func(a outbox.Attempt) bool {
		return (a.Outcome > outbox.OutcomeAlreadyDone || a.State == outbox.StateParked) && inTime(a.At, q.FailedFrom, q.FailedTo)
	})
}

// inTime tells whether a time lies between two, of which each may be missing.
func inTime(at, from, to time.Time) bool {
	return !at.Before(from) && (to.IsZero() || at.Before(to))
}

// Attempts implements [outbox.Inspector].
func (m *Memory) Attempts(ctx context.Context, q outbox.AttemptQuery) ([]outbox.Attempt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	limit := cmp.Or(q.Limit, 1000)
	var log []outbox.Attempt
	for _, id := range slices.Compact(slices.Sorted(slices.Values(q.IDs))) {
		r, ok := m.rows[id]
		if !ok {
			continue
		}
		for _, a := range r.log {
			if id < q.AfterID || id == q.AfterID && a.N <= q.AfterN || len(log) == limit {
				continue
			}
			a.ID, a.Receipt = id, slices.Clone(a.Receipt)
			log = append(log, a)
		}
	}
	return log, nil
}

// Audit implements [outbox.Inspector].
func (m *Memory) Audit(ctx context.Context, q outbox.AuditQuery) ([]outbox.AuditEntry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var entries []outbox.AuditEntry
	for i := len(m.audit) - 1; i >= 0 && len(entries) < cmp.Or(q.Limit, 1000); i-- {
		if e := &m.audit[i]; audited(&q, e) {
			entries = append(entries, *e)
		}
	}
	return entries, nil
}

func audited(q *outbox.AuditQuery, e *outbox.AuditEntry) bool {
	everything := e.Destination == "" && (e.Verb == outbox.VerbPause || e.Verb == outbox.VerbResume || e.Verb == outbox.VerbAdopt)
	return (q.ID == 0 || q.ID == e.ID) &&
		(q.Destination == "" || q.Destination == e.Destination || everything) &&
		(q.Subject == "" || q.Subject == e.Subject) &&
		(q.Association == "" || q.Association == e.Association) &&
		(q.Actor == "" || q.Actor == e.Actor.Name) &&
		(len(q.Verbs) == 0 || slices.Contains(q.Verbs, e.Verb)) &&
		inTime(e.At, q.From, q.To) &&
		(q.BeforeN == 0 || e.N < q.BeforeN)
}

// noted records an action.
func (m *Memory) noted(e outbox.AuditEntry) {
	e.N = int64(len(m.audit) + 1)
	m.audit = append(m.audit, e)
}

// Tasks implements [outbox.Inspector].
func (m *Memory) Tasks(ctx context.Context, q outbox.TaskQuery) ([]outbox.OpenTask, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open(&q, nil), nil
}
