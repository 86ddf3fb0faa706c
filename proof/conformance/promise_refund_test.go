package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// refundHook sells two products that share an add-on.
func (e *env) refundHook(t *testing.T) *amsbridge.Hook[*sql.Tx] {
	t.Helper()
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "course", RemoteProductID: "C-1"},
		{ID: "dinner", ShowKey: 7, AddOnKeys: []int64{9985, 10342}},
		{ID: "brunch", ShowKey: 7, AddOnKeys: []int64{9985, 3}},
	}})
	require.NoError(t, err)
	hook, err := amsbridge.NewHook(e.store, amsbridge.HookConfig{Catalog: catalog})
	require.NoError(t, err)
	return hook
}

func (e *env) complete(t *testing.T, hook *amsbridge.Hook[*sql.Tx], o amsbridge.Order) {
	t.Helper()
	e.inTx(t, func(tx *sql.Tx) error {
		_, err := hook.OrderCompleted(t.Context(), tx, o)
		return err
	})
}

func (e *env) refund(t *testing.T, hook *amsbridge.Hook[*sql.Tx], r amsbridge.Refund) (done *amsbridge.Refunded) {
	t.Helper()
	e.inTx(t, func(tx *sql.Tx) (err error) {
		done, err = hook.OrderRefunded(t.Context(), tx, r)
		return err
	})
	return done
}

func (e *env) deliverAll(t *testing.T) {
	t.Helper()
	for {
		token := outbox.NewToken()
		leased := e.claim(t, token)
		if len(leased) == 0 {
			return
		}
		for _, l := range leased {
			require.True(t, e.settle(t, token, l, nil))
		}
	}
}

// removed counts how often each add-on of a person is taken away.
func (e *env) removed(t *testing.T, person string) map[int64]int {
	t.Helper()
	found, err := e.store.Find(t.Context(), outbox.Query{Person: person})
	require.NoError(t, err)
	keys := map[int64]int{}
	for _, r := range found {
		if r.Kind == amsbridge.KindRemoveAddOns {
			a, err := amsbridge.DecodeRemoveAddOns(r.Message)
			require.NoError(t, err)
			for _, k := range a.Keys() {
				keys[k]++
			}
		}
	}
	return keys
}

// Refunds of one order at the same moment go one after another: the same one
// often, different ones of one line, and those of two lines that bring the same
// add-on, of which only the later may take it away.
func TestPromise10_ConcurrentRefundsTakeEachThingBackOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		hook := e.refundHook(t)
		for i, c := range []struct {
			refund  func(i int) amsbridge.Refund
			removed map[int64]int
			tasks   int
		}{
			{func(int) amsbridge.Refund { return amsbridge.Refund{ID: "R-1"} }, map[int64]int{3: 1, 9985: 1, 10342: 1}, 1},
			{func(i int) amsbridge.Refund {
				return amsbridge.Refund{ID: fmt.Sprint("R-", i), LineIDs: []string{"1", "2"}}
			}, map[int64]int{10342: 1}, 1},
			{func(i int) amsbridge.Refund {
				return amsbridge.Refund{ID: fmt.Sprint("R-", i%4), LineIDs: []string{fmt.Sprint(1 + i%3)}}
			}, map[int64]int{3: 1, 9985: 1, 10342: 1}, 1},
		} {
			person := fmt.Sprint("U-", i)
			o := purchase(fmt.Sprint("order-", i), member(person), "course", "dinner", "brunch")
			e.complete(t, hook, o)
			e.deliverAll(t)
			var wg sync.WaitGroup
			errs := make(chan error, 12)
			for n := range cap(errs) {
				wg.Go(func() {
					r := c.refund(n)
					r.OrderID = o.ID
					errs <- retried(func() error {
						return sqlstore.InTx(context.Background(), e.db, nil, func(tx *sql.Tx) error {
							_, err := hook.OrderRefunded(context.Background(), tx, r)
							return err
						})
					})
				})
			}
			wg.Wait()
			close(errs)
			for err := range errs {
				require.NoError(t, err)
			}
			require.Equal(t, c.removed, e.removed(t, person))
			found, err := e.store.Find(t.Context(), outbox.Query{Person: person, States: []outbox.State{outbox.StateParked}})
			require.NoError(t, err)
			require.Len(t, found, c.tasks)
		}
	})
}

