package sqlcore

import (
	"context"
	"database/sql"

	"github.com/amsbridge/amsbridge/outbox"
)

// ending is a queue row that is about to leave, or that left.
type ending struct {
	ID          outbox.ID `json:"id"`
	Lane        int64     `json:"lane"`
	N           int       `json:"n"`
	Destination string    `json:"destination"`
	Key         string    `json:"key"`
	State       uint8     `json:"state"`
	Reason      string    `json:"reason"`
	Duplicate   int       `json:"duplicate"`
	By          string    `json:"sender"`

	was      outbox.State
	underWay bool // a live lease
	leased   bool // a lease, live or lost
}

var endingColumns = []column{
	{"id", kindInt},
	{"lane", kindInt},
	{"n", kindInt},
	{"destination", kindBytes},
	{"key", kindBytes},
	{"state", kindInt},
	{"reason", kindText},
	{"duplicate", kindInt},
	{"sender", kindText},
}

// lockQueued locks and returns the queue rows of messages, by ID.
func (s *Store) lockQueued(ctx context.Context, q Conn, ids []outbox.ID) (map[outbox.ID]ending, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := s.d.listArg(kindInt, ids)
	if err != nil {
		return nil, err
	}
	args := []any{s.now(), list}
	if s.d.folder == MySQL {
		if args, err = s.seen(ctx, q, list); err != nil {
			return nil, err
		}
	}
	found := map[outbox.ID]ending{}
	err = each(ctx, q, func(r Rows) error {
		var e ending
		var destination, key []byte
		var entries, doubt int
		var leaseUntil sql.NullInt64
		if err := r.Scan(&e.ID, &e.Lane, &destination, &key, &e.was, &entries, &doubt, &leaseUntil, &e.underWay); err != nil {
			return err
		}
		e.N, e.leased = entries+1, leaseUntil.Valid
		e.Destination, e.Key = hexed(string(destination)), hexed(string(key))
		if doubt != 0 {
			e.Duplicate = 1
		}
		found[e.ID] = e
		return nil
	}, s.sql["lock queued"], args...)
	return found, err
}

// end takes rows out of the queue, writes their last entry and releases what
// waits for them. It may run in the shop's transaction, so it touches no other
// order's rows.
func (s *Store) end(ctx context.Context, q Conn, rows []ending) error {
	if len(rows) == 0 {
		return nil
	}
	args, err := s.d.withRowsLast(endingColumns, rows)
	if err != nil {
		return err
	}
	timed := append([]any{s.now()}, args...)
	if _, err := q.Exec(ctx, s.sql["end log"], timed...); err != nil {
		return err
	}
	if _, err := q.Exec(ctx, s.sql["end delete"], args...); err != nil {
		return err
	}
	return s.releaseEnded(ctx, q, timed)
}

// replace inserts messages some of which take the place of parked or held ones.
func (s *Store) replace(ctx context.Context, tx Conn, b insertion) ([]outbox.Inserted, error) {
	var olds []outbox.ID
	for _, m := range b.msgs {
		if m.Replaces != 0 {
			olds = append(olds, m.Replaces)
		}
	}
	queued, err := s.lockQueued(ctx, tx, olds)
	if err != nil {
		return nil, err
	}
	found, err := s.existing(ctx, tx, b.rows)
	if err != nil {
		return nil, err
	}
	var ends []ending
	for i, m := range b.msgs {
		if m.Replaces == 0 {
			continue
		}
		old, ok := queued[m.Replaces]
		if _, exists := found[b.rowOf[i]]; !exists && (!ok || old.was == outbox.StatePending) {
			return nil, &outbox.RefusedError{ID: m.Replaces, Reason: "is neither parked nor held, so it cannot be replaced"}
		}
		if !ok || old.was == outbox.StatePending || old.Reason != "" {
			continue
		}
		old.State, old.Reason = uint8(outbox.StateReplaced), "replaced by "+m.Key
		queued[m.Replaces] = old
		ends = append(ends, old)
	}
	out, err := s.d.insert(ctx, s, tx, b)
	if err != nil {
		return nil, err
	}
	return out, s.end(ctx, tx, ends)
}
