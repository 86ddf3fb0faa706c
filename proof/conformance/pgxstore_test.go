package conformance

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// pgxDeck is a database with the outbox's tables, open through pgx.
type pgxEnv struct {
	dsn   string
	pool  *pgxpool.Pool
	store *pgxstore.Store
	ahead *atomic.Int64 // of the store's clock, in nanoseconds
}

// pgxPool opens the database; change may be nil.
func pgxPool(t *testing.T, dsn string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	cfg.MaxConns = 16
	if change != nil {
		change(cfg)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func openPgx(t *testing.T, change func(*pgxpool.Config)) *pgxEnv {
	t.Helper()
	return openPgxAt(t, testdb.Postgres(t), change)
}

func openPgxAt(t *testing.T, dsn string, change func(*pgxpool.Config)) *pgxEnv {
	t.Helper()
	return openPgxClock(t, dsn, change, &atomic.Int64{})
}

func openPgxClock(t *testing.T, dsn string, change func(*pgxpool.Config), ahead *atomic.Int64) *pgxEnv {
	t.Helper()
	e := &pgxEnv{dsn: dsn, pool: pgxPool(t, dsn, change), ahead: ahead}
	ctx := context.Background()
	require.NoError(t, pgxstore.Migrate(ctx, e.pool))
	var err error
	e.store, err = pgxstore.New(ctx, pgxstore.Config{
		DB: e.pool, Now: func() time.Time { return time.Now().Add(time.Duration(e.ahead.Load())) },
	})
	require.NoError(t, err)
	require.NoError(t, e.store.Validate(ctx))
	return e
}

// pgxModes are all ways of pgx to run a statement.
var pgxModes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
	pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
}

// emptied is the harness of an env's store, without rows.
func (e *pgxEnv) emptied(t *testing.T) outboxtest.Harness[pgx.Tx] {
	t.Helper()
	ctx := context.Background()
	for _, statement := range emptying() {
		_, err := e.pool.Exec(ctx, statement)
		require.NoError(t, err)
	}
	e.ahead.Store(0)
	return outboxtest.Harness[pgx.Tx]{
		Store: e.store,
		Begin: func() (pgx.Tx, error) { return e.pool.Begin(ctx) },
		BeginAt: func(isolation string) (pgx.Tx, error) {
			return e.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.TxIsoLevel(isolation)})
		},
		Commit:     func(tx pgx.Tx) error { return tx.Commit(ctx) },
		Rollback:   func(tx pgx.Tx) { _ = tx.Rollback(ctx) },
		Advance:    func(by time.Duration) { e.ahead.Add(int64(by)) },
		Concurrent: true,
		Lock: func(tx pgx.Tx, id outbox.ID) error {
			return tx.QueryRow(ctx, fmt.Sprintf(lockQueued, id)).Scan(&id)
		},
		Corrupt: func(id outbox.ID) {
			_, err := e.pool.Exec(ctx, fmt.Sprintf(corrupt, id))
			require.NoError(t, err)
		},
	}
}

func TestPgxStoreConforms(t *testing.T) {
	t.Parallel()
	for _, mode := range pgxModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			e := openPgx(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			outboxtest.Run(t, e.emptied)
		})
	}
}

func TestPgxStoreSimulated(t *testing.T) {
	t.Parallel()
	outboxtest.Simulate(t, outboxtest.Simulation{Seed: 7000, Schedules: 10}, openPgx(t, nil).emptied)
}

// PgBouncer in transaction mode gives each transaction another session, so pgx
// must not prepare statements.
func TestPgxStoreBehindPgBouncer(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			straight := openPgx(t, nil)
			e := openPgxAt(t, testdb.Bouncer(t, straight.dsn), func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			var sent atomic.Int64
			cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
				sent.Add(1)
				return outbox.Result{}, nil
			})})
			cfg.Poll = time.Hour
			sender, _ := (&env{}).send(t, e.store, cfg)
			wakes, _ := listen(t, pgxstore.ListenConfig{DB: e.pool, Conn: straight.pool.Config().ConnConfig, Wake: sender.Wake})
			until(t, func() bool { return wakes.Load() > 0 }, "it listens beside the bouncer")
			wake := newNotifier(t, pgxstore.NotifierConfig{DB: e.pool}).Wake
			const shops, each = 8, 5
			errs := make(chan error, shops*each)
			var all sync.WaitGroup
			for i := range shops {
				all.Go(func() {
					for j := range each {
						errs <- pgxstore.InTx(context.Background(), e.pool, wake, func(tx pgx.Tx) error {
							name := fmt.Sprint(i, "-", j)
							_, err := e.store.InsertTx(context.Background(), tx, push(name, name), push(name+"b", name))
							return err
						})
					}
				})
			}
			all.Wait()
			close(errs)
			for err := range errs {
				require.NoError(t, err)
			}
			until(t, func() bool { return sent.Load() == 2*shops*each }, "all are delivered")
		})
	}
}
