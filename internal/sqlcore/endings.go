package sqlcore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// ending is a queue row that is about to leave without a settlement of its own.
type ending struct {
	ID          outbox.ID `json:"id"`
	OrderingKey int64     `json:"ordering_key"`
	N           int       `json:"n"`
	State       uint8     `json:"state"`
	Reason      string    `json:"reason"`
	Doubt       uint8     `json:"doubt"`
	Seq         int64     `json:"seq"`
	By          string    `json:"sender"`

	inFlight bool
}

var endingColumns = []column{
	{"id", kindInt},
	{"ordering_key", kindInt},
	{"n", kindInt},
	{"state", kindInt},
	{"reason", kindText},
	{"doubt", kindInt},
	{"seq", kindInt},
	{"sender", kindText},
}

func (e *ending) scan(r Rows, more ...any) error {
	var entries int
	err := r.Scan(append([]any{&e.ID, &e.OrderingKey, &entries, &e.Doubt, &e.Seq}, more...)...)
	e.N = entries + 1
	return err
}

// lockQueued locks and returns the queue rows of messages, by ID, and then looks whether they are in flight: a
// sender that records them now passes them over. A stamp of a session that is over counts as lost.
func (s *Store) lockQueued(ctx context.Context, q Conn, ids []outbox.ID) (map[outbox.ID]ending, error) {
	list, err := s.d.listArg(kindInt, ids)
	if err != nil {
		return nil, err
	}
	found, rows := map[outbox.ID]ending{}, map[outbox.ID]sending{}
	err = each(ctx, q, func(r Rows) error {
		var e ending
		var m sending
		err := e.scan(r, m.targets()...)
		found[e.ID], rows[e.ID] = e, m
		return err
	}, s.sql["lock queued"], list)
	if err != nil || len(found) == 0 {
		return found, err
	}
	f, err := s.flying(ctx, q, "flights")
	if err != nil {
		return nil, err
	}
	for id, e := range found {
		if e.inFlight = f.has(id, rows[id]); !e.inFlight && rows[id].stamp != 0 {
			e.Doubt |= uint8(outbox.DoubtLost)
		}
		found[id] = e
	}
	return found, nil
}

// end takes rows out of the queue and writes their last entry.
func (s *Store) end(ctx context.Context, q Conn, rows []ending) error {
	if len(rows) == 0 {
		return nil
	}
	args, err := s.d.withRowsLast(endingColumns, rows)
	if err != nil {
		return err
	}
	if err := later(ctx, q, s.sql["end log"], append([]any{s.now()}, args...)...); err != nil {
		return err
	}
	return later(ctx, q, s.sql["end delete"], args...)
}

// endOthers ends the messages that recorded settlements end. One that somebody else has locked is left as it is.
func (s *Store) endOthers(ctx context.Context, q Conn, batch []outbox.Settlement, done []bool) error {
	var rows []ending
	wanted := map[outbox.ID]bool{}
	for i, st := range batch {
		if !done[i] {
			continue
		}
		key := st.Message.OrderingKey()
		for _, e := range st.Ends {
			if wanted[e.ID] {
				continue
			}
			wanted[e.ID] = true
			rows = append(rows, ending{
				ID: e.ID, OrderingKey: key, State: uint8(e.State), Reason: outbox.CutText(e.Reason, outbox.MaxReason),
				By: outbox.CutText(st.By, maxBy),
			})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	args, err := s.d.withRowsLast(endingColumns, rows)
	if err != nil {
		return err
	}
	free := map[outbox.ID]ending{}
	err = each(ctx, q, func(r Rows) error {
		var e ending
		err := e.scan(r)
		free[e.ID] = e
		return err
	}, s.sql["lock free"], args...)
	if err != nil {
		return err
	}
	var ends []ending
	for _, r := range rows {
		if e, ok := free[r.ID]; ok {
			e.State, e.Reason, e.By = r.State, r.Reason, r.By
			ends = append(ends, e)
		}
	}
	return s.end(ctx, q, ends)
}

func endingText(d *dialect) map[string]string {
	return map[string]string{
		"lock queued": `SELECT q.id, q.ordering_key, q.entries, q.doubt, q.seq, ` + sendingColumns + `
			FROM amsbridge_queue q WHERE q.id IN ` + d.list(1, kindInt) + ` ORDER BY q.id` + d.forUpdate,
		"still queued": `SELECT id FROM amsbridge_queue WHERE id IN ` + d.list(1, kindInt),
		"lock free": `SELECT q.id, q.ordering_key, q.entries, q.doubt, q.seq FROM ` + d.rows(1, endingColumns) + `
			CROSS JOIN amsbridge_queue q
			WHERE q.id = s.id AND q.ordering_key = s.ordering_key ORDER BY q.id` + d.forUpdate + d.skipLocked,
		"end log": `INSERT INTO amsbridge_attempt (` + attemptColumns + `)
			SELECT s.id, s.n, {now}, 0, 0, s.state, CASE WHEN s.doubt = 0 THEN 0 ELSE 1 END, s.doubt, s.seq,
				'', s.reason, '', NULL, '', s.sender
			FROM ` + d.rows(2, endingColumns),
		"end delete": `DELETE FROM amsbridge_queue WHERE id IN (SELECT id FROM ` + d.rows(1, endingColumns) + `)`,
	}
}
