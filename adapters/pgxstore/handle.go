package pgxstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// querier is the common part of a transaction and a pool.
type querier interface {
	Exec(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
}

// conn adapts a querier to the engine's interface.
type conn struct{ querier }

func (c conn) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	tag, err := c.querier.Exec(ctx, text, args...)
	return tag.RowsAffected(), err
}

func (c conn) Query(ctx context.Context, text string, args ...any) (sqlcore.Rows, error) {
	return c.querier.Query(ctx, text, args...) //nolint:sqlclosecheck // the engine does it
}

// database adapts the shop's pool to the engine's interface.
type database struct {
	conn
	pool *pgxpool.Pool
}

// InTx runs fn in a transaction of its own.
func (d database) InTx(ctx context.Context, fn func(sqlcore.Conn) error) error {
	c, err := d.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	tx := begin(c.Conn())
	defer tx.rollback(ctx)
	if err := fn(tx); err != nil {
		return err
	}
	return tx.commit(ctx)
}

// InTx begins a transaction, runs fn in it and commits; then it calls wake, which may be nil. When fn
// fails or panics, it rolls back and does not call wake. The error is fn's, or that of begin or commit.
// After a failed commit it is unknown whether the transaction was committed.
func InTx(ctx context.Context, db *pgxpool.Pool, wake func(), fn func(tx pgx.Tx) error) error {
	if db == nil {
		return check.Bad("pgxstore", "db", "is nil")
	}
	tx, err := db.Begin(ctx)
	if err != nil {
		return fmt.Errorf("pgxstore: begin: %w", err)
	}
	done := false
	defer func() {
		if !done {
			_ = tx.Rollback(ctx) // fn's error or panic says what went wrong
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	done = true
	if err := tx.Commit(ctx); err != nil {
		return errors.Join(fmt.Errorf("pgxstore: commit: %w", err), rollback(ctx, tx))
	}
	if wake != nil {
		wake()
	}
	return nil
}

// rollback ends a transaction whose commit failed. It returns no error if it had ended already.
func rollback(ctx context.Context, tx pgx.Tx) error {
	if err := tx.Rollback(ctx); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		return fmt.Errorf("pgxstore: roll back: %w", err)
	}
	return nil
}
