package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// catalogue is a small one.
func catalogue(t *testing.T) amsbridge.Catalog {
	t.Helper()
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "course", RemoteProductID: "C-1"},
		{ID: "course-2", RemoteProductID: "C-2"},
		{ID: "dinner", ShowKey: 7, AddOnKeys: []int64{9985, 10342}},
		{ID: "lunch", ShowKey: 7, AddOnKeys: []int64{3}},
	}})
	require.NoError(t, err)
	return catalog
}

// hook is a hook on the env's store.
func (e *env) hook(t *testing.T) *amsbridge.Hook[*sql.Tx] {
	t.Helper()
	hook, err := amsbridge.NewHook(e.store, amsbridge.HookConfig{Catalog: catalogue(t)})
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

func TestPromise10_SameOrderTwiceGivesOneOfEachAndOtherFactsConflict(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx, hook := t.Context(), e.hook(t)
		o := purchase("1001", member("U-1"), "course", "dinner")
		for i := range 3 {
			e.inTx(t, func(tx *sql.Tx) error {
				q, err := hook.OrderCompleted(ctx, tx, o)
				require.NoError(t, err)
				require.Len(t, q.Messages, 2)
				require.Equal(t, i > 0, q.Messages[0].Duplicate)
				return nil
			})
		}
		token := outbox.NewToken()
		for _, l := range e.claim(t, token) {
			e.settle(t, token, l, nil)
		}
		changed := purchase("1001", member("U-1"), "course-2", "dinner", "course")
		e.inTx(t, func(tx *sql.Tx) error {
			_, err := hook.OrderCompleted(ctx, tx, changed)
			var conflict *outbox.ConflictError
			require.ErrorAs(t, err, &conflict, "also after delivery")
			require.False(t, conflict.MustRollBack)
			q, err := hook.OrderCompleted(ctx, tx, purchase("1002", member("U-1"), "course"))
			require.NoError(t, err, "the transaction stays usable")
			require.Len(t, q.Messages, 1)
			return nil
		})
		all, err := e.store.Find(ctx, outbox.Query{Subject: "1001"})
		require.NoError(t, err)
		require.Len(t, all, 2, "nothing of the conflicting call was written")
		next, err := e.store.Find(ctx, outbox.Query{Subject: "1002"})
		require.NoError(t, err)
		require.Len(t, next, 1)
	})
}

func TestPromise10_ConcurrentReports(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx, hook := context.Background(), e.hook(t)
		var wg sync.WaitGroup
		errs := make(chan error, 16)
		for range cap(errs) {
			wg.Go(func() {
				errs <- sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error {
					_, err := hook.OrderCompleted(ctx, tx, purchase("1001", member("U-1"), "course", "dinner"))
					return err
				})
			})
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		all, err := e.store.Find(ctx, outbox.Query{Subject: "1001"})
		require.NoError(t, err)
		require.Len(t, all, 2)
	})
}

// A conflict that another report commits meanwhile cannot be seen before
// anything is written: it says that the transaction must be rolled back.
func TestPromise10_ConflictMeanwhileMustRollBack(t *testing.T) {
	t.Parallel()
	e := engines[1].open(t)
	ctx, hook := t.Context(), e.hook(t)
	first, err := e.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = hook.OrderCompleted(ctx, first, purchase("1001", member("U-1"), "dinner"))
	require.NoError(t, err)
	second := make(chan error, 1)
	go func() {
		second <- sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error {
			_, err := hook.OrderCompleted(ctx, tx, purchase("1001", member("U-1"), "lunch", "course"))
			return err
		})
	}()
	until(t, func() bool {
		var waiting int
		err := e.db.QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()").Scan(&waiting)
		return err == nil && waiting == 1
	}, "the second report waits for the first")
	require.NoError(t, first.Commit())
	var conflict *outbox.ConflictError
	require.ErrorAs(t, <-second, &conflict)
	require.True(t, conflict.MustRollBack)
}

func TestPromise11_OutcomeAloneDecides(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		outcomes := map[string]outbox.Outcome{}
		var all []outbox.Message
		for o := outbox.OutcomeDelivered; o <= outbox.OutcomeUnknown; o++ {
			name := "x" + strings.ReplaceAll(o.String(), " ", "")
			m := push(o.String(), "U-1")
			m.Destination = name // each to its own, for some pause or hold it
			outcomes[name] = o
			all = append(all, m)
		}
		ids := e.insert(t, all...)
		cfg := quick(nil)
		cfg.Retry = outbox.Retry{First: time.Hour, Longest: time.Hour}
		fixed := outbox.Fixed{}
		for name, o := range outcomes {
			fixed[name] = deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
				if o <= outbox.OutcomeAlreadyDone {
					return outbox.Result{AlreadyDone: o == outbox.OutcomeAlreadyDone}, nil
				}
				return outbox.Result{}, &outbox.DeliveryError{Outcome: o, Reason: "as told", Code: "c"}
			})
		}
		cfg.Destinations = fixed
		_, stop := e.send(t, e.store, cfg)
		e.untilTried(t, ids)
		stop()
		states, err := e.store.Destinations(t.Context())
		require.NoError(t, err)
		paused, held := map[string]bool{}, map[string]bool{}
		for _, s := range states {
			paused[s.Name], held[s.Name] = s.Pausing == outbox.PausedByItself, !s.HeldUntil.IsZero()
		}
		require.Equal(t, 1, count(paused))
		require.True(t, paused["xunauthorized"])
		require.Equal(t, 1, count(held))
		require.True(t, held["xthrottled"])
		for i, id := range ids {
			rec := e.one(t, id)
			o := outcomes[all[i].Destination]
			require.Equal(t, o, rec.Outcome)
			want := map[outbox.Outcome]outbox.State{
				outbox.OutcomeDelivered: outbox.StateDelivered, outbox.OutcomeAlreadyDone: outbox.StateAlreadyDone,
				outbox.OutcomeRejected: outbox.StateParked,
			}[o]
			require.Equal(t, want, rec.State, o.String())
			deferred := o == outbox.OutcomeThrottled || o == outbox.OutcomeUnauthorized
			if rec.State == outbox.StatePending {
				require.Equal(t, deferred, rec.Attempt == 0, o.String())
				require.Equal(t, o == outbox.OutcomeUnknown, rec.Doubt == outbox.DoubtUnknown)
				require.Equal(t, !deferred, rec.Due.After(time.Now()), o.String())
			}
		}
	})
}

