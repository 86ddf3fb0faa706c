package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// migrated returns the DSN of a database with the outbox's tables.
func (s setup) migrated(t *testing.T) string {
	t.Helper()
	db, dsn := s.bare(t)
	require.NoError(t, sqlstore.Migrate(t.Context(), db, s.dialect))
	return dsn
}

// made is what New says of a handle.
func made(t *testing.T, db *sql.DB, dialect sqlstore.Dialect) error {
	t.Helper()
	_, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: dialect})
	return err
}

// What a proof writes is not there afterwards.
func TestProofsLeaveNothing(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		store, err := sqlstore.New(t.Context(), sqlstore.Config{DB: e.db, Dialect: e.dialect})
		require.NoError(t, err)
		require.NoError(t, store.ProveWriter(t.Context()))
		for _, table := range []string{"message", "queue", "entry", "attempt"} {
			var rows int
			require.NoError(t, e.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM amsbridge_"+table).Scan(&rows))
			require.Zero(t, rows, table)
		}
	})
}

// Settings under which a shop sold and nothing was ever sent, or a sender stopped at once: New says which and
// what to do.
func TestNewNamesSettingsThatAreInTheWay(t *testing.T) {
	t.Parallel()
	for param, says := range map[string]string{
		"autocommit=0": "autocommit is 0", "sql_safe_updates=1": "sql_safe_updates is 1",
	} {
		t.Run(param, func(t *testing.T) {
			t.Parallel()
			db := open(t, "mysql", withParams(setups[4].migrated(t), param))
			require.ErrorContains(t, made(t, db, sqlstore.MySQL), says)
		})
	}
	t.Run("max_allowed_packet", func(t *testing.T) {
		t.Parallel()
		dsn, _, err := testdb.Own(t, testdb.MariaDB).Create(t.Context())
		require.NoError(t, err)
		admin := open(t, "mysql", dsn)
		require.NoError(t, sqlstore.Migrate(t.Context(), admin, sqlstore.MySQL))
		_, err = admin.ExecContext(t.Context(), "SET GLOBAL max_allowed_packet = 1048576")
		require.NoError(t, err)
		require.ErrorContains(t, made(t, open(t, "mysql", dsn), sqlstore.MySQL), "max_allowed_packet is 1048576")
	})
	t.Run("missing bytes", func(t *testing.T) {
		t.Parallel()
		inner, err := pq.NewConnector(setups[3].migrated(t))
		require.NoError(t, err)
		db := sql.OpenDB(emptyBytes{inner})
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		require.ErrorContains(t, made(t, db, sqlstore.PostgreSQL), "lib/pq does so up to 1.10.9")
	})
	t.Run("shared cache", func(t *testing.T) {
		t.Parallel()
		dsn := "file:" + filepath.Join(t.TempDir(), "x.sqlite") + "?cache=shared&_txlock=immediate&_pragma=busy_timeout(5000)"
		db := open(t, "sqlite", dsn)
		requireField(t, made(t, db, sqlstore.SQLite), "Config.DB")
		require.ErrorContains(t, made(t, db, sqlstore.SQLite), "cache=shared")
		db.SetMaxOpenConns(1)
		require.ErrorIs(t, made(t, db, sqlstore.SQLite), sqlstore.ErrSchema, "one connection shares with nobody")
	})
	t.Run("no database", func(t *testing.T) {
		t.Parallel()
		server := testdb.Own(t, testdb.MariaDB)
		require.ErrorContains(t, made(t, open(t, "mysql", server.DSN), sqlstore.MySQL), "the DSN names no database")
	})
}

// emptyBytes is a driver that makes missing bytes empty, as lib/pq did.
type emptyBytes struct{ driver.Connector }

type emptyBytesConn struct {
	driver.Conn
	driver.QueryerContext
	driver.ExecerContext
	driver.ConnBeginTx
}

func (e emptyBytes) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := e.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return emptyBytesConn{c, c.(driver.QueryerContext), c.(driver.ExecerContext), c.(driver.ConnBeginTx)}, nil
}

func (emptyBytesConn) CheckNamedValue(v *driver.NamedValue) error {
	if b, ok := v.Value.([]byte); ok && b == nil {
		v.Value = []byte{}
		return nil
	}
	return driver.ErrSkip
}

// Tables in a schema that the handle does not look in are found, and named.
func TestTablesElsewhereAreNamed(t *testing.T) {
	t.Parallel()
	dsn := testdb.Postgres(t)
	_, err := open(t, "pgx", dsn).ExecContext(t.Context(), "CREATE SCHEMA shop")
	require.NoError(t, err)
	require.NoError(t, sqlstore.Migrate(t.Context(), open(t, "pgx", with(t, dsn, "search_path", "shop")), sqlstore.PostgreSQL))
	requireSays(t, made(t, open(t, "pgx", dsn), sqlstore.PostgreSQL), sqlstore.ErrSchema, "they are in shop")
	_, err = pgxstore.New(t.Context(), pgxstore.Config{DB: openPool(t, dsn)})
	requireSays(t, err, pgxstore.ErrSchema, "search_path")
}

