package outboxtest

import (
	"bytes"
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
	return m.open(&outbox.TaskQuery{Limit: limit}, m.told), nil
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

// open returns open tasks but for some, the oldest entry's first.
func (m *Memory) open(q *outbox.TaskQuery, but map[task]bool) (tasks []outbox.OpenTask) {
	var last []outbox.Entry
	for entries := range maps.Values(m.entries) {
		last = append(last, entries[len(entries)-1])
	}
	slices.SortFunc(last, compareEntries)
	after := outbox.Entry{Association: q.After.Association, Subject: q.After.Subject, N: q.After.N, Created: q.After.Since}
	for _, e := range last {
		behind := compareEntries(e, after)
		if behind < 0 || !asked(q, &e) {
			continue
		}
		listed := cloneEntry(e).Tasks
		if behind == 0 {
			listed = listed[1+slices.IndexFunc(listed, func(t outbox.Task) bool { return t.ID == q.After.ID }):]
		}
		for _, t := range listed {
			open := outbox.OpenTask{Association: e.Association, Subject: e.Subject, N: e.N, Task: t, Since: e.Created}
			if name := taskOf(&open); m.done[name] || but[name] {
				continue
			}
			if tasks = append(tasks, open); len(tasks) == cmp.Or(q.Limit, 1000) {
				return tasks
			}
		}
	}
	return tasks
}

// compareEntries is the order in which tasks are listed.
func compareEntries(a, b outbox.Entry) int {
	key := func(e outbox.Entry) []byte { return outbox.EntryKey(e.Association, e.Subject) }
	return cmp.Or(a.Created.Compare(b.Created), bytes.Compare(key(a), key(b)), cmp.Compare(a.N, b.N))
}

func asked(q *outbox.TaskQuery, e *outbox.Entry) bool {
	return (q.Subject == "" || q.Subject == e.Subject && q.Association == e.Association) &&
		(q.Association == "" || q.Association == e.Association) && inTime(e.Created, q.From, q.To)
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
	m.noted(outbox.AuditEntry{At: now, Action: a})
	return nil
}
