package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
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

// What OrderRefunded does not promise: refunds of two orders at the same moment
// do not wait for each other, so what both brought stays; reported again, one of
// them finds it.
func TestPromise13_RefundsOfTwoOrdersDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	e := engines[1].open(t)
	ctx, hook := t.Context(), e.refundHook(t)
	for _, id := range []string{"1", "2"} {
		e.complete(t, hook, purchase(id, member("U-1"), "dinner", "course"))
	}
	e.deliverAll(t)
	e.complete(t, hook, purchase("3", member("U-1"), "brunch"))
	locked, err := e.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	defer func() { _ = locked.Rollback() }()
	_, err = locked.ExecContext(ctx, "SELECT 1 FROM amsbridge_queue FOR UPDATE")
	require.NoError(t, err)
	var open []*sql.Tx
	for _, id := range []string{"1", "2"} {
		tx, err := e.db.BeginTx(ctx, nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }() // harmless after the commit
		open = append(open, tx)
		_, err = tx.ExecContext(ctx, "SET LOCAL lock_timeout = '2s'")
		require.NoError(t, err)
		done, err := hook.OrderRefunded(ctx, tx, amsbridge.Refund{ID: "R", OrderID: id})
		require.NoError(t, err, "it waits for no other order's refund, nor for a third order's row")
		require.Len(t, done.Kept, 2)
		_, err = hook.OrderCompleted(ctx, tx, purchase("again"+id, member("U-2"), "dinner"))
		require.NoError(t, err)
	}
	for _, tx := range open {
		require.NoError(t, tx.Commit())
	}
	require.NoError(t, locked.Rollback())
	require.Empty(t, e.removed(t, "U-1"))
	done := e.refund(t, hook, amsbridge.Refund{ID: "R", OrderID: "1"})
	require.Len(t, done.Tasks, 1)
	require.Equal(t, map[int64]int{10342: 1}, e.removed(t, "U-1"), "the third order's 9985 stays")
	done = e.refund(t, hook, amsbridge.Refund{ID: "R", OrderID: "2"})
	require.Empty(t, done.Tasks)
	require.Equal(t, map[int64]int{10342: 1}, e.removed(t, "U-1"))
}

// A refund, reported twice and rolled back once, adds rows of its own order and
// ends those; all others are as they were.
func TestPromise13_RefundTouchesOnlyRowsOfItsOwnOrder(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx, hook := t.Context(), e.refundHook(t)
		e.complete(t, hook, purchase("1", member("U-1"), "course", "dinner", "brunch", "nowhere"))
		e.complete(t, hook, purchase("2", member("U-1"), "course"))
		e.deliverAll(t)
		e.complete(t, hook, purchase("3", member("U-1"), "dinner", "course"))
		e.complete(t, hook, purchase("4", member("U-1"), "course", "dinner", "brunch", "nowhere"))
		tables := []string{"message", "queue", "attempt", "destination", "audit"}
		mine := map[string]string{
			"message": "subject", "queue": "id IN (SELECT id FROM amsbridge_message WHERE subject", "attempt": "message_id IN (SELECT id FROM amsbridge_message WHERE subject",
		}
		rows := func(others bool) (out []string) {
			for _, table := range tables {
				query := "SELECT * FROM amsbridge_" + table
				if condition, ok := mine[table]; ok {
					value := "CAST('4' AS BLOB)"
					switch e.dialect {
					case sqlstore.PostgreSQL:
						value = "'4'::bytea"
					case sqlstore.MySQL:
						value = "'4'"
					}
					if condition += " = " + value; table != "message" {
						condition += ")"
					}
					if others {
						condition = "NOT (" + condition + ")"
					}
					query += " WHERE " + condition
				} else if !others {
					continue
				}
				found := e.rows(t, query)
				slices.Sort(found)
				out = append(out, found...)
			}
			return out
		}
		all, own := rows(true), rows(false)
		refund := amsbridge.Refund{ID: "R-1", OrderID: "4", LineIDs: []string{"1", "2", "4"}}
		tx, err := e.db.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = hook.OrderRefunded(ctx, tx, refund)
		require.NoError(t, err)
		require.NoError(t, tx.Rollback())
		require.Equal(t, own, rows(false), "rolled back, nothing happened")
		done := e.refund(t, hook, refund)
		require.Len(t, done.Withdrawn, 3)
		require.Len(t, done.Requeued, 1)
		after := rows(false)
		require.NotEqual(t, own, after)
		again := e.refund(t, hook, refund)
		require.Len(t, again.Withdrawn, 3)
		require.True(t, again.Withdrawn[0].Duplicate)
		require.Equal(t, after, rows(false))
		require.Equal(t, all, rows(true))
	})
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

