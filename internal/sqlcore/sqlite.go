package sqlcore

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

var sqlite = &dialect{
	folder: SQLite,
	now:    "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
	list: func(n int, kind columnKind) string {
		value := "value"
		if kind == kindBytes {
			value = "unhex(value)"
		}
		return fmt.Sprintf("(SELECT %s FROM json_each(?%d))", value, n)
	},
	rows: func(n int, columns []column) string {
		var outer []string
		for _, c := range columns {
			value := fmt.Sprintf("json_extract(value, '$.%s')", c.name)
			if c.kind == kindBytes {
				value = "unhex(" + value + ")"
			}
			outer = append(outer, value+" AS "+c.name)
		}
		return fmt.Sprintf("(SELECT %s FROM json_each(?%d)) AS s", strings.Join(outer, ", "), n)
	},
	asText: func(e string) string { return "CAST(" + e + " AS TEXT)" },
	most:   90,
	// A reading keeps no checkout waiting, but on a handle of one connection.
	mostRead:   500,
	stamped:    true,
	text:       sqliteText,
	in:         inParameter,
	join:       joinSQLite,
	identity:   identitySQLite,
	idleBeat:   idleBeatPlain,
	read:       readSQLite,
	bytes:      "BLOB",
	byTasks:    " INDEXED BY amsbridge_entry_tasks",
	oldEntries: "n > 1 AND ",
	byPage: func(page string) (from, where string) {
		return "FROM (" + page + ") AS p CROSS JOIN amsbridge_message m ON m.id = p.id", ""
	},
	byAttemptTime: " INDEXED BY amsbridge_attempt_at",
	noTable:       noTableSQLite,
	standing:      standingPlain,
	rebind:        func(q string) string { return q },
	insert:        insertPlain,
	append:        appendPlain,
	settle:        settlePlain,
	hurried:       func(_ context.Context, q Conn, _ bool) (Conn, error) { return q, nil },
	waited:        func(error) bool { return false },
	prepared:      []string{"append", "message one", "queue one", "insert message", "insert queue", "last entry"},
}

// sqliteText are SQLite's own statements. Its transactions write one at a time, so that nothing need be
// locked, and whoever beats sees no insertion that is still open.
func sqliteText(d *dialect) map[string]string {
	out := sessionListText(d)
	out["pulse"] = pulseText(d, pulseParts{begun: "1", ended: "1", alive: "1", more: "0", who: "z.sender", none: "''"})
	out["join"] = `INSERT INTO amsbridge_session (sender, length_us, installation, joined_at)
		VALUES (?2, ?3, ?4, {now}) RETURNING id`
	out["lock dead"] = `SELECT z.sender FROM amsbridge_session z JOIN amsbridge_beat b ON b.session = z.id WHERE z.id = ?1 AND b.beats = ?2`
	// Analyzed while it was empty, the queue would be read whole.
	out["mend queue"] = `UPDATE amsbridge_queue INDEXED BY amsbridge_queue_due SET due_at = {now}, put_off_at = {now}
		WHERE state = 0 AND due_at IS NOT NULL AND due_at > (SELECT {now}) AND put_off_at > (SELECT {now}) + 1000000`
	maps.Copy(out, insertPlainText(d))
	maps.Copy(out, sendingSQLiteText(d))
	return out
}

func joinSQLite(ctx context.Context, s *Store, q Conn, args ...any) (id outbox.SessionID, err error) {
	if _, err := one(ctx, q, []any{&id}, s.sql["join"], args...); err != nil {
		return 0, err
	}
	return id, later(ctx, q, s.sql["first beat"], id)
}

// readSQLite is a reading's statement.
func readSQLite(s *Store, r outbox.Reading) (reading, error) {
	return readPlain(s, r, readPaths{
		byID: " INDEXED BY sqlite_autoindex_amsbridge_queue_1", byKey: " INDEXED BY amsbridge_queue_key",
		fresh:   " INDEXED BY sqlite_autoindex_amsbridge_queue_1",
		freshOf: " INDEXED BY amsbridge_queue_fresh", due: " INDEXED BY amsbridge_queue_due", dueOf: " INDEXED BY amsbridge_queue_retry",
	})
}
