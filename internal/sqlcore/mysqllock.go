package sqlcore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

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