// An order is rebuilt and refunded at the same moment, whichever is first: what
// was refunded is not brought back.
func TestPromise13_RebuildAndRefundAtTheSameMoment(t *testing.T) {
	t.Parallel()
	e := engines[1].open(t)
	ctx, hook := t.Context(), e.refundHook(t)
	bad := member("U-1")
	bad.Email = "nonsense"
	refund := func(order string, result chan<- *amsbridge.Refunded) error {
		return sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error {
			done, err := hook.OrderRefunded(ctx, tx, amsbridge.Refund{ID: "R", OrderID: order, LineIDs: []string{"1", "2"}})
			if result != nil {
				result <- done
			}
			return err
		})
	}
	t.Run("rebuilt first", func(t *testing.T) {
		e.complete(t, hook, purchase("1", bad, "course", "dinner", "brunch"))
		tx, err := e.db.BeginTx(ctx, nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }() // harmless after the commit
		q, err := hook.Rebuild(ctx, tx, purchase("1", member("U-1"), "course", "dinner", "brunch"))
		require.NoError(t, err)
		require.Len(t, q.Messages, 1)
		result, failed := make(chan *amsbridge.Refunded, 1), make(chan error, 1)
		go func() { failed <- refund("1", result) }()
		until(t, func() bool { return e.waiting(t) == 1 }, "the refund waits for the parked row")
		require.NoError(t, tx.Commit())
		require.NoError(t, <-failed)
		done := <-result
		require.Len(t, done.Withdrawn, 2)
		require.Equal(t, q.Messages[0].ID, done.Withdrawn[1].ID)
		require.Len(t, done.Requeued, 1, "it starts over, and knows what it withdrew before")
		brunch := e.one(t, done.Requeued[0].ID)
		require.Equal(t, []string{"3"}, brunch.Items)
		require.Contains(t, string(brunch.Profile), "nonsense")
		token := outbox.NewToken()
		for _, l := range e.claim(t, token) {
			require.Equal(t, brunch.ID, l.ID)
			require.True(t, e.settle(t, token, l, nil))
		}
	})
	t.Run("refunded first", func(t *testing.T) {
		e.complete(t, hook, purchase("2", member("U-1"), "course"))
		token := outbox.NewToken()
		leased := e.claim(t, token)
		require.Len(t, leased, 1)
		require.True(t, e.settle(t, token, leased[0], func(s *outbox.Settlement) {
			s.State, s.Outcome, s.Reason = outbox.StateParked, outbox.OutcomeUnknown, "no answer"
		}))
		mended, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{{ID: "course", RemoteProductID: "C-9"}}})
		require.NoError(t, err)
		mender, err := amsbridge.NewHook(e.store, amsbridge.HookConfig{Catalog: mended})
		require.NoError(t, err)
		tx, err := e.db.BeginTx(ctx, nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }() // harmless after the commit
		done, err := hook.OrderRefunded(ctx, tx, amsbridge.Refund{ID: "R", OrderID: "2"})
		require.NoError(t, err)
		require.Len(t, done.Tasks, 1)
		rebuild := func() error {
			return sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error {
				_, err := mender.Rebuild(ctx, tx, purchase("2", member("U-1"), "course"))
				return err
			})
		}
		failed := make(chan error, 1)
		go func() { failed <- rebuild() }()
		until(t, func() bool { return e.waiting(t) == 1 }, "the rebuilding waits for the parked row")
		require.NoError(t, tx.Commit())
		var refused *outbox.RefusedError
		require.ErrorAs(t, <-failed, &refused)
		require.NoError(t, rebuild())
		require.Zero(t, e.pending(t))
	})
}
