package sqlcore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// insertPlain inserts by one statement a table, for a database whose
// transactions write one at a time: nothing can be committed meanwhile.
func insertPlain(ctx context.Context, s *Store, tx Conn, b insertion) ([]outbox.Inserted, error) {
	if err := s.checkUnless(ctx, tx, b); err != nil {
		return nil, err
	}
	found, err := s.existing(ctx, tx, b.rows)
	if err != nil {
		return nil, err
	}
	ids := make([]outbox.ID, len(b.rows))
	duplicate := make([]bool, len(b.rows))
	var fresh []row
	for i, r := range b.rows {
		f, ok := found[i]
		switch {
		case !ok:
			fresh = append(fresh, r)
		case !f.same:
			m := b.first(i)
			return nil, &outbox.ConflictError{Destination: m.Destination, Key: m.Key, ID: f.id}
		default:
			ids[i], duplicate[i] = f.id, true
		}
	}
	if len(fresh) > 0 {
		if err := s.insertFresh(ctx, tx, fresh, ids); err != nil {
			return nil, err
		}
	}
	return b.inserted(ids, duplicate), nil
}

func (s *Store) checkUnless(ctx context.Context, tx Conn, b insertion) error {
	if len(b.unless) == 0 {
		return nil
	}
	unless, err := jsonText(b.unless)
	if err != nil {
		return err
	}
	var barred []outbox.Found
	err = each(ctx, tx, func(r Rows) error {
		var f outbox.Found
		var destination, key []byte
		if err := r.Scan(&f.ID, &destination, &key); err != nil {
			return err
		}
		f.Destination, f.Key = string(destination), string(key)
		barred = append(barred, f)
		return nil
	}, s.sql["unless"], unless)
	if err != nil {
		return err
	}
	if len(barred) > 0 {
		return &outbox.ExistsError{Found: barred}
	}
	return nil
}

func (s *Store) insertFresh(ctx context.Context, tx Conn, fresh []row, ids []outbox.ID) error {
	args, err := s.d.withRowsLast(rowColumns, fresh)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, s.sql["insert message"], append([]any{s.now()}, args...)...); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, s.sql["insert queue"], args...); err != nil {
		return err
	}
	found, err := s.existing(ctx, tx, fresh)
	if err != nil {
		return err
	}
	for i, f := range found {
		ids[i] = f.id
	}
	return nil
}
