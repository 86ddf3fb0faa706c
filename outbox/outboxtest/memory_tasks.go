package outboxtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// task names a task of an entry.
type task struct {
	about
	id string
}

func taskOf(t *outbox.OpenTask) task { return task{about{t.Association, t.Subject}, t.ID} }

// Tasks implements [outbox.Inspector].
func (m *Memory) Tasks(ctx context.Context, limit int) ([]outbox.OpenTask, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if limit < 1 || limit > 10_000 {
		return nil, check.Bad("outboxtest", "limit", "is not from 1 to 10,000")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open(limit, nil), nil
}

// NewTasks implements [outbox.Queue].
func (m *Memory) NewTasks(ctx context.Context, limit int) ([]outbox.OpenTask, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if limit < 1 || limit > 1000 {
		return nil, check.Bad("outboxtest", "limit", "is not from 1 to 1,000")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open(limit, m.told), nil
}

// TasksTold implements [outbox.Queue].
func (m *Memory) TasksTold(ctx context.Context, told []outbox.OpenTask) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range told {
		m.told[taskOf(&told[i])] = true
	}
	return nil
}

// open returns the open tasks but for some, the oldest entry's first.
func (m *Memory) open(limit int, but map[task]bool) (tasks []outbox.OpenTask) {
	var last []outbox.Entry
	for entries := range maps.Values(m.entries) {
		last = append(last, entries[len(entries)-1])
	}
	slices.SortFunc(last, func(a, b outbox.Entry) int {
		return cmp.Or(a.Created.Compare(b.Created),
			cmp.Compare(a.Association, b.Association), cmp.Compare(a.Subject, b.Subject))
	})
	for _, e := range last {
		for _, t := range cloneEntry(e).Tasks {
			open := outbox.OpenTask{Association: e.Association, Subject: e.Subject, N: e.N, Task: t, Since: e.Created}
			if name := taskOf(&open); m.done[name] || but[name] {
				continue
			}
			if tasks = append(tasks, open); len(tasks) == limit {
				return tasks
			}
		}
	}
	return tasks
}

// taskDone is an operator's action on a task.
func (m *Memory) taskDone(a outbox.Action, now time.Time) error {
	name := task{about{a.Association, a.Subject}, a.Task}
	entries := m.entries[name.about]
	if len(entries) == 0 || m.done[name] {
		return outbox.ErrNotFound
	}
	listed := func(t outbox.Task) bool { return t.ID == a.Task }
	if !slices.ContainsFunc(entries[len(entries)-1].Tasks, listed) {
		return outbox.ErrNotFound
	}
	m.done[name] = true
	m.audit = append(m.audit, outbox.AuditEntry{At: now, Action: a})
	return nil
}
