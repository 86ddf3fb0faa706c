// Package testdb finds databases for tests, or starts them. A server is the one
// that an environment variable names or a private throw-away one, started from
// installed programs; it ends with the process that started it, however that
// ends. Importing the package registers the drivers "sqlite" (modernc), "pgx",
// "postgres" (lib/pq) and "mysql" (go-sql-driver). It needs a Unix.
package testdb

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "github.com/lib/pq"              // the driver "postgres"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// Engine is a database product with servers. SQLite has none.
type Engine string

// The engines that can be started.
const (
	PostgreSQL Engine = "postgres"
	MariaDB    Engine = "mariadb"
)

// Engines are all that can be started.
func Engines() []Engine { return []Engine{PostgreSQL, MariaDB} }

// None as the value of an engine's variable says that there is no server, and
// that none is to be started.
const None = "none"

// Variable is the environment variable that names a running server: a DSN of
// somebody who may create databases, or [None].
func (e Engine) Variable() string {
	switch e {
	case PostgreSQL:
		return "AMSBRIDGE_TEST_POSTGRES"
	case MariaDB:
		return "AMSBRIDGE_TEST_MARIADB"
	case PgBouncer:
		return "AMSBRIDGE_TEST_PGBOUNCER"
	}
	return ""
}

// MissingError says that an engine is not there to be tested.
type MissingError struct {
	Engine Engine
	Reason string
}

// Error names the engine and the reason.
func (e *MissingError) Error() string { return fmt.Sprintf("testdb: no %s: %s", e.Engine, e.Reason) }

// started holds this process's own servers. They are never stopped by hand: a
// server ends with the process.
var started = map[Engine]func() (*Server, error){PostgreSQL: once(PostgreSQL), MariaDB: once(MariaDB)}

func once(engine Engine) func() (*Server, error) {
	return sync.OnceValues(func() (*Server, error) { return Start(context.Background(), engine, Options{}) })
}

// Postgres returns the DSN of a fresh database, dropped when the test ends.
// Without a server the test is skipped, or fails where CI is "true".
func Postgres(t testing.TB) string {
	t.Helper()
	return fresh(t, PostgreSQL)
}

// Maria is [Postgres] for MariaDB, with a DSN of the driver "mysql".
func Maria(t testing.TB) string {
	t.Helper()
	return fresh(t, MariaDB)
}

// Own returns a server of the test's own, which the test may crash and start
// again. It is stopped when the test ends. Where there is none to start, the test
// is skipped, or fails where CI is "true".
func Own(t testing.TB, engine Engine) *Server {
	t.Helper()
	s, err := Start(t.Context(), engine, Options{Own: true})
	need(t, err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// need skips the test where something is missing, or fails it.
func need(t testing.TB, err error) {
	t.Helper()
	var missing *MissingError
	if errors.As(err, &missing) && os.Getenv("CI") != "true" {
		t.Skipf("NOT TESTED on %s: %s", missing.Engine, missing.Reason)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func fresh(t testing.TB, engine Engine) string {
	t.Helper()
	server, err := started[engine]()
	need(t, err)
	dsn, drop, err := server.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := drop(ctx); err != nil {
			t.Error(err)
		}
	})
	return dsn
}

// SQLite returns the DSN of a fresh database file, removed when the test ends:
// transactions begin IMMEDIATE, wait half a minute for the lock, since tests load
// the machine and who gets it next is luck, and are synced in full to a
// write-ahead log.
func SQLite(t testing.TB) string {
	t.Helper()
	return SQLiteFile(filepath.Join(t.TempDir(), "test.sqlite"))
}

// SQLiteFile returns the DSN of that file, set up as [SQLite] does.
func SQLiteFile(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_txlock=immediate" +
		"&_pragma=busy_timeout(30000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
}
