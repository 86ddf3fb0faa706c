package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// What is not a fact may change between repeats: name, e-mail, the order of the
// lines. The first row is kept as it was.
func TestPromise10_OnlyFactsConflictAndTheFirstRowIsKept(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx, hook := t.Context(), e.hook(t)
		report := func(o amsbridge.Order) (q *amsbridge.Queued, err error) {
			e.inTx(t, func(tx *sql.Tx) error {
				q, err = hook.OrderCompleted(ctx, tx, o)
				return nil
			})
			return q, err
		}
		rows := func() []outbox.Record {
			all, err := e.store.Find(ctx, outbox.Query{Subject: "1001"})
			require.NoError(t, err)
			require.Len(t, all, 2)
			return all
		}
		o := purchase("1001", member("U-1"), "course", "dinner", "lunch")
		_, err := report(o)
		require.NoError(t, err)
		first := rows()

		again := o
		again.Buyer.FirstName, again.Buyer.Email = "Augusta", "augusta@example.org"
		again.Lines = slices.Clone(o.Lines)
		slices.Reverse(again.Lines)
		q, err := report(again)
		require.NoError(t, err, "another address is no conflict")
		require.Len(t, q.Messages, 2)
		for _, m := range q.Messages {
			require.True(t, m.Duplicate)
		}
		require.Equal(t, first, rows())

		for _, changed := range []amsbridge.Order{
			purchase("1001", member("U-1"), "course-2", "dinner", "lunch"),
			purchase("1001", member("U-1"), "course", "dinner"),
			purchase("1001", member("U-1"), "course", "lunch", "dinner"),
		} {
			_, err = report(changed)
			var conflict *outbox.ConflictError
			require.ErrorAs(t, err, &conflict)
			require.False(t, conflict.MustRollBack)
			require.Contains(t, []outbox.ID{first[0].ID, first[1].ID}, conflict.ID)
			require.Equal(t, first, rows())
		}
	})
}

// A single message is stored by a statement of its own.
func TestPromise10_OrderOfOneMessage(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx, hook := context.Background(), e.hook(t)
		var wg sync.WaitGroup
		errs := make(chan error, 12)
		for range cap(errs) {
			wg.Go(func() {
				errs <- sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error {
					_, err := hook.OrderCompleted(ctx, tx, purchase("1001", member("U-1"), "course"))
					return err
				})
			})
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		rows := func() []outbox.Record {
			all, err := e.store.Find(ctx, outbox.Query{Subject: "1001"})
			require.NoError(t, err)
			return all
		}
		first := rows()
		require.Len(t, first, 1)
		e.inTx(t, func(tx *sql.Tx) error {
			q, err := hook.OrderCompleted(ctx, tx, purchase("1001", member("U-1"), "course"))
			require.NoError(t, err)
			require.Len(t, q.Messages, 1)
			require.True(t, q.Messages[0].Duplicate)
			require.Equal(t, first[0].ID, q.Messages[0].ID)
			_, err = hook.OrderCompleted(ctx, tx, purchase("1001", member("U-1"), "course-2"))
			var conflict *outbox.ConflictError
			require.ErrorAs(t, err, &conflict)
			require.False(t, conflict.MustRollBack)
			require.Equal(t, first[0].ID, conflict.ID)
			q, err = hook.OrderCompleted(ctx, tx, purchase("1002", member("U-1"), "course-2"))
			require.NoError(t, err, "the transaction stays usable")
			require.Len(t, q.Messages, 1)
			return nil
		})
		require.Equal(t, first, rows())
	})
}

// What the push refuses the hand-off refuses as well, and for the same reason.
func TestPromise12_PushAndHandOffRefuseTheSameUserIDs(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx, hook := t.Context(), e.hook(t)
		sso, _ := handOff(t)
		standing, err := amsbridge.NewStanding(e.store)
		require.NoError(t, err)
		for i, id := range []string{"", " ", " U-1", "U-1\u00a0", "null", "NaN", "0", "a\x00b", "a\nb", "\xff", "a\u2028b", strings.Repeat("x", 256), strings.Repeat("é", 128)} {
			problem := strings.TrimPrefix(amsbridge.UserID(id).Check().Error(), "amsbridge: UserID ")
			e.inTx(t, func(tx *sql.Tx) error {
				q, err := hook.OrderCompleted(ctx, tx, purchase(fmt.Sprint(i), member(id), "course", "dinner"))
				require.NoError(t, err, "%q", id)
				require.Empty(t, q.Messages, "%q", id)
				require.Len(t, q.Parked, 2, "%q", id)
				require.Equal(t, "attendee's user ID "+problem, q.Parked[0].Reason)
				return nil
			})
			_, err := sso.HandOff(ctx, amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: amsbridge.UserID(id)}})
			require.ErrorContains(t, err, problem, "%q", id)
			_, err = standing.Of(ctx, amsbridge.UserID(id))
			require.ErrorContains(t, err, problem, "%q", id)
		}
		require.Zero(t, e.pending(t))
	})
}

