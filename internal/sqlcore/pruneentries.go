package sqlcore

import (
	"context"
	"encoding/hex"
)

// entryPlace finds an entry: its key is in hexadecimal.
type entryPlace struct {
	Key string `json:"key"`
	N   int    `json:"n"`
}

var entryPlaceColumns = []column{
	{"key", kindBytes},
	{"n", kindInt},
}

// forgetEntries removes the next old entries, and those before them. The first of
// a subject stays with the last: a report that comes again after a long time
// begins by inserting number 1, and reads nothing before. One of whose tasks
// somebody is to be told stays too.
func (s *Store) forgetEntries(ctx context.Context, q Conn, rule pruneRule, most int) (looked, removed int, err error) {
	var at, n int64
	var key []byte
	if _, err := one(ctx, q, []any{&at, &key, &n}, s.sql["progress"], rule.name); err != nil {
		return 0, 0, err
	}
	var rows []entryPlace
	err = each(ctx, q, func(r Rows) error {
		looked++
		err := r.Scan(&at, &key, &n)
		rows = append(rows, entryPlace{hex.EncodeToString(key), int(n)})
		return err
	}, s.sql["old entries"], s.now(), rule.age.Microseconds(), at, key, n, most)
	if err != nil || looked == 0 {
		return looked, 0, err
	}
	args, err := s.d.withRowsLast(entryPlaceColumns, rows)
	if err != nil {
		return looked, 0, err
	}
	gone, err := q.Exec(ctx, s.sql["forget entries"], args...)
	if err != nil {
		return looked, 0, err
	}
	_, err = q.Exec(ctx, s.sql["keep progress"], rule.name, at, key, n)
	return looked, int(gone), err
}

func pruneEntryText(d *dialect) map[string]string {
	return map[string]string{
		"old entries": `SELECT created_at, key, n FROM amsbridge_entry
			WHERE ` + d.oldEntries + `created_at >= ?3 AND (created_at > ?3 OR key > ?4 OR (key = ?4 AND n > ?5)) AND created_at < {now} - ?2
			ORDER BY created_at, key, n LIMIT ?6`,
		"forget entries": `DELETE FROM amsbridge_entry WHERE (key, n) IN (SELECT e.key, e.n FROM ` + d.rows(1, entryPlaceColumns) + `
			CROSS JOIN amsbridge_entry e
			WHERE e.key = s.key AND e.n > 1 AND e.n <= s.n AND e.told > 0
				AND e.n < (SELECT MAX(l.n) FROM amsbridge_entry l WHERE l.key = e.key))`,
	}
}
