package conformance

import (
	"context"
	"errors"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

func TestPromise01_PgxNilOrFinishedTransactionIsAnError(t *testing.T) {
	t.Parallel()
	e := openPgx(t, nil)
	ctx := t.Context()
	bad := map[string]pgx.Tx{"nil": nil, "a nil pool's": (*pgxpool.Tx)(nil)}
	for name, end := range map[string]func(pgx.Tx) error{
		"committed":   func(tx pgx.Tx) error { return tx.Commit(ctx) },
		"rolled back": func(tx pgx.Tx) error { return tx.Rollback(ctx) },
	} {
		tx, err := e.pool.Begin(ctx)
		require.NoError(t, err)
		inner, err := tx.Begin(ctx)
		require.NoError(t, err)
		require.NoError(t, end(inner))
		bad[name+" savepoint"] = inner
		_, err = e.store.InsertTx(ctx, tx, push("outer "+name, "U-1"))
		require.NoError(t, err, "the one around it goes on")
		require.NoError(t, end(tx))
		bad[name] = tx
	}
	for name, tx := range bad {
		_, err := e.store.InsertTx(ctx, tx, push("k", "U-1"))
		require.ErrorIs(t, err, outbox.ErrNoTransaction, name)
		_, err = e.store.InsertTx(ctx, tx, push("k", "U-1"), push("l", "U-1"))
		require.ErrorIs(t, err, outbox.ErrNoTransaction, name)
		_, err = e.store.InsertTx(ctx, tx)
		require.ErrorIs(t, err, outbox.ErrNoTransaction, name)
		_, err = e.store.FindTx(ctx, tx, outbox.Query{Subject: "order"})
		require.ErrorIs(t, err, outbox.ErrNoTransaction, name)
		_, err = e.store.AppendTx(ctx, tx, outbox.Entry{Subject: "order", N: 1}, push("k", "U-1"))
		require.ErrorIs(t, err, outbox.ErrNoTransaction, name)
		_, err = e.store.LastEntryTx(ctx, tx, "", "order", 0)
		require.ErrorIs(t, err, outbox.ErrNoTransaction, name)
	}
	found, err := e.store.Find(ctx, outbox.Query{Subject: "order"})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "outer committed", found[0].Key)
}

func TestPromise01_PgxPoolInPlaceOfATransactionDoesNotCompile(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", "/dev/null", "./testdata/barepgxpool").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "cannot use pool")
	require.Contains(t, string(out), "pgx.Tx")
	require.NotContains(t, string(out), "no required module")
}

// The database's own errors reach the shop as they are, with their codes, and
// what was refused before it reached the database leaves the transaction usable.
func TestPgxErrorsAreTheDatabases(t *testing.T) {
	t.Parallel()
	for _, mode := range pgxModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			e := openPgx(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			ctx := t.Context()
			aborted, err := e.pool.Begin(ctx)
			require.NoError(t, err)
			defer func() { _ = aborted.Rollback(ctx) }()
			_, err = aborted.Exec(ctx, "SELECT 1/0")
			require.Error(t, err)
			for _, msgs := range [][]outbox.Message{nil, {push("a", "U-1")}, {push("a", "U-1"), push("b", "U-1")}} {
				_, err = e.store.InsertTx(ctx, aborted, msgs...)
				require.Equal(t, "25P02", sqlState(err), "%v", err)
				require.NotErrorIs(t, err, outbox.ErrNoTransaction)
				_, err = e.store.AppendTx(ctx, aborted, outbox.Entry{Subject: "order", N: 1}, msgs...)
				require.Equal(t, "25P02", sqlState(err), "%v", err)
			}

			require.NoError(t, pgxstore.InTx(ctx, e.pool, nil, func(tx pgx.Tx) error {
				_, err := e.store.InsertTx(ctx, tx, push("one", "U-1"), push("two", "U-1"))
				require.NoError(t, err)
				bad := push("bad", "U-1")
				bad.Facts = nil
				_, err = e.store.InsertTx(ctx, tx, push("three", "U-1"), bad)
				requireField(t, err, "msgs[1].Facts")
				_, err = e.store.AppendTx(ctx, tx, outbox.Entry{Subject: "order"})
				requireField(t, err, "e.N")
				_, err = e.store.InsertTx(ctx, tx, push("three", "U-1"))
				return err
			}))
			found, err := e.store.Find(ctx, outbox.Query{Subject: "order"})
			require.NoError(t, err)
			require.Len(t, found, 3)
		})
	}
}

