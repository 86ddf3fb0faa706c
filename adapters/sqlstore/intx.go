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
// On PostgreSQL a single new message that was stored through it, beside its entry and in no savepoint, is handed over in
// memory to a sender of this process that works on the same Store, if nothing has to go before it. Everything else
// waits until it is read.
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
	if err := runShop(db, conn, tx, fn); err != nil {
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
func runShop(db *sql.DB, conn *sql.Conn, tx *sql.Tx, fn func(tx *sql.Tx) error) (err error) {
	state := &shopTx{db: db}
	shopTxs.Store(tx, state)
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
	if state.undone != nil {
		return state.undone
	}
	done = true
	err = tx.Commit()
	state.handover.Committed(err == nil)
	if err != nil {
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

// shopTx is what is known of an open transaction of InTx.
type shopTx struct {
	db       *sql.DB
	undone   error // by which it was rolled back, if it was
	handover sqlcore.Handover
}

// shopTxs are the open transactions of InTx.
var shopTxs sync.Map // *sql.Tx to *shopTx

// shopTxOf returns the transaction of InTx that it is, or nil.
func shopTxOf(tx *sql.Tx) *shopTx {
	state, _ := shopTxs.Load(tx)
	own, _ := state.(*shopTx)
	return own
}

// txError is the error of a call in the shop's transaction: the outbox's in place of database/sql's for a
// transaction that has ended. One by which it may have been rolled back is kept for InTx.
func txError(tx *sql.Tx, err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("%w: it has ended", outbox.ErrNoTransaction)
	}
	if sqlcore.Undone(err) {
		if own := shopTxOf(tx); own != nil {
			own.undone = fmt.Errorf("sqlstore: the database has rolled the transaction back: %w", err)
		}
	}
	return err
}
