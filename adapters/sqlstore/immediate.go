package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge/internal/check"
)

// What is wrong with a SQLite handle that New refuses.
const (
	deferred = "is a SQLite handle that neither is limited to one connection nor begins IMMEDIATE" +
		" (with modernc.org/sqlite: _txlock=immediate in the DSN)"
	impatient = "is a SQLite handle without busy_timeout: a checkout would fail at once while a sender writes" +
		" (with modernc.org/sqlite: _pragma=busy_timeout(5000) in the DSN)"
)

// checkHandle refuses a SQLite handle whose transactions begin deferred and
// that may have more than one connection. Two deferred transactions can be open
// at once; two immediate ones cannot. The caller got the handle as that field.
func checkHandle(ctx context.Context, field string, db *sql.DB, dialect Dialect) error {
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

// discard closes the connection instead of giving it back to the pool.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// InTx begins a transaction, runs fn in it and commits; then it calls wake,
// which may be nil. When fn fails or panics, the transaction is rolled back and
// wake is not called. The error is fn's, or that of begin or commit: after a
// failed commit it is unknown whether it took place.
func InTx(ctx context.Context, db *sql.DB, wake func(), fn func(tx *sql.Tx) error) error {
	if db == nil {
		return check.Bad("sqlstore", "db", "is nil")
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("sqlstore: begin: %w", err)
	}
	done := false
	defer func() {
		if !done {
			_ = tx.Rollback()
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	done = true
	if err := tx.Commit(); err != nil {
		return errors.Join(fmt.Errorf("sqlstore: commit: %w", err), rollback(tx))
	}
	if wake != nil {
		wake()
	}
	return nil
}

// rollback ends a transaction whose commit failed; that it had ended already
// is no error.
func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("sqlstore: roll back: %w", err)
	}
	return nil
}
