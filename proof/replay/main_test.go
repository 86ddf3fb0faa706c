// Package replay proves the replay store on real databases: each token is
// accepted once, whatever the database, the driver and its settings, and however
// many processes ask.
package replay

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/amsbridge/amsbridge/adapters/sqlreplay"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

func TestMain(m *testing.M) {
	childMain()
	// It logs each connection that is cut, which tests do on purpose.
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// setup is a database, a driver and what is added to its DSN.
type setup struct {
	name    string
	dialect sqlreplay.Dialect
	driver  string
	params  string
	conns   int // at most, where not 0
}

// setups are every way to use the store; the first of each dialect stands for
// its database where the driver does not matter.
var setups = []setup{
	{name: "sqlite", dialect: sqlreplay.SQLite, driver: "sqlite", conns: 4},
	{name: "sqlite with one connection", dialect: sqlreplay.SQLite, driver: "sqlite", conns: 1},
	{name: "sqlite, deferred", dialect: sqlreplay.SQLite, driver: "sqlite", params: "_txlock=deferred", conns: 4},
	{name: "postgres by pgx", dialect: sqlreplay.PostgreSQL, driver: "pgx", conns: 16},
	{name: "postgres by lib/pq", dialect: sqlreplay.PostgreSQL, driver: "postgres", conns: 16},
	{name: "postgres by pgx, simple protocol", dialect: sqlreplay.PostgreSQL, driver: "pgx", params: "default_query_exec_mode=simple_protocol", conns: 16},
	{name: "postgres by lib/pq, binary parameters", dialect: sqlreplay.PostgreSQL, driver: "postgres", params: "binary_parameters=yes", conns: 16},
	{name: "mariadb", dialect: sqlreplay.MySQL, driver: "mysql", conns: 16},
	{name: "mariadb, clientFoundRows", dialect: sqlreplay.MySQL, driver: "mysql", params: "clientFoundRows=true", conns: 16},
	{name: "mariadb, parseTime", dialect: sqlreplay.MySQL, driver: "mysql", params: "parseTime=true&loc=Local", conns: 16},
	{name: "mariadb, clientFoundRows, parseTime, interpolateParams", dialect: sqlreplay.MySQL, driver: "mysql", params: "clientFoundRows=true&parseTime=true&interpolateParams=true", conns: 16},
	{name: "mariadb, latin1 without strict mode", dialect: sqlreplay.MySQL, driver: "mysql", params: "charset=latin1&sql_mode=%27%27", conns: 16},
}

// stricter are isolation levels that a shop's connections may begin with.
var stricter = []setup{
	{name: "postgres, serializable", dialect: sqlreplay.PostgreSQL, driver: "pgx", params: "default_transaction_isolation=serializable", conns: 16},
	{name: "mariadb, serializable", dialect: sqlreplay.MySQL, driver: "mysql", params: "tx_isolation=%27SERIALIZABLE%27", conns: 16},
}

// engines are one set-up of each database.
var engines = []setup{setups[0], setups[3], setups[7]}

// each runs a proof in every one of those set-ups, at the same time.
func each(t *testing.T, of []setup, proof func(t *testing.T, s setup)) {
	t.Helper()
	t.Parallel()
	for _, s := range of {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			proof(t, s)
		})
	}
}

// dsn names a fresh database.
func (s setup) dsn(t *testing.T) string {
	t.Helper()
	switch s.dialect {
	case sqlreplay.SQLite:
		return testdb.SQLite(t)
	case sqlreplay.PostgreSQL:
		return testdb.Postgres(t)
	default:
		return testdb.Maria(t)
	}
}

// open opens a database in the set-up's way.
func (s setup) open(dsn string) (*sql.DB, error) {
	if s.params != "" {
		mark := "?"
		if strings.Contains(dsn, "?") {
			mark = "&"
		}
		dsn = strings.Replace(dsn, "_txlock=immediate&", "", 1) + mark + s.params
	}
	db, err := sql.Open(s.driver, dsn)
	if err == nil {
		db.SetMaxOpenConns(s.conns)
		db.SetMaxIdleConns(s.conns)
	}
	return db, err
}

// at opens a database until the test ends.
func (s setup) at(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := s.open(dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// bare opens a fresh database without tables.
func (s setup) bare(t *testing.T) *sql.DB {
	t.Helper()
	return s.at(t, s.dsn(t))
}

// migrated opens a fresh database with the tables.
func (s setup) migrated(t *testing.T) (db *sql.DB, dsn string) {
	t.Helper()
	dsn = s.dsn(t)
	db = s.at(t, dsn)
	require.NoError(t, sqlreplay.Migrate(t.Context(), db, s.dialect))
	return db, dsn
}

// others are all set-ups of the same database.
func (s setup) others() (all []setup) {
	for _, o := range setups {
		if o.dialect == s.dialect {
			all = append(all, o)
		}
	}
	return all
}

// store returns a store that has pruned just now, so that it does not soon.
func (s setup) store(t *testing.T, db *sql.DB, cfg sqlreplay.Config) *sqlreplay.Store {
	t.Helper()
	cfg.DB, cfg.Dialect = db, s.dialect
	store, err := sqlreplay.New(cfg)
	require.NoError(t, err)
	require.NoError(t, store.Validate(t.Context()))
	consume(t, store, "warm-up", true)
	return store
}

// consume uses a token that is valid for another minute.
func consume(t *testing.T, store *sqlreplay.Store, id string, want bool) {
	t.Helper()
	consumeUntil(t, store, id, time.Now().Add(time.Minute), want)
}

func consumeUntil(t *testing.T, store *sqlreplay.Store, id string, until time.Time, want bool) {
	t.Helper()
	first, err := store.Consume(t.Context(), "issuer", "audience", id, until)
	require.NoError(t, err)
	require.Equal(t, want, first, id)
}

// count counts a table's rows.
func count(t *testing.T, db *sql.DB, table string) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(context.WithoutCancel(t.Context()), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}
