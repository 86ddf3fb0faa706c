package conformance

import (
	"database/sql"
	"errors"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestPromise01_PushExistsIfAndOnlyIfCommitted(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx := t.Context()
		_, err := e.db.ExecContext(ctx, "CREATE TABLE shop_order (id integer)")
		require.NoError(t, err)
		order := func(tx *sql.Tx, id int, key string) error {
			if _, err := tx.ExecContext(ctx, map[sqlstore.Dialect]string{
				sqlstore.SQLite: "INSERT INTO shop_order VALUES (?)", sqlstore.MySQL: "INSERT INTO shop_order VALUES (?)",
				sqlstore.PostgreSQL: "INSERT INTO shop_order VALUES ($1)",
			}[e.dialect], id); err != nil {
				return err
			}
			_, err := e.store.InsertTx(ctx, tx, push(key, "U-1"))
			return err
		}
		declined := errors.New("card declined")
		err = sqlstore.InTx(ctx, e.db, func() { t.Error("woken after a roll-back") }, func(tx *sql.Tx) error {
			require.NoError(t, order(tx, 1, "rolled-back"))
			return declined
		})
		require.ErrorIs(t, err, declined)
		require.Panics(t, func() {
			_ = sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error {
				require.NoError(t, order(tx, 2, "panicked"))
				panic("shop")
			})
		})
		woken := false
		require.NoError(t, sqlstore.InTx(ctx, e.db, func() { woken = true }, func(tx *sql.Tx) error { return order(tx, 3, "committed") }))
		require.True(t, woken)

		var orders int
		require.NoError(t, e.db.QueryRowContext(ctx, "SELECT count(*) FROM shop_order").Scan(&orders))
		require.Equal(t, 1, orders)
		all, err := e.store.Find(ctx, outbox.Query{Subject: "order"})
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, "committed", all[0].Key)
	})
}

func TestPromise01_NilOrFinishedTransactionIsAnError(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx := t.Context()
		for _, end := range []func(*sql.Tx) error{(*sql.Tx).Commit, (*sql.Tx).Rollback} {
			finished, err := e.db.BeginTx(ctx, nil)
			require.NoError(t, err)
			require.NoError(t, end(finished))
			for _, tx := range []*sql.Tx{nil, finished} {
				_, err = e.store.InsertTx(ctx, tx, push("k", "U-1"))
				require.ErrorIs(t, err, outbox.ErrNoTransaction)
				_, err = e.store.InsertTx(ctx, tx)
				require.ErrorIs(t, err, outbox.ErrNoTransaction)
				_, err = e.store.FindTx(ctx, tx, outbox.Query{Subject: "order"})
				require.ErrorIs(t, err, outbox.ErrNoTransaction)
				_, err = e.store.AppendTx(ctx, tx, outbox.Entry{Subject: "order", N: 1})
				require.ErrorIs(t, err, outbox.ErrNoTransaction)
				_, err = e.store.LastEntryTx(ctx, tx, "", "order", 0)
				require.ErrorIs(t, err, outbox.ErrNoTransaction)
			}
		}
	})
}

func TestPromise01_PoolInPlaceOfATransactionDoesNotCompile(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", "/dev/null", "./testdata/barepool").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "cannot use db")
	require.Contains(t, string(out), "*sql.Tx")
	require.NotContains(t, string(out), "no required module")
}

func TestPromise02_NothingElseEndsAMessage(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx := t.Context()
		id := e.insert(t, push("a", "U-1"))[0]
		for range 3 {
			s := e.takeOver(t)
			require.Len(t, s.begin(t), 1)
			e.ahead.Add(int64(time.Hour))
		}
		e.ahead.Add(int64(10 * 365 * 24 * time.Hour)) // expiry is off
		require.Len(t, e.takeOver(t).begin(t), 1)
		require.Equal(t, outbox.StatePending, e.one(t, id).State)

		s := e.takeOver(t)
		op, err := outbox.NewOperator(e.store, outbox.OperatorConfig{})
		require.NoError(t, err)
		require.Error(t, op.Discard(ctx, outbox.Actor{}, id, "nobody"))
		require.Error(t, op.Discard(ctx, outbox.Actor{Name: "pat"}, id, " "))
		require.Equal(t, outbox.StatePending, e.one(t, id).State)
		require.NoError(t, op.Discard(ctx, outbox.Actor{Name: "pat", Role: "ops"}, id, "test order"))
		require.Equal(t, outbox.StateDiscarded, e.one(t, id).State)
		audit, err := e.store.Audit(ctx, outbox.AuditQuery{Limit: 10})
		require.NoError(t, err)
		require.Len(t, audit, 1)
		require.Equal(t, outbox.Actor{Name: "pat", Role: "ops"}, audit[0].Actor)
		require.Equal(t, "test order", audit[0].Action.Reason)
		require.Equal(t, "a", audit[0].Key)

		settled := e.insert(t, push("b", "U-2"))[0]
		require.True(t, s.settle(t, s.begin(t)[0], nil))
		require.Equal(t, outbox.StateDelivered, e.one(t, settled).State)
		require.Len(t, e.log(t, settled), 1, "it is on record")
	})
}

func TestPromise03_SenderWhoseSessionIsOverChangesNothing(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx := t.Context()
		id := e.insert(t, push("a", "U-1"))[0]
		old := e.join(t)
		first := old.begin(t)[0]
		current := e.takeOver(t)
		second := current.begin(t)[0]
		before, entries := e.one(t, id), e.log(t, id)
		for _, st := range []outbox.State{outbox.StateDelivered, outbox.StateAlreadyDone, outbox.StateParked, outbox.StatePending} {
			for _, deferred := range []bool{false, true} {
				for _, pause := range []string{"", "paused"} {
					_, err := old.try(first.Message, func(s *outbox.Settlement) {
						s.State, s.Deferred, s.Pause = st, deferred, pause
						if pause != "" {
							s.Hold, s.Resume, s.Then = time.Hour, true, []outbox.Message{push("follow-up", "U-9")}
						}
					})
					require.ErrorIs(t, err, outbox.ErrNoSession)
				}
			}
		}
		_, err := old.queue.Beat(ctx, outbox.Beat{Session: old.id, Take: outbox.Shards})
		require.ErrorIs(t, err, outbox.ErrNoSession)
		_, err = old.queue.Read(ctx, outbox.Reading{Session: old.id, Shards: []int{1}, Limit: 1})
		require.ErrorIs(t, err, outbox.ErrNoSession)
		_, err = old.queue.Record(ctx, outbox.Flight{Session: old.id, N: 2, Messages: []outbox.Queued{{ID: id, Key: first.OrderingKey(), Destination: "elevate"}}})
		require.ErrorIs(t, err, outbox.ErrNoSession)
		require.Equal(t, before, e.one(t, id))
		require.Equal(t, entries, e.log(t, id))
		states, err := e.store.Destinations(ctx)
		require.NoError(t, err)
		require.Empty(t, states)
		none, err := e.store.Find(ctx, outbox.Query{Keys: []string{"follow-up"}})
		require.NoError(t, err)
		require.Empty(t, none)
		require.True(t, current.settle(t, second, nil))
		require.False(t, current.settle(t, second, nil), "once")
	})
}
