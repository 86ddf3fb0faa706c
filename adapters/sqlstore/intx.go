package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/sqlcore"
	"github.com/amsbridge/amsbridge/outbox"
)

// InTx begins a transaction, runs fn in it and commits; then it calls wake, which may be nil. When fn
// fails or panics, it rolls back and does not call wake. The error is fn's, or that of begin or commit.
// After a failed commit it is unknown whether the transaction was committed.
//
// It also rolls back, and returns the error, when fn returns nil although a call of a [Store] in the
// transaction met an error after which MariaDB may have rolled back: a deadlock (1213), a changed record
// (1020), a lock wait time-out (1205). A commit would succeed there, without what was written before. It
// knows nothing of the shop's own statements: fn must return their errors.
//
// It is bounded by ctx as far as the driver heeds it: lib/pq waits for an answer that does not come.
func InTx(ctx context.Context, db *sql.DB, wake func(), fn func(tx *sql.Tx) error) error {
	if db == nil {
		return check.Bad("sqlstore", "db", "is nil")
	}
	conn, tx, err := beginShop(ctx, db)
	if err != nil {
		return fmt.Errorf("sqlstore: begin: %w", err)
	}
	if err := runShop(conn, tx, fn); err != nil {
		return err
	}
	if wake != nil {
		wake()
	}
	return nil
}

// beginShop begins a transaction on a connection that can be kept from the pool, on another one where the
// pool's turns out to be dead, as [sql.DB.BeginTx] does.
func beginShop(ctx context.Context, db *sql.DB) (*sql.Conn, *sql.Tx, error) {
	for last := false; ; last = db.Stats().Idle == 0 {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, nil, err
		}
		tx, err := conn.BeginTx(ctx, nil)
		if err == nil {
			return conn, tx, nil
		}
		giveBack(conn, err)
		if last || !errors.Is(err, driver.ErrBadConn) {
			return nil, nil, err
		}
	}
}

// runShop runs fn and commits, and gives the connection back.
func runShop(conn *sql.Conn, tx *sql.Tx, fn func(tx *sql.Tx) error) (err error) {
	undone := new(error)
	shopTxs.Store(tx, undone)
	done := false
	defer func() {
		shopTxs.Delete(tx)
		if !done {
			_ = tx.Rollback()
		}
		giveBack(conn, err)
	}()
	if err := fn(tx); err != nil {
		return err
	}
	if *undone != nil {
		return *undone
	}
	done = true
	if err := tx.Commit(); err != nil {
		return errors.Join(fmt.Errorf("sqlstore: commit: %w", err), rollback(tx))
	}
	return nil
}

// rollback ends a transaction whose commit failed. It returns no error if it had ended already.
func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("sqlstore: roll back: %w", err)
	}
	return nil
}

// shopTxs are the open transactions of InTx, with the error by which each was rolled back, if it was.
var shopTxs sync.Map // *sql.Tx to *error

// undone returns the error by which a transaction of InTx was rolled back, or nil.
func undone(tx *sql.Tx) error {
	if e, ok := shopTxs.Load(tx); ok {
		return *e.(*error)
	}
	return nil
}

// txError is the error of a call in the shop's transaction: the outbox's in place of database/sql's for a
// transaction that has ended. One by which it may have been rolled back is kept for InTx.
func txError(tx *sql.Tx, err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("%w: it has ended", outbox.ErrNoTransaction)
	}
	if sqlcore.Undone(err) {
		if e, ok := shopTxs.Load(tx); ok {
			*e.(*error) = fmt.Errorf("sqlstore: the database has rolled the transaction back: %w", err)
		}
	}
	return err
}
