package sqlcore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// insertPlain inserts by one statement a table, for a database whose
// transactions write one at a time: nothing can be committed meanwhile.
func insertPlain(ctx context.Context, s *Store, tx Conn, b insertion) (written, error) {
	w, err := s.insertNew(ctx, tx, b)
	if err != nil {
		return w, err
	}
	return w, s.duplicates(ctx, tx, b, w)
}

// insertNew inserts the rows whose key does not exist.
func (s *Store) insertNew(ctx context.Context, tx Conn, b insertion) (written, error) {
	w := b.written()
	args, err := s.d.withRowsLast(rowColumns, b.rows, s.now())
	if err != nil {
		return w, err
	}
	at := make(map[place]int, len(b.rows))
	for i, r := range b.rows {
		at[r.place()] = i
	}
	var fresh []row
	err = each(ctx, tx, func(r Rows) error {
		var id outbox.ID
		var destination, key []byte
		err := r.Scan(&id, &destination, &key)
		i := at[place{hexed(string(destination)), hexed(string(key))}]
		w.ids[i] = id
		fresh = append(fresh, b.rows[i])
		return err
	}, s.sql["insert message"], args...)
	if err != nil || len(fresh) == 0 {
		return w, err
	}
	if args, err = s.d.withRowsLast(rowColumns, fresh); err != nil {
		return w, err
	}
	_, err = tx.Exec(ctx, s.sql["insert queue"], args...)
	return w, err
}

// appendPlain stores an entry, and its messages if the entry was new.
func appendPlain(ctx context.Context, s *Store, tx Conn, e entryRow, b insertion) (bool, error) {
	n, err := tx.Exec(ctx, s.sql["append"], e.args(s)...)
	if err != nil || n == 0 || len(b.rows) == 0 {
		return n > 0, err
	}
	if len(b.rows) == 1 {
		return true, s.insertOne(ctx, tx, b)
	}
	_, err = s.insertNew(ctx, tx, b)
	return true, err
}

// Prepared are the statements of a checkout that are to be prepared once.
func (s *Store) Prepared() (texts []string) {
	for _, name := range s.d.prepared {
		texts = append(texts, s.sql[name])
	}
	return texts
}

func insertPlainText(d *dialect) map[string]string {
	return map[string]string{
		"append": `INSERT INTO amsbridge_entry (` + entryColumns + `) VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, {now})
			ON CONFLICT (key, n) DO NOTHING`,
		"insert message": `INSERT INTO amsbridge_message (` + stored + `, created_at)
			SELECT ` + stored + `, {now} FROM ` + d.rows(2, rowColumns) + ` WHERE 1 = 1 ORDER BY s.i
			ON CONFLICT (key, destination) DO NOTHING RETURNING id, destination, key`,
		"message one": `INSERT INTO amsbridge_message (` + stored + `, created_at)
			VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, {now})
			ON CONFLICT (key, destination) DO NOTHING RETURNING id`,
		"queue one": `INSERT INTO amsbridge_queue (` + queueColumns + `) VALUES (?1, ?2, ?3, ?4, ?5)`,
		"insert queue": `INSERT INTO amsbridge_queue (` + queueColumns + `)
			SELECT m.id, m.ordering_key, ` + shardOf("m.ordering_key") + `, m.destination, s.profile
			FROM ` + d.rows(1, rowColumns) + ` CROSS JOIN amsbridge_message m WHERE m.key = s.key AND m.destination = s.destination`,
	}
}
