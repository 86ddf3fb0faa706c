package testdb_test

import (
	"context"
	"database/sql"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/amsbridge/amsbridge/proof/testdb"
)

// The test program is its own helper: as a holder it starts a server of the
// engine that the variable names, says its DSN and waits to be killed.
const holder = "AMSBRIDGE_TESTDB_HOLDER"

func TestMain(m *testing.M) {
	if os.Getenv(holder) != "" {
		hold()
	}
	goleak.VerifyTestMain(m)
}

func hold() {
	s, err := testdb.Start(context.Background(), testdb.Engine(os.Getenv(holder)), testdb.Options{})
	if err != nil {
		_, _ = os.Stdout.WriteString("error: " + err.Error())
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString(s.DSN + "\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func query(t *testing.T, driver, dsn, statement string) (string, error) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var s string
	err = db.QueryRowContext(t.Context(), statement).Scan(&s)
	return s, err
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	var dsn string
	t.Run("fresh", func(t *testing.T) {
		dsn = testdb.Postgres(t)
		require.NotEqual(t, dsn, testdb.Postgres(t))
		for _, driver := range []string{"pgx", "postgres"} {
			name, err := query(t, driver, dsn, "SELECT current_database()")
			require.NoError(t, err)
			require.Contains(t, dsn, name)
		}
	})
	if dsn != "" {
		_, err := query(t, "pgx", dsn, "SELECT 'here'")
		require.ErrorContains(t, err, "does not exist", "the database outlived its test")
	}
}

func TestMaria(t *testing.T) {
	t.Parallel()
	var dsn string
	t.Run("fresh", func(t *testing.T) {
		dsn = testdb.Maria(t)
		require.NotEqual(t, dsn, testdb.Maria(t))
		name, err := query(t, "mysql", dsn, "SELECT DATABASE()")
		require.NoError(t, err)
		require.Contains(t, dsn, name)
		engine, err := query(t, "mysql", dsn, "SELECT engine FROM information_schema.engines WHERE support = 'DEFAULT'")
		require.NoError(t, err)
		require.Equal(t, "InnoDB", engine)
	})
	if dsn != "" {
		_, err := query(t, "mysql", dsn, "SELECT 'here'")
		require.ErrorContains(t, err, "Unknown database", "the database outlived its test")
	}
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	dsn := testdb.SQLite(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "30000"} {
		got, err := query(t, "sqlite", dsn, "PRAGMA "+pragma)
		require.NoError(t, err)
		require.Equal(t, want, got, pragma)
	}
	name, err := query(t, "sqlite", testdb.SQLiteFile(t.TempDir()+"/a b%20?#.sqlite"), "SELECT file FROM pragma_database_list")
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(name, "/a b%20?#.sqlite"), name)
}

func TestNone(t *testing.T) {
	for _, engine := range testdb.Engines() {
		t.Setenv(engine.Variable(), testdb.None)
		_, err := testdb.Start(t.Context(), engine, testdb.Options{})
		var missing *testdb.MissingError
		require.ErrorAs(t, err, &missing)
	}
}

// A killed test run must leave no server behind.
func TestServerEndsWithItsParent(t *testing.T) {
	t.Parallel()
	for engine, driver := range map[testdb.Engine]string{testdb.PostgreSQL: "pgx", testdb.MariaDB: "mysql"} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			serverEndsWithItsParent(t, engine, driver)
		})
	}
}

func serverEndsWithItsParent(t *testing.T, engine testdb.Engine, driver string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), holder+"="+string(engine), engine.Variable()+"=")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer func() { _ = stdin.Close() }()
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line := make([]byte, 4096)
	n, err := stdout.Read(line)
	require.NoError(t, err)
	dsn := strings.TrimSpace(string(line[:n]))
	if strings.HasPrefix(dsn, "error: testdb: no") && os.Getenv("CI") != "true" {
		require.Error(t, cmd.Wait())
		t.Skip(dsn)
	}
	_, err = query(t, driver, dsn, "SELECT 'here'")
	require.NoError(t, err)

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool {
		_, err := query(t, driver, dsn, "SELECT 'here'")
		return err != nil
	}, 10*time.Second, 20*time.Millisecond)
}

// A server of one's own can be crashed and started again: what was committed is
// there afterwards, and the connections are not.
func TestOwnServerCrashesAndRecovers(t *testing.T) {
	t.Parallel()
	for engine, driver := range map[testdb.Engine]string{testdb.PostgreSQL: "pgx", testdb.MariaDB: "mysql"} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := testdb.Own(t, engine)
			dsn, _, err := s.Create(t.Context())
			require.NoError(t, err)
			db, err := sql.Open(driver, dsn)
			require.NoError(t, err)
			defer func() { require.NoError(t, db.Close()) }()
			db.SetMaxOpenConns(1)
			_, err = db.ExecContext(t.Context(), "CREATE TABLE t (n integer)")
			require.NoError(t, err)

			count := func() int {
				var n int
				require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n))
				return n
			}
			for round := 1; round <= 2; round++ {
				_, err = db.ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
				require.NoError(t, err)
				cut, err := db.BeginTx(t.Context(), nil)
				require.NoError(t, err)
				_, err = cut.ExecContext(t.Context(), "INSERT INTO t VALUES (2)")
				require.NoError(t, err)
				require.NoError(t, s.Crash(t.Context()))
				require.Error(t, cut.Commit())
				require.Error(t, db.PingContext(t.Context()), "the server is down")
				require.NoError(t, s.Restart(t.Context()))
				require.Equal(t, round, count(), "what was not committed is gone")
			}

			idle, err := db.Conn(t.Context())
			require.NoError(t, err)
			require.NoError(t, s.Cut(t.Context()))
			_, err = idle.ExecContext(t.Context(), "INSERT INTO t VALUES (3)")
			require.Error(t, err, "the connection is cut")
			_ = idle.Close() // it is broken
			require.Equal(t, 2, count(), "the server stayed up")
		})
	}
}

func TestFoundServerIsNotOursToStop(t *testing.T) {
	t.Setenv(testdb.PostgreSQL.Variable(), "postgres://localhost/somebody-elses")
	s, err := testdb.Start(t.Context(), testdb.PostgreSQL, testdb.Options{})
	require.NoError(t, err)
	require.ErrorIs(t, s.Crash(t.Context()), testdb.ErrNotOurs)
	require.ErrorIs(t, s.Restart(t.Context()), testdb.ErrNotOurs)
	require.NoError(t, s.Stop())
}

// Two clients share the server's connections: what one of them set for its
// session may be there in another's.
func TestBouncer(t *testing.T) {
	t.Parallel()
	dsn := testdb.Postgres(t)
	through := testdb.Bouncer(t, dsn)
	name, err := query(t, "pgx", through+"&default_query_exec_mode=exec", "SELECT current_database()")
	require.NoError(t, err)
	require.Contains(t, dsn, name)
	mode, err := query(t, "pgx", strings.Replace(through, name, "pgbouncer", 1)+"&default_query_exec_mode=simple_protocol", "SHOW VERSION")
	require.NoError(t, err)
	require.Contains(t, mode, "PgBouncer")
}
