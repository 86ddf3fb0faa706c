package sqlcore

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// entriesPerLook is how many entries one look for tasks takes at most.
const entriesPerLook = 1000

// tasked is an entry with tasks, beside the last one of its subject.
type tasked struct {
	at    int64
	key   text
	n     int
	tasks []outbox.Task
	last  outbox.OpenTask // without its task
	now   []outbox.Task   // the last entry's
	marks map[string]int  // of the subject's tasks
}

// What became of a task.
const (
	markTold = 1
	markDone = 2
)

// errEnough ends a walk.
var errEnough = errors.New("enough tasks")

// NewTasks returns tasks of last entries that nobody was told of. One that is new
// in an older entry is still to be told while the last one lists it. An entry
// none of whose tasks is to be told any more is marked so by the way.
func (s *Store) NewTasks(ctx context.Context, limit int) ([]outbox.OpenTask, error) {
	if limit < 1 || limit > 1000 {
		return nil, check.Bad(s.name, "limit", "is not from 1 to 1,000")
	}
	var out []outbox.OpenTask
	var void []numbered
	given := map[taskPlace]bool{}
	err := s.walkTasks(ctx, "untold", tasked{}, entriesPerLook, func(e tasked) error {
		some := false
		for _, t := range e.now {
			isNew := func(o outbox.Task) bool { return o.New && o.ID == t.ID }
			if e.marks[t.ID] != 0 || !slices.ContainsFunc(e.tasks, isNew) {
				continue
			}
			some = true
			is := taskPlace{string(e.key), t.ID}
			if given[is] {
				continue
			}
			if len(out) == limit {
				return errEnough
			}
			given[is] = true
			e.last.Task = t
			out = append(out, e.last)
		}
		if !some {
			void = append(void, numbered{string(e.key), e.n})
		}
		return nil
	})
	if err == nil {
		err = s.markVoid(ctx, void)
	}
	return out, s.failed("new tasks", err)
}

// TasksTold records that somebody was told of these tasks.
func (s *Store) TasksTold(ctx context.Context, told []outbox.OpenTask) error {
	rows := make([]taskPlace, len(told))
	for i, t := range told {
		rows[i] = taskPlace{hex.EncodeToString(outbox.EntryKey(t.Association, t.Subject)), hexed(t.ID)}
	}
	if len(rows) == 0 {
		return nil
	}
	args, err := s.d.withRowsLast(taskColumns, rows, s.now())
	if err == nil {
		_, err = s.db.Exec(ctx, s.sql["told"], args...)
	}
	return s.failed("tasks told", err)
}

// taskPlace finds a task: both are in hexadecimal.
type taskPlace struct {
	Key  string `json:"entry_key"`
	Task string `json:"task"`
}

var taskColumns = []column{
	{"entry_key", kindBytes},
	{"task", kindBytes},
}

// markVoid marks entries of whose tasks nobody is to be told any more. One that a
// checkout has locked, on MySQL, is left for the next time.
func (s *Store) markVoid(ctx context.Context, void []numbered) error {
	if len(void) == 0 {
		return nil
	}
	return s.inTx(ctx, "", func(q Conn) error {
		for _, e := range void {
			if s.d.folder == MySQL {
				free, err := one(ctx, q, []any{new(int)}, s.sql["void locked"], []byte(e.key), e.n)
				if err != nil {
					return err
				}
				if !free {
					continue
				}
			}
			if err := later(ctx, q, s.sql["void"], []byte(e.key), e.n); err != nil {
				return err
			}
		}
		return nil
	})
}

// numbered is an entry's key, in bytes, and its number.
type numbered struct {
	key string
	n   int
}

// walkTasks walks over entries with tasks, so many at a look, the oldest first,
// from the first one after another until visit returns errEnough.
func (s *Store) walkTasks(ctx context.Context, statement string, after tasked, look int, visit func(e tasked) error) error {
	for {
		entries, err := s.taskedAfter(ctx, statement, after, look)
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, e := range entries {
			if err := visit(e); errors.Is(err, errEnough) {
				return nil
			}
		}
		if len(entries) < look {
			return nil
		}
		after = entries[len(entries)-1]
	}
}

// taskedAfter reads the next entries, and what became of their subjects' tasks: on
// PostgreSQL in a transaction, which keeps the planner from reading all entries.
func (s *Store) taskedAfter(ctx context.Context, statement string, after tasked, look int) (entries []tasked, err error) {
	read := func(q Conn) error {
		if entries, err = s.readTasked(ctx, q, statement, after, look); err != nil || len(entries) == 0 {
			return err
		}
		return s.readMarks(ctx, q, entries)
	}
	if s.d.folder == PostgreSQL {
		err = s.inTx(ctx, "", read)
	} else {
		err = read(s.db)
	}
	return entries, err
}