// One transaction holds a refund open; the same order's next one waits for it,
// and then sees it.
func TestPromise10_RefundWaitsForAnotherOfTheSameOrder(t *testing.T) {
	t.Parallel()
	e := engines[1].open(t)
	ctx, hook := t.Context(), e.refundHook(t)
	e.complete(t, hook, purchase("1001", member("U-1"), "dinner", "brunch"))
	e.deliverAll(t)
	first, err := e.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	defer func() { _ = first.Rollback() }() // harmless after the commit
	done, err := hook.OrderRefunded(ctx, first, amsbridge.Refund{ID: "R-1", OrderID: "1001", LineIDs: []string{"1"}})
	require.NoError(t, err)
	require.Len(t, done.Kept, 1, "brunch brings 9985 too")
	second := make(chan error, 1)
	go func() {
		second <- sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error {
			_, err := hook.OrderRefunded(ctx, tx, amsbridge.Refund{ID: "R-2", OrderID: "1001", LineIDs: []string{"2"}})
			return err
		})
	}()
	until(t, func() bool { return e.waiting(t) == 1 }, "the second refund waits for the first")
	require.NoError(t, first.Commit())
	require.NoError(t, <-second)
	require.Equal(t, map[int64]int{3: 1, 9985: 1, 10342: 1}, e.removed(t, "U-1"))
}

// Orders are refunded while a sender delivers them, by line and by whole: in
// the end the platform has what was not refunded, and nothing else.
func TestPromise10_RefundsWhileASenderDelivers(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		hook := e.refundHook(t)
		var mu sync.Mutex
		has := map[string]map[int64]bool{}
		notified := deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			if has[m.Person] == nil {
				has[m.Person] = map[int64]bool{}
			}
			adding, err := amsbridge.DecodeAddOns(m)
			if err == nil {
				for _, k := range adding.Keys() {
					has[m.Person][k] = true
				}
			} else {
				removing, err := amsbridge.DecodeRemoveAddOns(m)
				if err != nil {
					return outbox.Result{}, err
				}
				for _, k := range removing.Keys() {
					delete(has[m.Person], k)
				}
			}
			if rand.IntN(3) == 0 { //nolint:gosec // a test's dice
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown, Reason: "no answer"}
			}
			return outbox.Result{}, nil
		})
		_, stop := e.send(t, e.store, quick(outbox.Fixed{"notified": notified}))
		defer stop()
		const orders = 30
		want := map[string]map[int64]bool{}
		for i := range orders {
			person := fmt.Sprint("U-", i)
			e.complete(t, hook, purchase(fmt.Sprint(i), member(person), "dinner", "brunch"))
			if i >= 5 { // by now under way, delivered, or waiting for a retry
				i -= 5
				r := amsbridge.Refund{ID: "R", OrderID: fmt.Sprint(i)}
				keep := map[int64]bool{}
				switch i % 3 {
				case 0:
					r.LineIDs, keep = []string{"1"}, map[int64]bool{3: true, 9985: true}
				case 1:
					r.LineIDs, keep = []string{"2"}, map[int64]bool{10342: true, 9985: true}
				}
				e.refund(t, hook, r)
				want[fmt.Sprint("U-", i)] = keep
			}
		}
		require.Eventually(t, func() bool { return e.pending(t) == 0 }, 60*time.Second, 10*time.Millisecond)
		stop()
		mu.Lock()
		defer mu.Unlock()
		for person, keys := range want {
			got := has[person]
			if got == nil {
				got = map[int64]bool{} // withdrawn in time
			}
			require.Equal(t, keys, got, person)
		}
	})
}
