package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// catalogue is a small one.
func catalogue(t *testing.T) amsbridge.Catalog {
	t.Helper()
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "course", RemoteProductID: "C-1"},
		{ID: "course-2", RemoteProductID: "C-2"},
		{ID: "dinner", ShowKey: 7, AddOnKeys: []int64{9985, 10342}},
		{ID: "brunch", ShowKey: 7, AddOnKeys: []int64{9985, 4}},
		{ID: "lunch", ShowKey: 7, AddOnKeys: []int64{3}},
	}})
	require.NoError(t, err)
	return catalog
}

func hookConfig(t *testing.T) amsbridge.HookConfig {
	t.Helper()
	return amsbridge.HookConfig{Catalog: catalogue(t), Logger: slog.New(slog.DiscardHandler)}
}

// hook is a hook on the env's store, for transactions of database/sql.
func (e *env) hook(t *testing.T) *amsbridge.Hook[*sql.Tx] {
	t.Helper()
	hook, err := amsbridge.NewHook(e.store, hookConfig(t))
	require.NoError(t, err)
	return hook
}

func member(id string) amsbridge.User {
	return amsbridge.User{ID: amsbridge.UserID(id), FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"}
}

func purchase(id string, buyer amsbridge.User, products ...string) amsbridge.Order {
	o := amsbridge.Order{ID: id, Buyer: buyer}
	for i, p := range products {
		o.Lines = append(o.Lines, amsbridge.Line{ID: fmt.Sprint(i + 1), ProductID: p, Quantity: 1})
	}
	return o
}

// refundOf gives whole lines back.
func refundOf(id, order string, lines ...string) amsbridge.Refund {
	r := amsbridge.Refund{ID: id, OrderID: order}
	for _, l := range lines {
		r.Lines = append(r.Lines, amsbridge.RefundLine{LineID: l})
	}
	return r
}

// shopTx is a transaction of the shop, and the hook's calls in it.
type shopTx struct {
	complete func(o amsbridge.Order) (*amsbridge.Report, error)
	all      func(orders ...amsbridge.Order) ([]*amsbridge.Report, error)
	refund   func(r amsbridge.Refund) (*amsbridge.Report, error)
	reverse  func(id string, o amsbridge.Order) (*amsbridge.Report, error)
	exec     func(statement string) error
	commit   func() error
	rollback func()
}

func shopTxOf[Tx any](ctx context.Context, hook *amsbridge.Hook[Tx], tx Tx) *shopTx {
	return &shopTx{
		complete: func(o amsbridge.Order) (*amsbridge.Report, error) { return hook.OrderCompleted(ctx, tx, o) },
		all:      func(o ...amsbridge.Order) ([]*amsbridge.Report, error) { return hook.OrdersCompleted(ctx, tx, o...) },
		refund:   func(r amsbridge.Refund) (*amsbridge.Report, error) { return hook.OrderRefunded(ctx, tx, r) },
		reverse: func(id string, o amsbridge.Order) (*amsbridge.Report, error) {
			return hook.RefundReversed(ctx, tx, id, o)
		},
	}
}

// beginShop begins a transaction of the shop, through pgx where the set-up uses it. It is rolled back
// when the test ends, if nobody ended it before.
func (e *env) beginShop(t *testing.T) *shopTx {
	t.Helper()
	s, err := e.shopTx(t)
	require.NoError(t, err)
	t.Cleanup(s.rollback)
	return s
}

func (e *env) shopTx(t *testing.T) (*shopTx, error) {
	t.Helper()
	ctx := context.Background()
	if e.pgx {
		hook, err := amsbridge.NewHook(e.byPgx.store, hookConfig(t))
		require.NoError(t, err)
		tx, err := e.byPgx.pool.Begin(ctx)
		if err != nil {
			return nil, err
		}
		s := shopTxOf(ctx, hook, pgx.Tx(tx))
		s.exec = func(statement string) error { _, err := tx.Exec(ctx, statement); return err }
		s.commit, s.rollback = func() error { return tx.Commit(ctx) }, func() { _ = tx.Rollback(ctx) }
		return s, nil
	}
	tx, err := e.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	s := shopTxOf(ctx, e.hook(t), tx)
	s.exec = func(statement string) error { _, err := tx.ExecContext(ctx, statement); return err }
	s.commit, s.rollback = tx.Commit, func() { _ = tx.Rollback() }
	return s, nil
}

// shop runs f in a transaction of the shop, again where the database asks for that.
func (e *env) shop(t *testing.T, f func(s *shopTx) error) error {
	t.Helper()
	return retried(func() error {
		s, err := e.shopTx(t)
		if err != nil {
			return err
		}
		defer s.rollback() // harmless after the commit
		if err := f(s); err != nil {
			return err
		}
		return s.commit()
	})
}

func (e *env) complete(t *testing.T, o amsbridge.Order) (r *amsbridge.Report) {
	t.Helper()
	require.NoError(t, e.shop(t, func(s *shopTx) (err error) {
		r, err = s.complete(o)
		return err
	}))
	return r
}

func (e *env) refund(t *testing.T, refund amsbridge.Refund) (r *amsbridge.Report) {
	t.Helper()
	require.NoError(t, e.shop(t, func(s *shopTx) (err error) {
		r, err = s.refund(refund)
		return err
	}))
	return r
}

func (e *env) reverse(t *testing.T, id string, o amsbridge.Order) (r *amsbridge.Report) {
	t.Helper()
	require.NoError(t, e.shop(t, func(s *shopTx) (err error) {
		r, err = s.reverse(id, o)
		return err
	}))
	return r
}

// did is what a report says was done, sorted.
func did(r *amsbridge.Report) (all []amsbridge.Did) {
	for _, e := range r.Entries {
		all = append(all, e.Did)
	}
	slices.Sort(all)
	return all
}

// serve runs a sender that delivers to the platform, until the test ends or stop is called.
func (e *env) serve(t *testing.T, p *platform) (stop func()) {
	t.Helper()
	d, err := amsbridge.NewDestination(e.store, p, amsbridge.DestinationConfig{})
	require.NoError(t, err)
	cfg := quick(outbox.Fixed{"elevate": d, "notified": d})
	cfg.Breaker = outbox.Breaker{After: -1} // a platform that often gives no answer is tried all the same
	_, stop = e.send(t, e.store, cfg)
	return stop
}

// settleAll waits until nothing is pending. Under the race detector SQLite is slow: it is Go code.
func (e *env) settleAll(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return e.pending(t) == 0 }, 90*time.Second, 10*time.Millisecond, "nothing waits any more")
}

// parked returns the reasons of what is parked.
func (e *env) parked(t *testing.T) (reasons []string) {
	t.Helper()
	found, err := e.store.Find(t.Context(), outbox.Query{States: []outbox.State{outbox.StateParked}})
	require.NoError(t, err)
	for _, r := range found {
		reasons = append(reasons, r.Person+": "+r.Reason)
	}
	return reasons
}

// tasks returns the texts of orders' open tasks.
func (e *env) tasks(t *testing.T) (texts []string) {
	t.Helper()
	open, err := e.store.Tasks(t.Context(), outbox.TaskQuery{Limit: 100})
	require.NoError(t, err)
	for _, task := range open {
		texts = append(texts, task.Subject+": "+task.Text)
	}
	return texts
}
