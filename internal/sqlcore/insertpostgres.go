package sqlcore

import (
	"context"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// newRowsText inserts the rows of n that from selects, and queues them: two parts
// of a WITH, of which "took" returns place and ID of each row inserted.
func newRowsText(from string) string {
	return `ins AS (
	INSERT INTO amsbridge_message (` + stored + `, created_at)
	SELECT n.` + strings.ReplaceAll(stored, ", ", ", n.") + `, {now}
	FROM ` + from + `
	ORDER BY n.i
	ON CONFLICT (key, destination) DO NOTHING
	RETURNING id, destination, key),
took AS MATERIALIZED (
	SELECT n.i, ins.id FROM ins JOIN n ON n.key = ins.key AND n.destination = ins.destination),
queued AS (
	INSERT INTO amsbridge_queue (` + queueColumns + `)
	SELECT took.id, n.ordering_key, ` + shardOf("n.ordering_key") + `, n.destination, n.profile
	FROM took JOIN n ON n.i = took.i)
`
}

func insertPostgresText(d *dialect) map[string]string {
	return map[string]string{
		// It looks for what exists before it inserts, for an insertion that meets a
		// key uses up an ID. LIMIT 1 keeps the look on the index of keys, whatever
		// the statistics say of a young table.
		"insert": `WITH n AS MATERIALIZED (SELECT * FROM ` + d.rows(2, rowColumns) + `),
found AS MATERIALIZED (
	SELECT n.i, m.id FROM n CROSS JOIN LATERAL
		(SELECT id FROM amsbridge_message WHERE key = n.key AND destination = n.destination LIMIT 1) AS m),
` + newRowsText("n WHERE n.i NOT IN (SELECT i FROM found)") + `
SELECT false, i, id FROM took UNION ALL SELECT true, i, id FROM found`,
		"append one":    appendOneText("", "", "", "") + " SELECT count(*) FROM e",
		"append handed": appendHandedText(),
		"append": `WITH e AS (
	INSERT INTO amsbridge_entry (` + entryColumns + `)
	VALUES (?2::bytea, ?3::integer, ?4::bytea, ?5::bytea, ?6::bytea, ?7::text, ?8::smallint, {now})
	ON CONFLICT (key, n) DO NOTHING RETURNING 1),
n AS MATERIALIZED (SELECT * FROM ` + d.rows(9, rowColumns) + `),
` + newRowsText("n CROSS JOIN e") + `
SELECT count(*) FROM e`,
	}
}

func insertPostgres(ctx context.Context, s *Store, tx Conn, b insertion) (written, error) {
	w := b.written()
	args, err := s.d.withRowsLast(rowColumns, b.rows, s.now())
	if err != nil {
		return w, err
	}
	err = each(ctx, tx, func(r Rows) error {
		var duplicate bool
		var i int
		var id outbox.ID
		err := r.Scan(&duplicate, &i, &id)
		w.ids[i], w.duplicate[i] = id, duplicate
		return err
	}, s.sql["insert"], args...)
	if err != nil {
		return w, err
	}
	// Another transaction may have committed a key while the statement ran.
	return w, s.duplicates(ctx, tx, b, w)
}

// appendPostgres does everything in one statement that reads nothing: under
// SERIALIZABLE it conflicts with nobody's reads.
func appendPostgres(ctx context.Context, s *Store, tx Conn, e entryRow, b insertion) (bool, error) {
	if len(b.rows) == 1 {
		return appendOne(ctx, s, tx, e, b)
	}
	args, err := s.d.withRowsLast(rowColumns, b.rows, e.args(s)...)
	if err != nil {
		return false, err
	}
	var n int
	_, err = one(ctx, tx, []any{&n}, s.sql["append"], args...)
	return n > 0, err
}
