package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Problems of a SQLite handle that New refuses.
const (
	deferred = "is a SQLite handle that neither is limited to one connection nor begins IMMEDIATE" +
		" (with modernc.org/sqlite: _txlock=immediate in the DSN)"
	impatient = "is a SQLite handle without busy_timeout: a checkout would fail at once while a sender writes" +
		" (with modernc.org/sqlite: _pragma=busy_timeout(5000) in the DSN)"
)

// checkHandle refuses a handle of another database than the dialect's. It refuses a SQLite handle of
// more than one connection that does not wait for locks, or that begins deferred transactions: unlike
// immediate ones, two of those can be open at once. field is the caller's name of the handle.
func checkHandle(ctx context.Context, field string, db *sql.DB, dialect Dialect) error {
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("sqlstore: ping: %w", err)
	}
	var answer string
	if err := db.QueryRowContext(ctx, version(dialect)).Scan(&answer); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("sqlstore: ask for the version: %w", err)
		}
		return check.Bad("sqlstore", field, "does not answer as a database of the dialect "+string(dialect)+"; is the dialect right?")
	}
	if dialect != SQLite || db.Stats().MaxOpenConnections == 1 {
		return nil
	}
	first, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("sqlstore: begin: %w", err)
	}
	defer func() { _ = first.Rollback() }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("sqlstore: second connection: %w", err)
	}
	defer func() { _ = conn.Close() }()
	var wait int
	if err := conn.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&wait); err != nil {
		return fmt.Errorf("sqlstore: busy_timeout: %w", err)
	}
	if wait <= 0 {
		return check.Bad("sqlstore", field, impatient)
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return fmt.Errorf("sqlstore: busy_timeout: %w", err)
	}
	second, err := conn.BeginTx(ctx, nil)
	if err == nil {
		_ = second.Rollback()
		discard(conn)
		return check.Bad("sqlstore", field, deferred)
	}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", wait)); err != nil {
		discard(conn)
	}
	return nil
}

// version returns a statement for the database's version that only this database accepts.
func version(dialect Dialect) string {
	switch dialect {
	case PostgreSQL:
		return "SELECT current_setting('server_version_num')"
	case MySQL:
		return "SELECT @@version"
	default:
		return "SELECT sqlite_version()"
	}
}
