package orders

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// Store is what senders and operators need of a store.
type Store interface {
	outbox.Queue
	outbox.Inspector
}

// Engine is a store with an empty database, and how a shop works with it.
type Engine struct {
	Name  string
	Store Store
	Clock *Clock
	// Shop returns a shop whose hook has this configuration. It may change with Reset.
	Shop func(amsbridge.HookConfig) (Shop, error)
	// Reset empties the database.
	Reset func() error
	// Blocks is set where one of two calls about one order waits for the other's commit, and Serial where
	// an open transaction keeps all others waiting.
	Blocks, Serial bool
	Close          func() error
}

// On is an engine that can be opened.
type On struct {
	Name string
	Open func(context.Context) (*Engine, error)
	// Part is how many times fewer sequences a slow one plays.
	Part int
}

// Engines are all engines.
func Engines() []On {
	return []On{
		{"memory", func(context.Context) (*Engine, error) { return OnMemory(), nil }, 1},
		{"sqlite", OnSQLite, 4},
		{"postgres", OnPostgres, 4},
		{"pgx", OnPgx, 4},
		{"mariadb", OnMariaDB, 10},
	}
}

// Clock is the time of a sequence.
type Clock struct{ at atomic.Int64 }

// Now returns the time; no two calls get the same.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.at.Add(1)).UTC() }

func newClock() *Clock {
	c := &Clock{}
	c.reset()
	return c
}

func (c *Clock) reset() {
	c.at.Store(time.Date(2026, time.December, 1, 8, 0, 0, 0, time.UTC).UnixMicro())
}

// Advance lets time pass.
func (c *Clock) Advance(by time.Duration) { c.at.Add(by.Microseconds()) }

// Shop is a shop as its checkout sees it.
type Shop interface {
	Begin(context.Context) (Session, error)
}

// Session is a transaction and the hook in it.
type Session interface {
	Completed(context.Context, ...amsbridge.Order) ([]*amsbridge.Report, error)
	Refunded(context.Context, amsbridge.Refund) (*amsbridge.Report, error)
	Reversed(context.Context, string, amsbridge.Order) (*amsbridge.Report, error)
	// Undone runs f in a savepoint and rolls back to it. It is false where there are no savepoints.
	Undone(ctx context.Context, f func() error) (bool, error)
	Commit(context.Context) error
	Rollback(context.Context)
}

// transactions are how a database library does them.
type transactions[Tx any] struct {
	begin    func(context.Context) (Tx, error)
	commit   func(context.Context, Tx) error
	rollback func(context.Context, Tx)
	exec     func(context.Context, Tx, string) error // nil where there are no savepoints
}

type shop[Tx any] struct {
	hook *amsbridge.Hook[Tx]
	by   transactions[Tx]
}

func shopOn[Tx any](store outbox.Writer[Tx], by transactions[Tx]) func(amsbridge.HookConfig) (Shop, error) {
	return func(cfg amsbridge.HookConfig) (Shop, error) {
		hook, err := amsbridge.NewHook(store, cfg)
		return shop[Tx]{hook, by}, err
	}
}

// Begin implements [Shop].
func (s shop[Tx]) Begin(ctx context.Context) (Session, error) {
	tx, err := s.by.begin(ctx)
	return &session[Tx]{s, tx}, err
}

type session[Tx any] struct {
	shop[Tx]
	tx Tx
}

func (s *session[Tx]) Completed(ctx context.Context, o ...amsbridge.Order) ([]*amsbridge.Report, error) {
	if len(o) == 1 {
		r, err := s.hook.OrderCompleted(ctx, s.tx, o[0])
		return []*amsbridge.Report{r}, err
	}
	return s.hook.OrdersCompleted(ctx, s.tx, o...)
}

func (s *session[Tx]) Refunded(ctx context.Context, r amsbridge.Refund) (*amsbridge.Report, error) {
	return s.hook.OrderRefunded(ctx, s.tx, r)
}

func (s *session[Tx]) Reversed(ctx context.Context, id string, o amsbridge.Order) (*amsbridge.Report, error) {
	return s.hook.RefundReversed(ctx, s.tx, id, o)
}

func (s *session[Tx]) Undone(ctx context.Context, f func() error) (bool, error) {
	if s.by.exec == nil {
		return false, nil
	}
	if err := s.by.exec(ctx, s.tx, "SAVEPOINT try"); err != nil {
		return true, err
	}
	if err := f(); err != nil {
		return true, err
	}
	return true, s.by.exec(ctx, s.tx, "ROLLBACK TO SAVEPOINT try")
}

func (s *session[Tx]) Commit(ctx context.Context) error { return s.by.commit(ctx, s.tx) }

func (s *session[Tx]) Rollback(ctx context.Context) { s.by.rollback(ctx, s.tx) }
