// Package sqlcore is the engine of the SQL stores: the statements of each
// dialect and what is done with their results. It knows no driver; a store hands
// it connections and keeps what is particular to its database library.
package sqlcore

import (
	"context"
	"strings"
	"sync/atomic"
	"time"
)

// Conn runs statements: a transaction, a connection or a pool.
type Conn interface {
	// Exec returns the number of rows affected.
	Exec(ctx context.Context, text string, args ...any) (int64, error)
	// Each calls scan for every row of a query, and stops with its first error. It never calls scan after
	// it has returned.
	Each(ctx context.Context, scan func(Rows) error, text string, args ...any) error
}

// Deferring is a transaction of our own that can keep statements back, and send
// them together with the next one that has a result, or with the commit. Their
// errors are told then.
type Deferring interface {
	Later(text string, args ...any)
}

// Rows are a statement's result, at one of its rows.
type Rows interface {
	Scan(into ...any) error
}

// DB is the shop's database. Each of its calls ends about when its context does, whatever the driver and
// the network do, and after [CallLimit] where the context has no deadline: see [Within].
type DB interface {
	Conn
	// InTx runs fn in a transaction of our own, READ COMMITTED where there is a
	// choice, and commits. Nothing is committed when fn fails. On MySQL, fn is run
	// again where another transaction stood in the way.
	InTx(ctx context.Context, fn func(Conn) error) error
}

// Config says what a store works with.
type Config struct {
	// Name is the package that the user calls; it begins the store's errors.
	Name string
	// ErrSchema is that package's error for tables that are not as they must be.
	ErrSchema error
	DB        DB
	Dialect   Dialect
	// Arrays is set for PostgreSQL through a driver that sends arrays.
	Arrays bool
	// Now replaces the database's clock, for tests. May be nil.
	Now func() time.Time
}

// Store is the engine. It is safe for concurrent use.
type Store struct {
	name      string
	errSchema error
	db        DB
	d         *dialect
	clock     func() time.Time
	sql       map[string]string
	handing   atomic.Pointer[handing]
}

// New returns the engine, or an *check.InputError for the dialect.
func New(cfg Config) (*Store, error) {
	if err := CheckDialect(cfg.Name, "Config.Dialect", cfg.Dialect); err != nil {
		return nil, err
	}
	d := dialects[cfg.Dialect]
	if cfg.Arrays {
		d = postgresArrays
	}
	if d.folder == MySQL {
		cfg.DB = literalDB{literals{cfg.DB}, cfg.DB}
	}
	s := &Store{name: cfg.Name, errSchema: cfg.ErrSchema, db: cfg.DB, d: d, clock: cfg.Now, sql: map[string]string{}}
	for name, text := range fixed(d) {
		s.sql[name] = d.render(text)
	}
	return s, nil
}

// render puts the clock in and numbers parameters as the driver wants them:
// {now} is the database's clock unless parameter ?1 holds a time, {at} is the
// time in ?1, and {bytes} the type of bytes.
func (d *dialect) render(text string) string {
	return d.rebind(strings.NewReplacer(
		"{now}", "COALESCE(CAST(?1 AS BIGINT), "+d.now+")",
		"{at}", "CAST(?1 AS BIGINT)",
		"{bytes}", d.bytes,
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

// each calls scan for every row of a query.
func each(ctx context.Context, q Conn, scan func(Rows) error, query string, args ...any) error {
	return q.Each(ctx, scan, query, args...)
}

// one scans the first row of a query, and tells whether there was one.
func one(ctx context.Context, q Conn, into []any, query string, args ...any) (found bool, err error) {
	err = each(ctx, q, func(r Rows) error {
		found = true
		return r.Scan(into...)
	}, query, args...)
	return found, err
}

// later runs a statement whose result nobody waits for.
func later(ctx context.Context, q Conn, text string, args ...any) error {
	if d, ok := q.(Deferring); ok {
		d.Later(text, args...)
		return nil
	}
	_, err := q.Exec(ctx, text, args...)
	return err
}

// Closing is a transaction of our own that can commit together with a statement.
type Closing interface {
	// Last is Each, and commits. Its error is that of either.
	Last(ctx context.Context, scan func(Rows) error, text string, args ...any) error
}

// eachLast is each for the last statement of a transaction of our own.
func eachLast(ctx context.Context, q Conn, scan func(Rows) error, query string, args ...any) error {
	if c, ok := q.(Closing); ok {
		return c.Last(ctx, scan, query, args...)
	}
	return each(ctx, q, scan, query, args...)
}

// mostTries is how often a transaction is begun that the database ends for a
// conflict with another one.
const mostTries = 3

// inTx runs fn in a transaction of our own that begins with opening, which may
// be empty. When the database gave it up for a deadlock or a conflict, it is
// run again: fn must begin anew each time.
func (s *Store) inTx(ctx context.Context, opening string, fn func(Conn) error) error {
	if opening == "" {
		opening = s.d.pin
	}
	for try := 1; ; try++ {
		err := s.db.InTx(ctx, func(q Conn) error {
			if opening != "" {
				if err := later(ctx, q, opening); err != nil {
					return err
				}
			}
			return fn(q)
		})
		if err == nil || try == mostTries || ctx.Err() != nil || s.d.again == nil || !s.d.again(err) {
			return err
		}
	}
}

// givenUp tells whether PostgreSQL ended a transaction for a deadlock or a
// serialization failure.
func givenUp(err error) bool {
	return sqlState(err) == "40P01" || sqlState(err) == "40001"
}