// table returns the rows of one of the outbox's tables, as text.
func (e *env) table(t *testing.T, name string) (out []string) {
	t.Helper()
	out = e.rows(t, "SELECT * FROM amsbridge_"+name)
	slices.Sort(out)
	return out
}

// An order with a bit of everything, reported, reported again and rebuilt,
// leaves every row of another order of the same person as it was, and adds none
// but its own.
func TestPromise13_HookTouchesOnlyRowsOfItsOwnOrder(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx, hook := t.Context(), e.hook(t)
		report := func(id, product string) {
			e.inTx(t, func(tx *sql.Tx) error {
				_, err := hook.OrderCompleted(ctx, tx, purchase(id, member("U-1"), "course", "dinner", product))
				return err
			})
		}
		report("1", "nowhere")
		op, err := outbox.NewOperator(e.store, outbox.OperatorConfig{})
		require.NoError(t, err)
		for _, shared := range []string{"elevate", "notified"} {
			require.NoError(t, op.Pause(ctx, outbox.Actor{Name: "pat"}, shared, "a look"))
		}
		if e.dialect == sqlstore.SQLite { // on PostgreSQL a role without rights proves it
			for _, table := range []string{"destination", "audit"} {
				for _, verb := range []string{"INSERT", "UPDATE", "DELETE"} {
					_, err := e.db.ExecContext(ctx, fmt.Sprintf(
						"CREATE TRIGGER shared_%[1]s_%[2]s BEFORE %[2]s ON amsbridge_%[1]s BEGIN SELECT RAISE(ABORT, 'a shared row'); END", table, verb))
					require.NoError(t, err)
				}
			}
		}
		tables := []string{"message", "queue", "attempt", "destination", "audit"}
		before := map[string][]string{}
		for _, table := range tables {
			before[table] = e.table(t, table)
		}
		report("2", "nowhere")
		report("2", "nowhere")
		mended, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
			{ID: "course", RemoteProductID: "C-1"}, {ID: "dinner", ShowKey: 7, AddOnKeys: []int64{9985, 10342}}, {ID: "nowhere", RemoteProductID: "C-9"},
		}})
		require.NoError(t, err)
		mender, err := amsbridge.NewHook(e.store, amsbridge.HookConfig{Catalog: mended})
		require.NoError(t, err)
		e.inTx(t, func(tx *sql.Tx) error {
			q, err := mender.Rebuild(ctx, tx, purchase("2", member("U-1"), "course", "dinner", "nowhere"))
			require.NoError(t, err)
			require.Len(t, q.Messages, 1)
			return nil
		})
		own, err := e.store.Find(ctx, outbox.Query{Subject: "2"})
		require.NoError(t, err)
		for _, table := range tables {
			after := e.table(t, table)
			require.Subset(t, after, before[table], "%s: rows of the other order are as they were", table)
			added := map[string]int{"message": len(own), "queue": len(own) - 1, "attempt": 1}[table] // one was replaced
			require.Len(t, after, len(before[table])+added, table)
		}
	})
}

// While one order's rows are locked, another order of the same person is
// completed, repeated and rebuilt without waiting. SQLite has no row locks.
func TestPromise13_RebuildWaitsForNoOtherOrder(t *testing.T) {
	t.Parallel()
	e := engines[1].open(t)
	ctx, hook := t.Context(), e.hook(t)
	bad := member("U-1")
	bad.Email = "nonsense"
	for _, id := range []string{"1", "2"} {
		e.inTx(t, func(tx *sql.Tx) error {
			q, err := hook.OrderCompleted(ctx, tx, purchase(id, bad, "course", "dinner"))
			require.NoError(t, err)
			require.Len(t, q.Parked, 1)
			return nil
		})
	}
	var open []*sql.Tx
	for _, id := range []string{"1", "2"} {
		tx, err := e.db.BeginTx(ctx, nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }() // harmless after the commit
		open = append(open, tx)
		_, err = tx.ExecContext(ctx, "SET LOCAL lock_timeout = '2s'")
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, "SELECT 1 FROM amsbridge_queue q JOIN amsbridge_message m ON m.id = q.id WHERE m.subject = $1 FOR UPDATE", []byte(id))
		require.NoError(t, err)
		q, err := hook.Rebuild(ctx, tx, purchase(id, member("U-1"), "course", "dinner"))
		require.NoError(t, err, "a second rebuild does not wait")
		require.Len(t, q.Messages, 1)
		_, err = hook.OrderCompleted(ctx, tx, purchase(id, member("U-1"), "course", "dinner"))
		require.NoError(t, err)
	}
	for _, tx := range open {
		require.NoError(t, tx.Commit())
	}
}
