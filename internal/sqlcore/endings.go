package sqlcore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// ending is a queue row that is about to leave without a settlement of its own.
type ending struct {
	ID     outbox.ID `json:"id"`
	Lane   int64     `json:"lane"`
	N      int       `json:"n"`
	State  uint8     `json:"state"`
	Reason string    `json:"reason"`
	Doubt  uint8     `json:"doubt"`
	Seq    int64     `json:"seq"`
	By     string    `json:"sender"`

	underWay bool // a live lease
}

var endingColumns = []column{
	{"id", kindInt},
	{"lane", kindInt},
	{"n", kindInt},
	{"state", kindInt},
	{"reason", kindText},
	{"doubt", kindInt},
	{"seq", kindInt},
	{"sender", kindText},
}

func (e *ending) scan(r Rows, more ...any) error {
	var entries int
	err := r.Scan(append([]any{&e.ID, &e.Lane, &entries, &e.Doubt, &e.Seq}, more...)...)
	e.N = entries + 1
	return err
}

// lockQueued locks and returns the queue rows of messages, by ID.
func (s *Store) lockQueued(ctx context.Context, q Conn, ids []outbox.ID) (map[outbox.ID]ending, error) {
	list, err := s.d.listArg(kindInt, ids)
	if err != nil {
		return nil, err
	}
	found := map[outbox.ID]ending{}
	err = each(ctx, q, func(r Rows) error {
		var e ending
		var leased bool
		err := e.scan(r, &leased, &e.underWay)
		if leased && !e.underWay {
			e.Doubt |= uint8(outbox.DoubtLostLease)
		}
		found[e.ID] = e
		return err
	}, s.sql["lock queued"], s.now(), list)
	return found, err
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

// endOthers ends the messages that acknowledged settlements end. One that has a
// lease, or that somebody else has locked, is left as it is; so is one that is
// settled later in the same batch, since it was leased by then.
func (s *Store) endOthers(ctx context.Context, q Conn, batch []outbox.Settlement, held []bool) error {
	var rows []ending
	settled := map[outbox.ID]int{}
	wanted := map[outbox.ID]bool{}
	for i, st := range batch {
		settled[st.Message.ID] = i
	}
	for i, st := range batch {
		if !held[i] {
			continue
		}
		lane := st.Message.OrderingKey()
		for _, e := range st.Ends {
			if at, ok := settled[e.ID]; ok && at >= i || wanted[e.ID] {
				continue
			}
			wanted[e.ID] = true
			rows = append(rows, ending{
				ID: e.ID, Lane: lane, State: uint8(e.State), Reason: outbox.CutText(e.Reason, outbox.MaxReason),
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
		"lock queued": `SELECT q.id, q.lane, q.entries, q.doubt, q.seq, q.lease_until IS NOT NULL, COALESCE(q.lease_until > {now}, 1 = 0)
			FROM amsbridge_message m CROSS JOIN amsbridge_queue q
			WHERE q.lane = m.lane AND q.id = m.id AND m.id IN ` + d.list(2, kindInt) + ` ORDER BY q.id` + d.forUpdate,
		"lock free": `SELECT q.id, q.lane, q.entries, q.doubt, q.seq FROM ` + d.rows(1, endingColumns) + `
			CROSS JOIN amsbridge_queue q
			WHERE q.lane = s.lane AND q.id = s.id AND q.lease_until IS NULL ORDER BY q.id` + d.forUpdate + d.skipLocked,
		"end log": `INSERT INTO amsbridge_attempt (` + attemptColumns + `)
			SELECT s.id, s.n, {now}, 0, 0, s.state, CASE WHEN s.doubt = 0 THEN 0 ELSE 1 END, s.doubt, s.seq,
				'', s.reason, '', NULL, '', s.sender
			FROM ` + d.rows(2, endingColumns),
		"end delete": `DELETE FROM amsbridge_queue WHERE (lane, id) IN (SELECT lane, id FROM ` + d.rows(1, endingColumns) + `)`,
	}
}