func TestPgxInTxWakesOnceCommitted(t *testing.T) {
	t.Parallel()
	e := openPgx(t, func(c *pgxpool.Config) { c.MaxConns = 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	insert := func(key string) func(pgx.Tx) error {
		return func(tx pgx.Tx) error {
			_, err := e.store.InsertTx(ctx, tx, push(key, "U-1"))
			return err
		}
	}
	wakes := 0
	require.NoError(t, pgxstore.InTx(ctx, e.pool, func() {
		wakes++
		found, err := e.store.Find(ctx, outbox.Query{Subject: "order"}) // deadlocks on one connection, were it still held
		require.NoError(t, err)
		require.Len(t, found, 1, "whoever is woken finds it")
	}, insert("k")))
	require.Equal(t, 1, wakes)

	never := func() { t.Error("woken, though nothing was committed") }
	declined := errors.New("card declined")
	require.ErrorIs(t, pgxstore.InTx(ctx, e.pool, never, func(tx pgx.Tx) error {
		require.NoError(t, insert("declined")(tx))
		return declined
	}), declined)
	require.Panics(t, func() {
		_ = pgxstore.InTx(ctx, e.pool, never, func(tx pgx.Tx) error {
			require.NoError(t, insert("panic")(tx))
			panic("shop")
		})
	})
	require.ErrorIs(t, pgxstore.InTx(ctx, e.pool, never, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SELECT 1/0")
		require.Error(t, err)
		return nil
	}), pgx.ErrTxCommitRollback, "the shop overlooked an error")
	gone, stop := context.WithCancel(ctx)
	require.Error(t, pgxstore.InTx(gone, e.pool, never, func(tx pgx.Tx) error {
		err := insert("cancelled")(tx)
		stop()
		return err
	}), "a failed commit")
	require.Error(t, pgxstore.InTx(gone, e.pool, never, insert("never")), "a failed begin")
	require.ErrorIs(t, pgxstore.InTx(ctx, e.pool, never, func(tx pgx.Tx) error { return tx.Rollback(ctx) }), pgx.ErrTxClosed)
	found, err := e.store.Find(ctx, outbox.Query{Subject: "order"})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Zero(t, e.pool.Stat().AcquiredConns(), "no connection is kept")
}

func TestPgxNewNamesTheBadField(t *testing.T) {
	t.Parallel()
	_, err := pgxstore.New(t.Context(), pgxstore.Config{})
	requireField(t, err, "Config.DB")
	requireField(t, pgxstore.Migrate(t.Context(), nil), "db")
	requireField(t, pgxstore.InTx(t.Context(), nil, nil, nil), "db")
}

func TestPgxValidateRefusesWhatTheProgramDoesNotKnow(t *testing.T) {
	t.Parallel()
	pool := pgxPool(t, testdb.Postgres(t), nil)
	ctx := t.Context()
	text, err := pgxstore.MigrationSQL()
	require.NoError(t, err)
	_, err = pool.Exec(ctx, text)
	require.NoError(t, err)
	store, err := pgxstore.New(ctx, pgxstore.Config{DB: pool})
	require.NoError(t, err)
	require.NoError(t, store.Validate(ctx))
	require.NoError(t, pgxstore.Migrate(ctx, pool), "nothing is left to do")
	_, err = pool.Exec(ctx, "ALTER TABLE amsbridge_queue DROP COLUMN profile")
	require.NoError(t, err)
	require.ErrorIs(t, store.Validate(ctx), pgxstore.ErrSchema)
	require.Zero(t, pool.Stat().AcquiredConns())
}

// Statements of our own transactions are sent together: what one of them says
// against it undoes all, and gets an error.
func TestPgxFailedSettlementChangesNothing(t *testing.T) {
	t.Parallel()
	for _, mode := range pgxModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			e := openPgx(t, func(c *pgxpool.Config) {
				c.ConnConfig.DefaultQueryExecMode = mode
				c.MaxConns = 1
			})
			ctx := t.Context()
			run := func(text string) {
				_, err := e.pool.Exec(ctx, text)
				require.NoError(t, err)
			}
			require.NoError(t, pgxstore.InTx(ctx, e.pool, nil, func(tx pgx.Tx) error {
				_, err := e.store.InsertTx(ctx, tx, push("a", "U-1"))
				return err
			}))
			s := join(t, e.store)
			begun := s.begin(t)
			require.Len(t, begun, 1)
			settle := func(ctx context.Context) error {
				got, err := e.store.Settle(ctx, outbox.Settling{Session: s.id, Batch: []outbox.Settlement{{
					Message: begun[0].Message, State: outbox.StateParked, Outcome: outbox.OutcomeRejected,
					Pause: "refused", ProbeEvery: time.Minute,
				}}, Over: []int64{1}})
				require.Len(t, got.Acked, map[bool]int{true: 1}[err == nil])
				return err
			}
			queued := func() outbox.Record {
				found, err := e.store.Find(ctx, outbox.Query{Subject: "order"})
				require.NoError(t, err)
				require.Len(t, found, 1)
				return found[0]
			}
			before := queued()
			for _, table := range []string{"amsbridge_attempt", "amsbridge_destination", "amsbridge_queue"} {
				run("ALTER TABLE " + table + " RENAME TO away")
				require.Equal(t, "42P01", sqlState(settle(ctx)), table)
				run("ALTER TABLE away RENAME TO " + table)
				require.Equal(t, before, queued(), table)
			}
			gone, cancel := context.WithCancel(ctx)
			cancel()
			require.ErrorIs(t, settle(gone), context.Canceled)
			require.Equal(t, before, queued())
			require.NoError(t, settle(ctx))
			require.Equal(t, outbox.StateParked, queued().State)
		})
	}
}
