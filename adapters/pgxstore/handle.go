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

// querier is the common part of a transaction and a connection.
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

func (c conn) Each(ctx context.Context, scan func(sqlcore.Rows) error, text string, args ...any) error {
	rows, err := c.Query(ctx, text, args...)
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

func scanAll(rows pgx.Rows, scan func(sqlcore.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// database adapts the shop's pool to the engine's interface. pgx ends a call when its context ends, and
// closes the connection.
type database struct{ pool *pgxpool.Pool }

// use runs f on a connection of the pool, which is closed where f's error says that it is not fit for use.
func (d database) use(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := sqlcore.Within(ctx)
	defer cancel()
	c, err := d.pool.Acquire(ctx)
	if err != nil {
		return sqlcore.Told(ctx, err)
	}
	defer c.Release()
	err = sqlcore.Told(ctx, f(ctx, c.Conn()))
	switch {
	case sqlcore.Unusable(err):
		drop(c.Conn())
	case ctx.Err() != nil && c.Conn().IsClosed():
		// pgx would wait for up to 15 seconds for the server to close it too, and the pool with it.
		_ = c.Conn().PgConn().Conn().Close()
	}
	return err
}

// drop closes a connection that the pool would keep, without waiting for the server.
func drop(c *pgx.Conn) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = c.Close(ctx) // it is closed whatever it returns
}

func (d database) Exec(ctx context.Context, text string, args ...any) (n int64, err error) {
	err = d.use(ctx, func(ctx context.Context, c *pgx.Conn) (err error) {
		n, err = conn{c}.Exec(ctx, text, args...)
		return err
	})
	return n, err
}

func (d database) Each(ctx context.Context, scan func(sqlcore.Rows) error, text string, args ...any) error {
	return d.use(ctx, func(ctx context.Context, c *pgx.Conn) error { return conn{c}.Each(ctx, scan, text, args...) })
}

// InTx runs fn in a transaction of its own.
func (d database) InTx(ctx context.Context, fn func(sqlcore.Conn) error) error {
	return d.use(ctx, func(ctx context.Context, c *pgx.Conn) error {
		tx := begin(ctx, c)
		defer tx.rollback()
		if err := fn(tx); err != nil {
			return err
		}
		return tx.commit()
	})
}

// shopConn is a transaction of InTx.
type shopConn struct {
	conn
	own *shopTx
}

func (c shopConn) Each(ctx context.Context, scan func(sqlcore.Rows) error, text string, args ...any) error {
	return c.own.each(ctx, scan, text, args...)
}

func (c shopConn) Handover() *sqlcore.Handover { return &c.own.handover }

// in adapts a transaction of the shop to the engine's interface.
func (s *Store) in(tx pgx.Tx) sqlcore.Conn {
	if own, ok := tx.(*shopTx); ok && own.db == s.db {
		return shopConn{conn{own}, own}
	}
	return conn{tx}
}

// InTx begins a transaction, runs fn in it and commits; then it calls wake, which may be nil. BEGIN goes to the server
// with the first statement, in one round trip where that is an Exec or the store's own and pgx has no tracer. When fn
// fails or panics, it rolls back and does not call wake. The error is fn's, or that of commit.
// After a failed commit it is unknown whether the transaction was committed, unless the error is
// [pgx.ErrTxCommitRollback]: the database rolled back, since fn returned nil after a statement had failed.
//
// A single new message that was stored through it, beside its entry and in no savepoint, is handed over in memory to a
// sender of this process that works on the same Store, if nothing has to go before it. Everything else waits until
// it is read.
func InTx(ctx context.Context, db *pgxpool.Pool, wake func(), fn func(tx pgx.Tx) error) error {
	if db == nil {
		return check.Bad("pgxstore", "db", "is nil")
	}
	if err := runShop(ctx, db, fn); err != nil {
		return err
	}
	if wake != nil {
		wake()
	}
	return nil
}

func runShop(ctx context.Context, db *pgxpool.Pool, fn func(tx pgx.Tx) error) (err error) {
	c, err := db.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("pgxstore: begin: %w", err)
	}
	defer c.Release()
	defer func() {
		if sqlcore.Unusable(err) {
			drop(c.Conn())
		}
	}()
	tx := &shopTx{ctx: ctx, c: c.Conn(), db: db}
	defer func() {
		if tx.Tx != nil {
			_ = tx.Rollback(ctx) // harmless after the commit
		}
	}()
	failed := fn(tx)
	if failed == nil {
		err = tx.Commit(ctx)
	}
	switch {
	case tx.err != nil && (failed == nil || errors.Is(failed, pgx.ErrTxClosed)):
		return fmt.Errorf("pgxstore: begin: %w", tx.err)
	case failed != nil:
		return failed
	}
	if !errors.Is(err, pgx.ErrTxCommitRollback) {
		tx.handover.Committed(err == nil)
	}
	if err != nil {
		return fmt.Errorf("pgxstore: commit: %w", err)
	}
	return nil
}
