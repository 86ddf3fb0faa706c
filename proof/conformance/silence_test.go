package conformance

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// inspected is a store whose connections go through a proxy.
type inspected struct {
	proxy *proxy
	store outbox.Inspector
	// busy counts the pool's connections in use.
	busy func() int
}

// onProxies runs a proof for each driver that speaks to a server, with a pool of at most two connections.
func onProxies(t *testing.T, proof func(t *testing.T, s inspected)) {
	t.Helper()
	t.Parallel()
	for name, c := range map[string]setup{
		"postgres by pgx": setups[2], "postgres by lib/pq": setups[3], "mariadb": setups[4],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := c.fresh(t)
			require.NoError(t, sqlstore.Migrate(t.Context(), open(t, c.driver, dsn), c.dialect))
			p, through := startProxy(t, c.driver, dsn)
			if c.driver == "pgx" {
				through = with(t, through, "default_query_exec_mode", "exec") // so that texts are sent each time
			}
			db := open(t, c.driver, through)
			db.SetMaxOpenConns(2)
			store, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: c.dialect})
			require.NoError(t, err)
			proof(t, inspected{p, store, func() int { return db.Stats().InUse }})
		})
	}
	t.Run("pgxstore", func(t *testing.T) {
		t.Parallel()
		dsn := testdb.Postgres(t)
		require.NoError(t, pgxstore.Migrate(t.Context(), openPool(t, dsn)))
		p, through := startProxy(t, "pgx", dsn)
		pool := openPool(t, with(t, with(t, through, "default_query_exec_mode", "exec"), "pool_max_conns", "2"))
		store, err := pgxstore.New(t.Context(), pgxstore.Config{DB: pool})
		require.NoError(t, err)
		proof(t, inspected{p, store, func() int { return int(pool.Stat().AcquiredConns()) }})
	})
}

// An answer that never comes, a commit whose answer does not, one that never arrives, a server that takes a
// connection and says nothing: each call ends in its time, says so, and the next one has a connection.
func TestSilentConnectionsAreGivenUp(t *testing.T) {
	read := func(ctx context.Context, s outbox.Inspector) error {
		_, err := s.Counts(ctx)
		return err
	}
	write := func(ctx context.Context, s outbox.Inspector) error {
		return s.Act(ctx, outbox.Action{Verb: outbox.VerbPause, Destination: "elevate", Reason: "test"})
	}
	for name, c := range map[string]struct {
		at     string
		before bool
		call   func(ctx context.Context, s outbox.Inspector) error
	}{
		"answer":                    {"AMSBRIDGE_QUEUE", false, read},
		"begin":                     {"READ COMMITTED", false, write},
		"answer in a transaction":   {"AMSBRIDGE_AUDIT", false, write},
		"commit's answer":           {"COMMIT", false, write},
		"commit":                    {"COMMIT", true, write},
		"statement, with its write": {"AMSBRIDGE_DESTINATION", true, write},
	} {
		t.Run(name, func(t *testing.T) {
			onProxies(t, func(t *testing.T, s inspected) {
				for range 3 { // more than the pool has connections
					s.proxy.silence(c.at, c.before)
					ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
					begun := time.Now()
					err := c.call(ctx, s.store)
					require.Less(t, time.Since(begun), 1200*time.Millisecond)
					cancel()
					require.ErrorIs(t, err, context.DeadlineExceeded)
					s.proxy.silence("", false)
				}
				require.NotZero(t, s.proxy.fellSilent())
				// pgx through database/sql closes such a connection after 15 seconds.
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				require.NoError(t, read(ctx, s.store))
				require.NoError(t, write(ctx, s.store), "no lock is left")
				until(t, func() bool { return s.busy() == 0 }, "the pool has its connections back")
			})
		})
	}
}

// A context that is cancelled ends a call too.
func TestCancelledCallsOnSilentConnectionsReturn(t *testing.T) {
	onProxies(t, func(t *testing.T, s inspected) {
		s.proxy.silence("COMMIT", false)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		begun := time.Now()
		err := s.store.Act(ctx, outbox.Action{Verb: outbox.VerbPause, Destination: "elevate", Reason: "test"})
		require.ErrorIs(t, err, context.Canceled)
		require.Less(t, time.Since(begun), 1050*time.Millisecond)
	})
}

// A database whose connections all died while they rested is asked on a new one, where the driver says that
// nothing was done on the old ones: lib/pq does not always.
func TestDeadIdleConnectionsCostNoCall(t *testing.T) {
	t.Parallel()
	for _, s := range []setup{setups[2], setups[4]} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			server := testdb.Own(t, map[sqlstore.Dialect]testdb.Engine{
				sqlstore.PostgreSQL: testdb.PostgreSQL, sqlstore.MySQL: testdb.MariaDB,
			}[s.dialect])
			dsn, _, err := server.Create(t.Context())
			require.NoError(t, err)
			db := open(t, s.driver, dsn)
			db.SetMaxIdleConns(5)
			require.NoError(t, sqlstore.Migrate(t.Context(), db, s.dialect))
			store, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: s.dialect})
			require.NoError(t, err)
			var conns []*sql.Conn
			for range 5 {
				c, err := db.Conn(t.Context())
				require.NoError(t, err)
				conns = append(conns, c)
			}
			for _, c := range conns {
				require.NoError(t, c.Close())
			}
			require.NoError(t, server.Cut(t.Context()))
			_, err = store.Counts(t.Context())
			require.NoError(t, err)
			require.NoError(t, server.Cut(t.Context()))
			require.NoError(t, store.Act(t.Context(), outbox.Action{Verb: outbox.VerbPause, Destination: "elevate", Reason: "test"}))
		})
	}
}
