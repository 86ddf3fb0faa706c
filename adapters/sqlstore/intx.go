package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge/internal/check"
)

// InTx begins a transaction, runs fn in it and commits; then it calls wake, which may be nil. When fn
// fails or panics, it rolls back and does not call wake. The error is fn's, or that of begin or commit.
// After a failed commit it is unknown whether the transaction was committed.
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

// rollback ends a transaction whose commit failed. It returns no error if it had ended already.
func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("sqlstore: roll back: %w", err)
	}
	return nil
}