// An identity that stands behind the rows, as after a restore of the rows alone, would fail one checkout for
// each ID that exists.
func TestIdentityBehindItsRowsIsNamed(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{"next is taken": "1", "a later one is taken": "1000"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, "pgx", setups[2].migrated(t))
			_, err := db.ExecContext(t.Context(), `INSERT INTO amsbridge_message OVERRIDING SYSTEM VALUE
				SELECT * FROM jsonb_populate_record(NULL::amsbridge_message, (SELECT jsonb_object_agg(attname, CASE
					WHEN attname = 'id' THEN to_jsonb(`+id+`) WHEN atttypid = 'bytea'::regtype OR atttypid = 'text'::regtype THEN to_jsonb(''::text)
					ELSE to_jsonb(0) END)
				FROM pg_attribute WHERE attrelid = 'amsbridge_message'::regclass AND attnum > 0))`)
			require.NoError(t, err)
			says := made(t, db, sqlstore.PostgreSQL)
			require.ErrorContains(t, says, "is not above "+id)
			_, mend, found := strings.Cut(says.Error(), "run: ")
			require.True(t, found)
			mend, _, _ = strings.Cut(mend, ": ") // and the database's error, where it had one
			_, err = db.ExecContext(t.Context(), mend)
			require.NoError(t, err)
			require.NoError(t, made(t, db, sqlstore.PostgreSQL), "as the error says")
		})
	}
}

// A right that a role lacks is named with its table. A reader's role is no writer's, and is not refused as a
// reader.
func TestProofsNameMissingRights(t *testing.T) {
	t.Parallel()
	type proofs interface {
		ProveWriter(ctx context.Context) error
		Validate(ctx context.Context) error
	}
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		r := postgresRoles(t)
		as := func(role string) []proofs {
			return []proofs{
				sqlProgram(t, sqlstore.PostgreSQL, "pgx", r.dsn(role)).store.(proofs), pgxProgram(t, r.dsn(role)).store.(proofs),
			}
		}
		for i := range 2 {
			require.NoError(t, as("checkout")[i].ProveWriter(t.Context()))
			require.ErrorContains(t, as("checkout")[i].Validate(t.Context()), "a right is missing")
		}
		owner := open(t, "pgx", r.dsn("owner"))
		for _, s := range []string{
			"REVOKE INSERT ON amsbridge_queue FROM shop_checkout", "REVOKE SELECT ON amsbridge_entry FROM shop_checkout",
			"REVOKE INSERT, UPDATE, DELETE ON amsbridge_message, amsbridge_queue, amsbridge_entry FROM shop_operator",
		} {
			_, err := owner.ExecContext(t.Context(), r.rename.Replace(s))
			require.NoError(t, err)
		}
		for i := range 2 {
			err := as("checkout")[i].ProveWriter(t.Context())
			require.ErrorContains(t, err, "SELECT ON amsbridge_entry; INSERT ON amsbridge_queue")
			require.NoError(t, as("operator")[i].Validate(t.Context()))
			require.ErrorContains(t, as("operator")[i].ProveWriter(t.Context()), "INSERT ON amsbridge_entry")
		}
	})
	t.Run("mariadb", func(t *testing.T) {
		t.Parallel()
		r := mariaRoles(t)
		as := func(role string) proofs { return sqlProgram(t, sqlstore.MySQL, "mysql", r.dsn(role)).store.(proofs) }
		require.NoError(t, as("checkout").ProveWriter(t.Context()))
		_, err := r.admin.ExecContext(t.Context(), r.rename.Replace("REVOKE INSERT ON shop.amsbridge_queue FROM shop_checkout"))
		require.NoError(t, err)
		err = as("checkout").ProveWriter(t.Context())
		require.ErrorContains(t, err, "INSERT command denied")
		require.ErrorContains(t, err, "amsbridge_queue")
		require.NoError(t, as("operator").Validate(t.Context()))
	})
}

// A handle that is bound to a schema by its role, and one of a role that may not use the schema.
func TestSchemaThatTheRoleMayNotUseIsNamed(t *testing.T) {
	t.Parallel()
	r := postgresRoles(t)
	_, err := r.admin.ExecContext(t.Context(), "REVOKE USAGE ON SCHEMA public FROM PUBLIC")
	require.NoError(t, err)
	u, err := url.Parse(r.dsn("checkout"))
	require.NoError(t, err)
	requireSays(t, made(t, open(t, "pgx", u.String()), sqlstore.PostgreSQL), sqlstore.ErrSchema, "they are in public")
}
