package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// Config says where the outbox lies.
type Config struct {
	// DB is the shop's own handle. Required; it stays the shop's to close.
	//
	// With SQLite it must either be limited to one connection
	// (SetMaxOpenConns(1)) or begin its transactions IMMEDIATE (with
	// modernc.org/sqlite: _txlock=immediate in the DSN) and wait for locks
	// (_pragma=busy_timeout(5000)): a deferred transaction that reads first
	// fails at once when another writes.
	DB *sql.DB
	// Dialect is [PostgreSQL] or [SQLite]. Required.
	Dialect Dialect
	// Now replaces the database's clock, for tests. Defaults to the database's
	// clock.
	Now func() time.Time
}

// Store is an outbox in a SQL database. It implements outbox.Writer[*sql.Tx],
// outbox.Queue and outbox.Inspector, and is safe for concurrent use.
type Store struct {
	db    *sql.DB
	d     *dialect
	clock func() time.Time
	sql   map[string]string
	// prepared are the statements of a checkout, where preparing them is worth
	// it. They end with the shop's handle.
	prepared map[string]*sql.Stmt
}

var (
	_ outbox.Writer[*sql.Tx] = (*Store)(nil)
	_ outbox.Queue           = (*Store)(nil)
	_ outbox.Inspector       = (*Store)(nil)
)

// New returns the store, or an [*outbox.FieldError] that names the bad field.
// It opens connections of DB to look at how they begin transactions, and needs
// no tables yet: see [Migrate] and [Validate].
func New(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.DB == nil {
		return nil, &outbox.FieldError{Field: "DB", Problem: "is nil"}
	}
	d, err := dialectOf(cfg.Dialect)
	if err != nil {
		return nil, err
	}
	if d.immediate {
		if err := checkImmediate(ctx, cfg.DB); err != nil {
			return nil, err
		}
	}
	s := &Store{db: cfg.DB, d: d, clock: cfg.Now, sql: d.statements()}
	return s, s.prepare(ctx)
}

// statements renders the fixed statements once.
func (d *dialect) statements() map[string]string {
	out := map[string]string{}
	for name, text := range fixed(d) {
		out[name] = d.render(text)
	}
	return out
}

// render puts the clock in and numbers parameters as the driver wants them:
// {now} is the database's clock unless parameter ?1 holds a time, {at} is the
// time in ?1.
func (d *dialect) render(text string) string {
	return d.rebind(strings.NewReplacer(
		"{now}", "COALESCE(CAST(?1 AS BIGINT), "+d.now+")",
		"{at}", "CAST(?1 AS BIGINT)",
	).Replace(text))
}

// now is the argument for {now}: nil for the database's clock.
func (s *Store) now() any {
	if s.clock == nil {
		return nil
	}
	return s.clock().UnixMicro()
}

func fromMicro(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// querier is what a transaction, a connection and a pool have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// each calls scan for every row of a query.
func each(ctx context.Context, q querier, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err below tells
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// inTx runs fn in a transaction of our own.
func (s *Store) inTx(ctx context.Context, fn func(q querier) error) (err error) {
	if s.d.immediate {
		return s.inImmediate(ctx, fn)
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback()
		}
	}()
	if s.d.pin != "" {
		if _, err := tx.ExecContext(ctx, s.d.pin); err != nil {
			return err
		}
	}
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// inImmediate begins with a write lock, whatever the handle's own way is. Then
// it rests about as long as it held the lock, for SQLite has no queue: a writer
// that comes back at once starves the shop's checkouts.
func (s *Store) inImmediate(ctx context.Context, fn func(q querier) error) error {
	held, err := s.immediate(ctx, fn)
	rest := time.NewTimer(min(held, longestRest))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
	}
	return err
}

// longestRest keeps one slow disk sync from halving a sender's day.
const longestRest = 100 * time.Millisecond

// immediate runs fn under the write lock and tells how long it held it. A
// connection that cannot be rolled back is thrown away.
func (s *Store) immediate(ctx context.Context, fn func(q querier) error) (held time.Duration, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	begun := time.Now()
	err = fn(conn)
	if err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		if _, undo := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); undo != nil {
			discard(conn)
		}
	}
	return time.Since(begun), err
}

// checkedTx refuses a nil transaction.
func checkedTx(tx *sql.Tx) error {
	if tx == nil {
		return fmt.Errorf("%w: it is nil", outbox.ErrNoTransaction)
	}
	return nil
}

// txError names a finished transaction by the outbox's own error.
func txError(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("%w: %w", outbox.ErrNoTransaction, err)
	}
	return err
}