func (s *Store) readTasked(ctx context.Context, q Conn, statement string, after tasked, most int) ([]tasked, error) {
	var entries []tasked
	err := each(ctx, q, func(r Rows) error {
		var e tasked
		var tasks, now, association, subject text
		var since int64
		if err := r.Scan(&e.at, &e.key, &e.n, &tasks, &association, &subject, &e.last.N, &now, &since); err != nil {
			return err
		}
		e.last.Association, e.last.Subject, e.last.Since = string(association), string(subject), fromMicro(since)
		if err := json.Unmarshal([]byte(tasks), &e.tasks); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(now), &e.now)
		entries = append(entries, e)
		return err
	}, s.sql[statement], after.at, []byte(after.key), after.n, most)
	return entries, err
}

// readMarks reads what became of the tasks of the entries' subjects: the greatest
// mark of each.
func (s *Store) readMarks(ctx context.Context, q Conn, entries []tasked) error {
	keys := make([]string, len(entries))
	of := map[text]map[string]int{}
	for i := range entries {
		e := &entries[i]
		keys[i] = hexed(string(e.key))
		if of[e.key] == nil {
			of[e.key] = map[string]int{}
		}
		e.marks = of[e.key]
	}
	slices.Sort(keys)
	list, err := s.d.listArg(kindBytes, slices.Compact(keys))
	if err != nil {
		return err
	}
	return each(ctx, q, func(r Rows) error {
		var key, task text
		var mark int
		err := r.Scan(&key, &task, &mark)
		if err == nil {
			of[key][string(task)] = max(mark, of[key][string(task)])
		}
		return err
	}, s.sql["marks"], list)
}

// taskDone marks a task of a subject's last entry done.
func (s *Store) taskDone(ctx context.Context, q Conn, a outbox.Action) error {
	e, err := s.lastEntry(ctx, q, a.Association, a.Subject, 0)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(e.Tasks, func(t outbox.Task) bool { return t.ID == a.Task }) {
		return outbox.ErrNotFound
	}
	n, err := q.Exec(ctx, s.sql["task done"], s.now(), outbox.EntryKey(a.Association, a.Subject), []byte(a.Task))
	if err == nil && n == 0 || mysqlNumber(err) == mysqlDuplicate {
		return outbox.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.audit(ctx, q, a, nil)
}

func taskText(d *dialect) map[string]string {
	// ?1 to ?3 after this entry, ?4 how many.
	next := func(which string) string {
		return `SELECT i.created_at, i.key, i.n, i.tasks FROM amsbridge_entry i` + d.byTasks + `
			WHERE ` + which + ` AND i.created_at >= ?1 AND (i.created_at > ?1 OR i.key > ?2 OR (i.key = ?2 AND i.n > ?3))
			ORDER BY i.created_at, i.key, i.n LIMIT ?4`
	}
	look := func(entries string) string {
		return `SELECT r.created_at, r.key, r.n, r.tasks, l.association, l.subject, l.n, l.tasks, l.created_at
			FROM (` + entries + `) AS r
			CROSS JOIN amsbridge_entry l
			WHERE l.key = r.key AND l.n = (SELECT MAX(x.n) FROM amsbridge_entry x WHERE x.key = r.key)
			ORDER BY r.created_at, r.key, r.n`
	}
	const last = " AND NOT EXISTS (SELECT 1 FROM amsbridge_entry x WHERE x.key = i.key AND x.n > i.n)"
	all := next("i.told < 2" + last)
	if d.folder == MySQL { // it would sort what its index has in order by the one and by the other
		all = `(` + next("i.told = 0"+last) + `) UNION ALL (` + next("i.told = 1"+last) + `) ORDER BY created_at, key, n LIMIT ?4`
	}
	return map[string]string{
		"untold":          look(next("i.told < 2 AND i.told = 0")),
		"last with tasks": look(all),
		"marks":           `SELECT entry_key, task, mark FROM amsbridge_task WHERE entry_key IN ` + d.list(1, kindBytes),
		"task done": `INSERT INTO amsbridge_task (at, entry_key, task, mark) VALUES ({now}, ?2, ?3, ` + fmt.Sprint(markDone) + `)
			ON CONFLICT (entry_key, task, mark) DO NOTHING`,
		"told": `INSERT INTO amsbridge_task (at, entry_key, task, mark) SELECT {now}, s.entry_key, s.task, ` + fmt.Sprint(markTold) + `
			FROM ` + d.rows(2, taskColumns) + ` WHERE 1 = 1 ON CONFLICT (entry_key, task, mark) DO NOTHING`,
		"void": `UPDATE amsbridge_entry SET told = 1 WHERE key = ?1 AND n = ?2`,
	}
}
