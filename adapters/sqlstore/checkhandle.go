package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// Problems of a SQLite handle that New refuses.
const (
	deferred = "is a SQLite handle that neither is limited to one connection nor begins IMMEDIATE" +
		" (with modernc.org/sqlite: _txlock=immediate in the DSN)"
	shared    = "is a SQLite handle whose connections share a cache, where locks are not waited for: take cache=shared out of the DSN"
	impatient = "is a SQLite handle without busy_timeout: a checkout would fail at once while a sender writes" +
		" (with modernc.org/sqlite: _pragma=busy_timeout(5000) in the DSN)"
)

// checkHandle adapts the shop's handle. It refuses one of another database than the dialect's, and a SQLite
// library that is too old. It refuses a SQLite handle of more than one connection that shares a cache, does not wait for locks, or begins
// deferred transactions: unlike immediate ones, two of those can be open at once. field is the caller's name
// of the handle.
func checkHandle(ctx context.Context, field string, db *sql.DB, dialect Dialect) (handle, error) {
	ctx, cancel := sqlcore.Within(ctx)
	defer cancel()
	h := handle{db: db, dialect: dialect}
	if err := h.use(ctx, func(s *session) error {
		_, err := run(ctx, s, func() (struct{}, error) { return struct{}{}, s.conn.PingContext(ctx) })
		return err
	}); err != nil {
		return h, fmt.Errorf("sqlstore: ping: %w", err)
	}
	var answer string
	if err := h.Each(ctx, func(r sqlcore.Rows) error { return r.Scan(&answer) }, version(dialect)); err != nil {
		if ctx.Err() != nil {
			return h, fmt.Errorf("sqlstore: ask for the version: %w", err)
		}
		return h, check.Bad("sqlstore", field, "does not answer as a database of the dialect "+string(dialect)+"; is the dialect right?")
	}
	h.mariaDB = strings.Contains(answer, "MariaDB")
	if dialect != SQLite {
		return h, nil
	}
	if tooOld(answer) {
		return h, check.Bad("sqlstore", field, "is a handle of SQLite "+answer+": 3.42 or later is needed")
	}
	if db.Stats().MaxOpenConnections == 1 {
		return h, nil
	}
	return h, checkPool(ctx, field, db)
}

// tooOld tells whether a version of SQLite has no unixepoch('subsec').
func tooOld(version string) bool {
	var major, minor int
	_, err := fmt.Sscanf(version, "%d.%d", &major, &minor)
	return err == nil && (major < 3 || major == 3 && minor < 42)
}

// checkPool checks a SQLite handle of several connections.
func checkPool(ctx context.Context, field string, db *sql.DB) error {
	one, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("sqlstore: connection: %w", err)
	}
	defer func() { _ = one.Close() }()
	other, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("sqlstore: second connection: %w", err)
	}
	defer func() { _ = other.Close() }()
	sharing, err := sharesCache(ctx, one, other)
	if err != nil {
		return fmt.Errorf("sqlstore: cache_size: %w", err)
	}
	if sharing {
		return check.Bad("sqlstore", field, shared)
	}
	first, err := one.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("sqlstore: begin: %w", err)
	}
	defer func() { _ = first.Rollback() }()
	wait, err := pragma(ctx, other, "busy_timeout")
	if err != nil {
		return fmt.Errorf("sqlstore: busy_timeout: %w", err)
	}
	if wait <= 0 {
		return check.Bad("sqlstore", field, impatient)
	}
	if _, err := other.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return fmt.Errorf("sqlstore: busy_timeout: %w", err)
	}
	second, err := other.BeginTx(ctx, nil)
	if err == nil {
		_ = second.Rollback()
		discard(other)
		return check.Bad("sqlstore", field, deferred)
	}
	if _, err := other.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", wait)); err != nil {
		discard(other)
	}
	return nil
}

// sharesCache tells whether what one connection says of its cache's size is true of the other's too.
func sharesCache(ctx context.Context, one, other *sql.Conn) (bool, error) {
	before, err := pragma(ctx, one, "cache_size")
	if err != nil {
		return false, err
	}
	others, err := pragma(ctx, other, "cache_size")
	if err != nil {
		return false, err
	}
	if _, err := one.ExecContext(ctx, fmt.Sprintf("PRAGMA cache_size = %d", others+1)); err != nil {
		return false, err
	}
	after, err := pragma(ctx, other, "cache_size")
	_, back := one.ExecContext(ctx, fmt.Sprintf("PRAGMA cache_size = %d", before))
	return after == others+1, errors.Join(err, back)
}

func pragma(ctx context.Context, c *sql.Conn, name string) (n int, err error) {
	err = c.QueryRowContext(ctx, "PRAGMA "+name).Scan(&n)
	return n, err
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