func count(m map[string]bool) (n int) {
	for _, yes := range m {
		if yes {
			n++
		}
	}
	return n
}

func TestPromise12_UserIDIsTheSameBytesInPushAndHandOff(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx, hook := t.Context(), e.hook(t)
		sso, verifier := handOff(t)
		ids := []string{"U-abc", "u-ABC", "é", "e\u0301", "a b", "it's", `"\`, "%00", "a&b;c=d", "😀", "<>", strings.Repeat("x", 255)}
		for i, id := range ids {
			e.inTx(t, func(tx *sql.Tx) error {
				_, err := hook.OrderCompleted(ctx, tx, purchase(fmt.Sprint(i), member(id), "course", "dinner"))
				return err
			})
			token, err := sso.HandOff(ctx, amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: amsbridge.UserID(id)}})
			require.NoError(t, err)
			got, err := verifier.Verify(ctx, token)
			require.NoError(t, err)
			require.Equal(t, id, string(got.User.ID))
		}
		token := outbox.NewToken()
		seen := map[string]int{}
		for _, l := range e.claim(t, token) {
			require.Len(t, l.Items, 1)
			if reg, err := amsbridge.DecodeRegistration(l.Message); err == nil {
				seen[string(reg.User.ID)]++
			} else {
				a, err := amsbridge.DecodeAddOns(l.Message)
				require.NoError(t, err)
				seen[string(a.User.ID)]++
			}
		}
		for _, id := range ids {
			require.Equal(t, 2, seen[id], "%q: one under way for each destination and person", id)
		}
		standing, err := amsbridge.NewStanding(e.store)
		require.NoError(t, err)
		places, err := standing.Of(ctx, "U-abc")
		require.NoError(t, err)
		require.Len(t, places, 2, "not those of u-ABC")
	})
}

// Two orders of one person for one product, both uncommitted: neither waits.
// A role that may only insert and look up completes orders; triggers that
// refuse updates prove the same on SQLite.
func TestPromise13_OrderCompletedOnlyInserts(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx, hook := t.Context(), e.hook(t)
		all := []string{"course", "dinner", "lunch", "nowhere"}
		if e.dialect == sqlstore.SQLite {
			for _, table := range []string{"message", "queue", "attempt", "destination", "audit"} {
				for _, verb := range []string{"UPDATE", "DELETE"} {
					_, err := e.db.ExecContext(ctx, fmt.Sprintf(
						"CREATE TRIGGER no_%[1]s_%[2]s BEFORE %[2]s ON amsbridge_%[1]s BEGIN SELECT RAISE(ABORT, 'not an insert'); END", table, verb))
					require.NoError(t, err)
				}
			}
			e.inTx(t, func(tx *sql.Tx) error {
				_, err := hook.OrderCompleted(ctx, tx, purchase("1", member("U-1"), all...))
				return err
			})
			return
		}
		if e.dialect == sqlstore.MySQL {
			requireNoWaiting(t, e, func(tx *sql.Tx, i int) {
				_, err := hook.OrderCompleted(ctx, tx, purchase(fmt.Sprint(i), member("U-1"), all...))
				require.NoError(t, err, "a second checkout does not wait")
			})
			return
		}
		_, err := e.db.ExecContext(ctx, `DO $$ BEGIN CREATE ROLE amsbridge_checkout; EXCEPTION WHEN duplicate_object THEN NULL; END $$`)
		require.NoError(t, err)
		_, err = e.db.ExecContext(ctx, "GRANT SELECT, INSERT ON amsbridge_message, amsbridge_queue, amsbridge_attempt TO amsbridge_checkout")
		require.NoError(t, err)
		var open []*sql.Tx
		for i := range 2 {
			tx, err := e.db.BeginTx(ctx, nil)
			require.NoError(t, err)
			open = append(open, tx)
			_, err = tx.ExecContext(ctx, "SET LOCAL ROLE amsbridge_checkout")
			require.NoError(t, err)
			_, err = tx.ExecContext(ctx, "SET LOCAL lock_timeout = '2s'")
			require.NoError(t, err)
			_, err = hook.OrderCompleted(ctx, tx, purchase(fmt.Sprint(i), member("U-1"), all...))
			require.NoError(t, err, "a second checkout does not wait")
		}
		for _, tx := range open {
			require.NoError(t, tx.Commit())
		}
		_, err = e.db.ExecContext(ctx, "DROP OWNED BY amsbridge_checkout")
		require.NoError(t, err)
	})
}
