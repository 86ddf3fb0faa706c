package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// both opens one database through database/sql and through pgx.
func both(t *testing.T) (*env, *pgxEnv) {
	t.Helper()
	e := engines[1].open(t)
	return e, openPgxAt(t, e.dsn, nil)
}

func (e *pgxEnv) hook(t *testing.T) *amsbridge.Hook[pgx.Tx] {
	t.Helper()
	hook, err := amsbridge.NewHook(e.store, hookConfig(t))
	require.NoError(t, err)
	return hook
}

// A shop that moves from one store to the other keeps its rows: an order that was
// reported through one is known to the other.
func TestShopMovesBetweenDatabaseSQLAndPgx(t *testing.T) {
	t.Parallel()
	e, p := both(t)
	ctx := t.Context()
	old, now := e.hook(t), p.hook(t)
	type report func(amsbridge.Order) (*amsbridge.Report, error)
	bySQL := func(o amsbridge.Order) (r *amsbridge.Report, err error) {
		err = sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error {
			r, err = old.OrderCompleted(ctx, tx, o)
			return err
		})
		return r, err
	}
	byPgx := func(o amsbridge.Order) (r *amsbridge.Report, err error) {
		err = pgxstore.InTx(ctx, p.pool, nil, func(tx pgx.Tx) error {
			r, err = now.OrderCompleted(ctx, tx, o)
			return err
		})
		return r, err
	}
	for i, c := range []struct {
		first, then report
		after       outbox.Queue
		inspect     outbox.Inspector
	}{{bySQL, byPgx, p.store, p.store}, {byPgx, bySQL, e.store, e.store}} {
		for j, products := range [][]string{{"course"}, {"course", "dinner"}} {
			id := fmt.Sprint("order-", i, "-", j)
			_, err := c.first(purchase(id, member("U-"+id), products...))
			require.NoError(t, err)
			r, err := c.then(purchase(id, member("U-"+id), products...))
			require.NoError(t, err)
			require.Len(t, r.Entries, len(products))
			for _, done := range did(r) {
				require.Equal(t, amsbridge.DidUnchanged, done, "%+v", r)
			}
			r, err = c.then(purchase(id, member("U-"+id), append(products, "lunch")...))
			require.NoError(t, err)
			require.Contains(t, did(r), amsbridge.DidQueued)
			requireSent(t, c.after, c.inspect, id, len(products)+1)
		}
	}
	fromSQL, err := e.store.Find(ctx, outbox.Query{States: []outbox.State{outbox.StateDelivered}})
	require.NoError(t, err)
	fromPgx, err := p.store.Find(ctx, outbox.Query{States: []outbox.State{outbox.StateDelivered}})
	require.NoError(t, err)
	require.Equal(t, fromSQL, fromPgx)
}

// requireSent has a sender deliver what is queued of the order.
func requireSent(t *testing.T, queue outbox.Queue, inspect outbox.Inspector, order string, want int) {
	t.Helper()
	any := deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
		return outbox.Result{Receipt: []byte("receipt")}, nil
	})
	_, stop := (&env{}).send(t, queue, quick(outbox.Fixed{"elevate": any, "notified": any}))
	defer stop()
	until(t, func() bool {
		found, err := inspect.Find(t.Context(), outbox.Query{Subject: order})
		done := 0
		for _, m := range found {
			if m.State == outbox.StateDelivered && string(m.Receipt) == "receipt" {
				done++
			}
		}
		return err == nil && done == want
	}, "the other store's sender delivers what this one's shop reported")
}

// Both at once, in one database: shops and senders of either kind see one outbox.
func TestBothStoresAtOnce(t *testing.T) {
	t.Parallel()
	e, p := both(t)
	const persons, each = 6, 8
	var mu sync.Mutex
	under, sent, overlaps := map[string]int{}, map[string]int{}, 0
	cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
		mu.Lock()
		under[m.Person]++
		sent[m.Key]++
		if under[m.Person] > 1 {
			overlaps++
		}
		mu.Unlock()
		defer func() {
			mu.Lock()
			under[m.Person]--
			mu.Unlock()
		}()
		return outbox.Result{}, nil
	})})
	e.send(t, e.store, cfg)
	e.send(t, p.store, cfg)
	ctx := context.Background()
	errs := make(chan error, 2*persons*each)
	var shops sync.WaitGroup
	for i := range persons {
		for j := range each {
			m := push(fmt.Sprint(i, "-", j), fmt.Sprint("U-", i))
			shops.Go(func() {
				errs <- sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error {
					_, err := e.store.InsertTx(ctx, tx, m)
					return err
				})
			})
			shops.Go(func() {
				errs <- pgxstore.InTx(ctx, p.pool, nil, func(tx pgx.Tx) error {
					_, err := p.store.InsertTx(ctx, tx, m)
					return err
				})
			})
		}
	}
	shops.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	until(t, func() bool { return e.pending(t) == 0 }, "all are delivered")
	mu.Lock()
	defer mu.Unlock()
	require.Zero(t, overlaps)
	require.Len(t, sent, persons*each)
	for key, n := range sent {
		require.Equal(t, 1, n, key)
	}
}
