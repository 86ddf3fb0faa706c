package sqlreplay

import (
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Dialect names a database.
type Dialect string

// The supported databases.
const (
	PostgreSQL Dialect = "postgres"
	// MySQL is also for MariaDB.
	MySQL  Dialect = "mysql"
	SQLite Dialect = "sqlite"
)

// dialect holds one database's statements.
type dialect struct {
	// now is the database's clock in Unix microseconds.
	now string
	// consume inserts a row. It affects one row, or nothing where the row exists.
	consume string
	// used counts the rows with a key.
	used string
	// audit inserts a row.
	audit string
	// prune deletes at most batch rows whose time is before a given time, and pruneAudit those written
	// before it.
	prune, pruneAudit string
	batch             int64
}

func dialectOf(d Dialect) (dialect, error) {
	switch d {
	case PostgreSQL:
		// The inner SELECT runs once, and skips rows that another process is deleting.
		out := statements("id = ANY(ARRAY(SELECT id FROM %[1]s WHERE %[2]s < ? ORDER BY %[2]s LIMIT %[3]d FOR UPDATE SKIP LOCKED))", 500)
		out.now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
		out.consume += " ON CONFLICT (id) DO NOTHING"
		return out.numbered(), nil
	case SQLite:
		out := statements("id IN (SELECT id FROM %[1]s WHERE %[2]s < ? ORDER BY %[2]s LIMIT %[3]d)", 90)
		out.now = "SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
		out.consume += " ON CONFLICT (id) DO NOTHING"
		return out, nil
	case MySQL:
		// A plain INSERT, which fails on a second row: INSERT IGNORE hides other errors, and the count
		// of ON DUPLICATE KEY UPDATE depends on the driver's clientFoundRows. NOW() would be ambiguous
		// when summer time ends.
		out := statements("%[2]s < ? ORDER BY %[2]s LIMIT %[3]d", 500)
		out.now = "SELECT UNIX_TIMESTAMP() * 1000000"
		return out, nil
	case "":
		return dialect{}, check.Bad("sqlreplay", "dialect", "is empty")
	}
	return dialect{}, check.Bad("sqlreplay", "dialect", fmt.Sprintf("is not %s, %s or %s", PostgreSQL, MySQL, SQLite))
}

// statements returns the statements that all databases share. expired is the condition of a bounded
// DELETE; it takes the table, its column of times, and the bound.
func statements(expired string, batch int64) dialect {
	deletion := func(table, column string) string {
		return "DELETE FROM " + table + " WHERE " + fmt.Sprintf(expired, table, column, batch)
	}
	return dialect{
		consume:    "INSERT INTO amsbridge_replay (id, keep_until, issuer, audience, token_id) VALUES (?, ?, ?, ?, ?)",
		used:       "SELECT count(*) FROM amsbridge_replay WHERE id = ?",
		audit:      "INSERT INTO amsbridge_sso_audit (at, action, kind, audience, user_id, token_id, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
		prune:      deletion("amsbridge_replay", "keep_until"),
		pruneAudit: deletion("amsbridge_sso_audit", "at"),
		batch:      batch,
	}
}

// numbered replaces every ? by $1, $2 and so on.
func (d dialect) numbered() dialect {
	for _, text := range []*string{&d.consume, &d.used, &d.audit, &d.prune, &d.pruneAudit} {
		for n := 1; strings.Contains(*text, "?"); n++ {
			*text = strings.Replace(*text, "?", fmt.Sprintf("$%d", n), 1)
		}
	}
	return d
}
