package conformance

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// The settings by which each driver goes through PgBouncer's transaction mode,
// as docs/operations.md has them: no statement is prepared in one round trip and
// used in another.
func TestPgBouncerInTransactionMode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ driver, key, value string }{
		"pgx/stdlib, exec":            {"pgx", "default_query_exec_mode", "exec"},
		"pgx/stdlib, simple protocol": {"pgx", "default_query_exec_mode", "simple_protocol"},
		"lib/pq, binary parameters":   {"postgres", "binary_parameters", "yes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			through := with(t, testdb.Bouncer(t, testdb.Postgres(t)), c.key, c.value)
			db := open(t, c.driver, through)
			atOnce(t, func() error { return sqlstore.Migrate(t.Context(), db, sqlstore.PostgreSQL) })
			p := sqlProgram(t, sqlstore.PostgreSQL, c.driver, through)
			require.NoError(t, p.store.(*sqlstore.Store).Validate(t.Context()))
			shopDay[*sql.Tx]{oneProgram(p), t}.play()
		})
	}
	for name, mode := range map[string]string{"pgxstore, exec": "exec", "pgxstore, simple protocol": "simple_protocol"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			through := with(t, testdb.Bouncer(t, testdb.Postgres(t)), "default_query_exec_mode", mode)
			pool := openPool(t, through)
			atOnce(t, func() error { return pgxstore.Migrate(t.Context(), pool) })
			p := pgxProgram(t, through)
			require.NoError(t, p.store.(*pgxstore.Store).Validate(t.Context()))
			shopDay[pgx.Tx]{oneProgram(p), t}.play()
		})
	}
}

// atOnce runs f several times at once.
func atOnce(t *testing.T, f func() error) {
	t.Helper()
	errs := make(chan error, testdb.BouncerConns+1)
	for range cap(errs) {
		go func() { errs <- f() }()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
}

// Why the settings: by pgx's own way a statement is prepared on one connection
// of the server, and the next transaction has another.
func TestPgBouncerRefusesPreparedStatements(t *testing.T) {
	t.Parallel()
	through := testdb.Bouncer(t, testdb.Postgres(t))
	ctx := t.Context()
	connect := func(dsn string) *pgx.Conn {
		conn, err := pgx.Connect(ctx, dsn)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, conn.Close(context.Background())) })
		return conn
	}
	ask := func(conn *pgx.Conn) error { return conn.QueryRow(ctx, "SELECT $1::int", 1).Scan(new(int)) }
	first, other := connect(through), connect(with(t, through, "default_query_exec_mode", "exec"))
	require.NoError(t, ask(first))
	holding, err := other.Begin(ctx) // takes the connection on which it was prepared
	require.NoError(t, err)
	require.NoError(t, ask(other))
	err = ask(first)
	require.ErrorContains(t, err, "prepared statement")
	require.NoError(t, holding.Rollback(ctx))
}
