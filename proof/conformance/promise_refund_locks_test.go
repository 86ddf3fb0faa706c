package conformance

import (
	"database/sql"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

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
