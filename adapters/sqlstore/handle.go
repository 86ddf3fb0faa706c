package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// querier is the common part of a transaction, a connection and a pool.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// conn adapts a querier to the engine's interface.
type conn struct{ querier }

func (c conn) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	res, err := c.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c conn) Query(ctx context.Context, text string, args ...any) (sqlcore.Rows, error) {
	r, err := c.QueryContext(ctx, text, args...) //nolint:rowserrcheck,sqlclosecheck // the engine does both
	if err != nil {
		return nil, err
	}
	return rows{r}, nil
}

// Insert is used only by MySQL's dialect.
func (c conn) Insert(ctx context.Context, text string) (id int64, err error) {
	res, err := c.ExecContext(ctx, text)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

type rows struct{ *sql.Rows }

// Close drops its error, which Err returns too.
func (r rows) Close() { _ = r.Rows.Close() }

// handle adapts the shop's handle to the engine's interface.
type handle struct {
	conn
	db *sql.DB
}

func handleOf(db *sql.DB, d Dialect) sqlcore.DB {
	h := handle{conn{db}, db}
	if d == SQLite {
		return resting{h}
	}
	return h
}

// InTx runs fn in a transaction of its own.
func (h handle) InTx(ctx context.Context, fn func(sqlcore.Conn) error) error {
	tx, err := h.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	if err := fn(conn{tx}); err != nil {
		_ = tx.Rollback() // fn's error says what went wrong
		return err
	}
	return tx.Commit()
}

// resting is a SQLite handle. Its transactions begin with a write lock, whatever the handle's default,
// and are followed by a pause about as long as the lock was held. SQLite has no queue for the lock: a
// writer that comes back at once would starve the shop's checkouts.
type resting struct{ handle }

// longestRest limits the pause, so that one slow disk sync does not halve a sender's throughput.
const longestRest = 100 * time.Millisecond

func (h resting) InTx(ctx context.Context, fn func(sqlcore.Conn) error) error {
	held, err := h.immediate(ctx, fn)
	rest := time.NewTimer(min(held, longestRest))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
	}
	return err
}

// immediate runs fn under the write lock and returns how long it held it. It discards a connection that
// cannot be rolled back.
func (h resting) immediate(ctx context.Context, fn func(sqlcore.Conn) error) (held time.Duration, err error) {
	c, err := h.db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	begun := time.Now()
	err = fn(conn{c})
	if err == nil {
		_, err = c.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		if _, undo := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); undo != nil {
			discard(c)
		}
	}
	return time.Since(begun), err
}
