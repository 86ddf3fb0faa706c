package sqlcore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// What runs in the shop's transaction looks before it locks: under REPEATABLE
// READ, a locking look-up that finds nothing locks the gap that it looked into,
// and a queue that is nearly empty is one gap.

var queuedColumns = []column{
	{"id", kindInt},
	{"lane", kindInt},
	{"destination", kindBytes},
	{"key", kindBytes},
}

// seen returns the parameters of MySQL's "lock queued": the rows that stand in
// the queue, as far as the transaction's snapshot shows.
func (s *Store) seen(ctx context.Context, q Conn, ids any) ([]any, error) {
	rows := []ending{}
	err := each(ctx, q, func(r Rows) error {
		var e ending
		var destination, key []byte
		err := r.Scan(&e.ID, &e.Lane, &destination, &key)
		e.Destination, e.Key = hexed(string(destination)), hexed(string(key))
		rows = append(rows, e)
		return err
	}, s.sql["queued"], ids)
	if err != nil {
		return nil, err
	}
	return s.d.withRowsLast(queuedColumns, rows, s.now())
}

// releaseEnded releases the messages that waited for those just ended; args are
// the clock and their rows. What a snapshot does not show is released by a
// sender, before it claims.
func (s *Store) releaseEnded(ctx context.Context, q Conn, args []any) error {
	if s.d.folder != MySQL {
		_, err := q.Exec(ctx, s.sql["release ended"], args...)
		return err
	}
	var rows []grip
	err := each(ctx, q, func(r Rows) error {
		var g grip
		err := r.Scan(&g.ID, &g.Lane)
		rows = append(rows, g)
		return err
	}, s.sql["ended followers"], args...)
	if err != nil || len(rows) == 0 {
		return err
	}
	args, err = s.d.withRowsLast(gripColumns, rows, s.now())
	if err != nil {
		return err
	}
	_, err = q.Exec(ctx, s.sql["release ended"], args...)
	return err
}

// returning runs an UPDATE … RETURNING of the rows' IDs.
func (s *Store) returning(ctx context.Context, q Conn, statement string, args ...any) (map[outbox.ID]bool, error) {
	text := s.sql[statement]
	if s.d.folder == MySQL {
		text = s.sql[statement+" locked"]
	}
	got := map[outbox.ID]bool{}
	err := each(ctx, q, func(r Rows) error {
		var id outbox.ID
		err := r.Scan(&id)
		got[id] = true
		return err
	}, text, args...)
	if err == nil && len(got) > 0 && s.d.folder == MySQL {
		_, err = q.Exec(ctx, s.sql[statement], args...)
	}
	return got, err
}

// took runs an UPDATE of one row and tells whether there was one to update.
// MySQL's count of rows depends on the driver's clientFoundRows.
func (s *Store) took(ctx context.Context, q Conn, statement string, args ...any) (bool, error) {
	if s.d.folder != MySQL {
		n, err := q.Exec(ctx, s.sql[statement], args...)
		return n > 0, err
	}
	found, err := one(ctx, q, []any{new([]byte)}, s.sql[statement+" locked"], args...)
	if err != nil || !found {
		return false, err
	}
	_, err = q.Exec(ctx, s.sql[statement], args...)
	return true, err
}
