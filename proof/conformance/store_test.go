package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup is a database, a driver and a way to use it.
type setup struct {
	name       string
	dialect    sqlstore.Dialect
	driver     string
	concurrent bool
	single     bool     // limited to one connection
	pgx        bool     // all but the checkout goes through pgxstore
	params     []string // of the DSN, each as name=value
}

var setups = []setup{
	{name: "sqlite", dialect: sqlstore.SQLite, driver: "sqlite"},
	{name: "sqlite with one connection", dialect: sqlstore.SQLite, driver: "sqlite", single: true},
	{name: "postgres by pgx", dialect: sqlstore.PostgreSQL, driver: "pgx", concurrent: true},
	{name: "postgres by lib/pq", dialect: sqlstore.PostgreSQL, driver: "postgres", concurrent: true},
	{name: "mariadb", dialect: sqlstore.MySQL, driver: "mysql", concurrent: true},
	{
		name: "mariadb with options", dialect: sqlstore.MySQL, driver: "mysql", concurrent: true,
		params: []string{"parseTime=true", "interpolateParams=true", "clientFoundRows=true"},
	},
}

// engines are one set-up for each database, for proofs that do not depend on
// the driver.
var engines = []setup{setups[0], setups[2], setups[4]}

// halfMoved is a shop whose senders, operators and calls of the hook use pgx: what a
// proof says of them it says of pgxstore. Some of its messages come by database/sql.
var halfMoved = setup{name: "postgres by pgxstore", dialect: sqlstore.PostgreSQL, driver: "pgx", concurrent: true, pgx: true}

// onEngines runs a proof on each database, and on that of pgx.
func onEngines(t *testing.T, proof func(t *testing.T, e *env)) {
	t.Helper()
	t.Parallel()
	for _, s := range append(slices.Clone(engines), halfMoved) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			proof(t, s.open(t))
		})
	}
}

// store is what these tests need of one.
type store interface {
	outboxtest.Store[*sql.Tx]
	Validate(ctx context.Context) error
}

// mixed is the store of a shop that uses both.
type mixed struct {
	outbox.Writer[*sql.Tx]
	outbox.Queue
	outbox.Inspector
	validator
}

type validator interface {
	Validate(ctx context.Context) error
}

// env is an open database with the outbox's tables.
type env struct {
	setup
	db    *sql.DB
	dsn   string
	store store
	byPgx *pgxEnv      // where the set-up uses it
	ahead atomic.Int64 // of the store's clock, in nanoseconds
}

func (s setup) open(t *testing.T) *env {
	t.Helper()
	return s.openAt(t, s.fresh(t))
}

// fresh returns the DSN of an empty database.
func (s setup) fresh(t *testing.T) string {
	t.Helper()
	switch s.dialect {
	case sqlstore.SQLite:
		return testdb.SQLite(t)
	case sqlstore.MySQL:
		return withParams(testdb.Maria(t), s.params...)
	}
	return testdb.Postgres(t)
}

// withParams adds to a DSN of the driver "mysql".
func withParams(dsn string, params ...string) string {
	if len(params) == 0 {
		return dsn
	}
	mark := "?"
	if strings.Contains(dsn, "?") {
		mark = "&"
	}
	return dsn + mark + strings.Join(params, "&")
}

func (s setup) openAt(t *testing.T, dsn string) *env {
	t.Helper()
	db, err := sql.Open(s.driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	if s.single {
		db.SetMaxOpenConns(1)
	}
	ctx := context.Background()
	require.NoError(t, sqlstore.Migrate(ctx, db, s.dialect))
	e := &env{setup: s, db: db, dsn: dsn}
	e.store, err = sqlstore.New(ctx, sqlstore.Config{
		DB: db, Dialect: s.dialect, Now: func() time.Time { return time.Now().Add(time.Duration(e.ahead.Load())) },
	})
	require.NoError(t, err)
	require.NoError(t, e.store.Validate(ctx))
	if s.pgx {
		now := openPgxClock(t, dsn, nil, &e.ahead)
		e.store, e.byPgx = mixed{e.store, now.store, now.store, now.store}, now
	}
	return e
}

// beginAt opens a transaction of the isolation level named.
func (e *env) beginAt(isolation string) (*sql.Tx, error) {
	level := map[string]sql.IsolationLevel{
		"read committed": sql.LevelReadCommitted, "repeatable read": sql.LevelRepeatableRead, "serializable": sql.LevelSerializable,
	}[isolation]
	return e.db.BeginTx(context.Background(), &sql.TxOptions{Isolation: level})
}

func TestStoresConform(t *testing.T) {
	t.Parallel()
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			outboxtest.Run(t, s.open(t).emptied)
		})
	}
}

// tablesOfRows are those that are empty when they are made.
var tablesOfRows = []string{
	"queue", "attempt", "message", "entry", "task", "destination", "audit", "session", "beat", "flight", "installation",
}

// emptying leaves the outbox's tables as they were made. Making a database takes longer than most clauses do.
func emptying() (statements []string) {
	for _, table := range tablesOfRows {
		statements = append(statements, "DELETE FROM amsbridge_"+table)
	}
	return append(statements, "UPDATE amsbridge_shard SET owner = 0")
}

const (
	lockQueued = "SELECT id FROM amsbridge_queue WHERE id = %d FOR UPDATE"
	corrupt    = "UPDATE amsbridge_message SET items = '[' WHERE id = %d"
)

// emptied is the harness of an env's store, without rows.
func (e *env) emptied(t *testing.T) outboxtest.Harness[*sql.Tx] {
	t.Helper()
	for _, statement := range emptying() {
		_, err := e.db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	e.ahead.Store(0)
	h := outboxtest.Harness[*sql.Tx]{
		Store:      e.store,
		Begin:      func() (*sql.Tx, error) { return e.db.BeginTx(context.Background(), nil) },
		BeginAt:    e.beginAt,
		Commit:     (*sql.Tx).Commit,
		Rollback:   func(tx *sql.Tx) { _ = tx.Rollback() },
		Advance:    func(by time.Duration) { e.ahead.Add(int64(by)) },
		Concurrent: e.concurrent,
		LocksReads: e.dialect == sqlstore.MySQL,
		Corrupt: func(id outbox.ID) {
			_, err := e.db.ExecContext(t.Context(), fmt.Sprintf(corrupt, id))
			require.NoError(t, err)
		},
	}
	if e.dialect != sqlstore.SQLite {
		h.Lock = func(tx *sql.Tx, id outbox.ID) error {
			return tx.QueryRowContext(t.Context(), fmt.Sprintf(lockQueued, id)).Scan(&id)
		}
	}
	return h
}

// The schedules of the store in memory, a few of them on each database: what the
// memory shows of the sender's side, these show of the statements.
func TestStoresSimulated(t *testing.T) {
	t.Parallel()
	for i, s := range engines {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := s.open(t)
			seed := 8000 + 1000*uint64(i) //nolint:gosec // three engines
			outboxtest.Simulate(t, outboxtest.Simulation{Seed: seed, Schedules: 6}, e.emptied)
		})
	}
}
