package conformance

import (
	"context"
	"database/sql"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/amsbridge/amsbridge/adapters/conformance/testdb"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup is a database, a driver and a way to use it.
type setup struct {
	name       string
	dialect    sqlstore.Dialect
	driver     string
	concurrent bool
	single     bool // limited to one connection
}

var setups = []setup{
	{name: "sqlite", dialect: sqlstore.SQLite, driver: "sqlite"},
	{name: "sqlite with one connection", dialect: sqlstore.SQLite, driver: "sqlite", single: true},
	{name: "postgres by pgx", dialect: sqlstore.PostgreSQL, driver: "pgx", concurrent: true},
	{name: "postgres by lib/pq", dialect: sqlstore.PostgreSQL, driver: "postgres", concurrent: true},
}

// engines are one set-up for each database, for proofs that do not depend on
// the driver.
var engines = []setup{setups[0], setups[2]}

// onEngines runs a proof on each database.
func onEngines(t *testing.T, proof func(t *testing.T, d *deck)) {
	t.Helper()
	t.Parallel()
	for _, s := range engines {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			proof(t, s.open(t))
		})
	}
}

// deck is an open database with the outbox's tables.
type deck struct {
	setup
	db    *sql.DB
	dsn   string
	store *sqlstore.Store
	ahead atomic.Int64 // of the store's clock, in nanoseconds
}

func (s setup) open(t *testing.T) *deck {
	t.Helper()
	if s.dialect == sqlstore.SQLite {
		return s.openAt(t, testdb.SQLite(t))
	}
	return s.openAt(t, testdb.Postgres(t))
}

func (s setup) openAt(t *testing.T, dsn string) *deck {
	t.Helper()
	db, err := sql.Open(s.driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	if s.single {
		db.SetMaxOpenConns(1)
	}
	ctx := context.Background()
	require.NoError(t, sqlstore.Migrate(ctx, db, s.dialect))
	d := &deck{setup: s, db: db, dsn: dsn}
	d.store, err = sqlstore.New(ctx, sqlstore.Config{
		DB: db, Dialect: s.dialect, Now: func() time.Time { return time.Now().Add(time.Duration(d.ahead.Load())) },
	})
	require.NoError(t, err)
	require.NoError(t, d.store.Validate(ctx))
	return d
}

func TestStoresConform(t *testing.T) {
	t.Parallel()
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			outboxtest.Run(t, func(t *testing.T) outboxtest.Harness[*sql.Tx] {
				t.Parallel()
				d := s.open(t)
				return outboxtest.Harness[*sql.Tx]{
					Store:      d.store,
					Begin:      func() (*sql.Tx, error) { return d.db.BeginTx(context.Background(), nil) },
					Commit:     (*sql.Tx).Commit,
					Rollback:   func(tx *sql.Tx) { _ = tx.Rollback() },
					Advance:    func(by time.Duration) { d.ahead.Add(int64(by)) },
					Concurrent: s.concurrent,
				}
			})
		})
	}
}
