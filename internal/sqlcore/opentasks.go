package sqlcore

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// Tasks returns open tasks, the oldest entry's first.
func (s *Store) Tasks(ctx context.Context, q outbox.TaskQuery) ([]outbox.OpenTask, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	p := taskPage{q: q, after: text(outbox.EntryKey(q.After.Association, q.After.Subject)), limit: cmp.Or(q.Limit, 1000)}
	var err error
	if q.Subject != "" {
		err = s.tasksOf(ctx, q, p.add)
	} else {
		err = s.walkTasks(ctx, "last with tasks", p.start(), max(100, min(p.limit, entriesPerLook)), p.add)
	}
	return p.tasks, s.failed("tasks", err)
}

// taskPage collects the tasks of a query.
type taskPage struct {
	q     outbox.TaskQuery
	after text // the key of the entry that the page before ended in
	limit int
	tasks []outbox.OpenTask
}

// start is before the first entry that may have tasks of the page.
func (p *taskPage) start() tasked {
	var from, after tasked
	if !p.q.From.IsZero() {
		from.at = p.q.From.UnixMicro()
	}
	if !p.q.After.Since.IsZero() {
		after = tasked{at: p.q.After.Since.UnixMicro(), key: p.after, n: p.q.After.N - 1}
	}
	if after.at >= from.at {
		return after
	}
	return from
}

func (p *taskPage) add(e tasked) error {
	since := e.last.Since
	if !p.q.To.IsZero() && !since.Before(p.q.To) {
		return errEnough
	}
	if since.Before(p.q.From) || p.q.Association != "" && e.last.Association != p.q.Association {
		return nil
	}
	listed := e.now
	if e.key == p.after && e.last.N == p.q.After.N {
		listed = listed[1+slices.IndexFunc(listed, func(t outbox.Task) bool { return t.ID == p.q.After.ID }):]
	}
	for _, t := range listed {
		if e.marks[t.ID] == markDone {
			continue
		}
		e.last.Task = t
		if p.tasks = append(p.tasks, e.last); len(p.tasks) == p.limit {
			return errEnough
		}
	}
	return nil
}

// tasksOf visits the last entry of a subject.
func (s *Store) tasksOf(ctx context.Context, q outbox.TaskQuery, visit func(tasked) error) error {
	last, err := s.lastEntry(ctx, s.db, q.Association, q.Subject, 0)
	if err != nil || len(last.Tasks) == 0 {
		return err
	}
	e := tasked{
		key: text(outbox.EntryKey(q.Association, q.Subject)), now: last.Tasks,
		last: outbox.OpenTask{Association: q.Association, Subject: q.Subject, N: last.N, Since: last.Created},
	}
	entries := []tasked{e}
	if err := s.readMarks(ctx, s.db, entries); err != nil {
		return err
	}
	if err := visit(entries[0]); !errors.Is(err, errEnough) {
		return err
	}
	return nil
}
