package conformance

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// bare opens a database of the set-up without the outbox's tables.
func (s setup) bare(t *testing.T) (db *sql.DB, dsn string) {
	t.Helper()
	dsn = s.fresh(t)
	return open(t, s.driver, dsn), dsn
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestNewNamesTheBadField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params  string
		single  bool
		dialect sqlstore.Dialect
		field   string
		problem string
	}{
		"immediate":                 {"?_txlock=immediate&_pragma=busy_timeout(5000)", false, sqlstore.SQLite, "", ""},
		"exclusive":                 {"?_txlock=exclusive&_pragma=busy_timeout(5000)", false, sqlstore.SQLite, "", ""},
		"one connection":            {"", true, sqlstore.SQLite, "", ""},
		"deferred":                  {"?_pragma=busy_timeout(5000)", false, sqlstore.SQLite, "Config.DB", "IMMEDIATE"},
		"deferred by name":          {"?_txlock=deferred&_pragma=busy_timeout(5000)", false, sqlstore.SQLite, "Config.DB", "IMMEDIATE"},
		"immediate without waiting": {"?_txlock=immediate", false, sqlstore.SQLite, "Config.DB", "busy_timeout"},
		"no dialect":                {"", true, "", "Config.Dialect", "empty"},
		"other dialect":             {"", true, "oracle", "Config.Dialect", "is not"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "x.sqlite")+c.params)
			if c.single {
				db.SetMaxOpenConns(1)
			}
			_, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: c.dialect})
			if c.field == "" {
				require.ErrorIs(t, err, sqlstore.ErrSchema)
				require.NoError(t, sqlstore.Migrate(t.Context(), db, c.dialect))
				return
			}
			var bad *check.InputError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, c.field, bad.Field)
			require.Contains(t, bad.Problem, c.problem)
			require.Error(t, sqlstore.Migrate(t.Context(), db, c.dialect))
		})
	}
	_, err := sqlstore.New(t.Context(), sqlstore.Config{Dialect: sqlstore.SQLite})
	var bad *check.InputError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "Config.DB", bad.Field)
	_, err = sqlstore.MigrationSQL("oracle")
	requireField(t, err, "dialect")
	requireField(t, sqlstore.Migrate(t.Context(), nil, sqlstore.SQLite), "db")
	requireField(t, sqlstore.InTx(t.Context(), nil, nil, nil), "db")
}

// A handle of another database is refused by name, and not by a checkout's first
// statement.
func TestNewRefusesAnotherDatabase(t *testing.T) {
	t.Parallel()
	for _, s := range engines {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			db, _ := s.bare(t)
			for _, other := range []sqlstore.Dialect{sqlstore.PostgreSQL, sqlstore.MySQL, sqlstore.SQLite} {
				if other == s.dialect {
					continue
				}
				_, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: other})
				requireField(t, err, "Config.DB")
				require.ErrorContains(t, err, "does not answer as a database of the dialect "+string(other))
				requireField(t, sqlstore.Migrate(t.Context(), db, other), "db")
			}
		})
	}
}

// The look at how a handle begins transactions leaves no connection without
// its busy time-out, and none in a transaction.
func TestNewLeavesTheHandleAsItWas(t *testing.T) {
	t.Parallel()
	db, _ := setups[0].bare(t)
	require.NoError(t, sqlstore.Migrate(t.Context(), db, sqlstore.SQLite))
	for range 3 {
		_, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
		require.NoError(t, err)
	}
	require.Zero(t, db.Stats().InUse)
	for range 4 {
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		defer func() { require.NoError(t, conn.Close()) }()
		var wait int
		require.NoError(t, conn.QueryRowContext(t.Context(), "PRAGMA busy_timeout").Scan(&wait))
		require.Equal(t, 30_000, wait)
		_, err = conn.ExecContext(t.Context(), "BEGIN")
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "ROLLBACK")
		require.NoError(t, err)
	}
}

// requireSchema asks that the tables are in order, migrated once, and in use.
func requireSchema(t *testing.T, db *sql.DB, dialect sqlstore.Dialect) {
	t.Helper()
	store, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: dialect})
	require.NoError(t, err)
	require.NoError(t, store.Validate(t.Context()))
	var versions, first int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*), min(version) FROM amsbridge_migration WHERE applied_at > 0").Scan(&versions, &first))
	require.Equal(t, []int{1, 1}, []int{versions, first})
	require.NoError(t, sqlstore.InTx(t.Context(), db, nil, func(tx *sql.Tx) error {
		_, err := store.InsertTx(t.Context(), tx, push("k", "U-1"))
		return err
	}))
}

func TestMigrateAgainAndFromManyProgramsAtOnce(t *testing.T) {
	t.Parallel()
	for _, s := range []setup{setups[0], setups[2], setups[3], setups[4]} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			_, dsn := s.bare(t)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			errs := make(chan error, 8)
			var ready sync.WaitGroup
			ready.Add(cap(errs))
			for range cap(errs) {
				db := open(t, s.driver, dsn)
				go func() {
					ready.Done()
					ready.Wait()
					errs <- sqlstore.Migrate(ctx, db, s.dialect)
				}()
			}
			for range cap(errs) {
				require.NoError(t, <-errs)
			}
			db := open(t, s.driver, dsn)
			requireSchema(t, db, s.dialect)
			require.NoError(t, sqlstore.Migrate(ctx, db, s.dialect))
			requireSchema(t, db, s.dialect)
		})
	}
}

func TestMigrationByHand(t *testing.T) {
	t.Parallel()
	for _, s := range []setup{setups[0], setups[2], setups[3], setups[4]} {
		for name, cut := range map[string]func(string) []string{
			"statement by statement": func(text string) []string { return strings.SplitAfter(strings.TrimSpace(text), ";\n") },
			"as one script":          func(text string) []string { return []string{text} },
		} {
			if s.dialect == sqlstore.MySQL && name == "as one script" {
				continue // its driver takes one statement at a time
			}
			t.Run(s.name+" "+name, func(t *testing.T) {
				t.Parallel()
				db, _ := s.bare(t)
				text, err := sqlstore.MigrationSQL(s.dialect)
				require.NoError(t, err)
				for _, statement := range cut(text) {
					_, err := db.ExecContext(t.Context(), statement)
					require.NoError(t, err, statement)
				}
				requireSchema(t, db, s.dialect)
				require.NoError(t, sqlstore.Migrate(t.Context(), db, s.dialect), "nothing is left to do")
				requireSchema(t, db, s.dialect)
			})
		}
	}
}

func TestValidateRefusesWhatTheProgramDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, s := range engines {
		for name, change := range map[string]string{
			"version missing":           "DELETE FROM amsbridge_migration",
			"newer version":             "INSERT INTO amsbridge_migration (version, applied_at) VALUES (2, 1)",
			"only a newer version":      "UPDATE amsbridge_migration SET version = version + 10",
			"table of messages missing": "DROP TABLE amsbridge_message",
			"queue missing":             "DROP TABLE amsbridge_queue",
			"log missing":               "DROP TABLE amsbridge_attempt",
			"destinations missing":      "DROP TABLE amsbridge_destination",
			"entries missing":           "DROP TABLE amsbridge_entry",
			"tasks missing":             "DROP TABLE amsbridge_task",
			"audit missing":             "DROP TABLE amsbridge_audit",
			"versions' table missing":   "DROP TABLE amsbridge_migration",
			"column of the queue":       "ALTER TABLE amsbridge_queue DROP COLUMN profile",
			"column renamed":            "ALTER TABLE amsbridge_message RENAME COLUMN sequel TO later",
		} {
			t.Run(s.name+" "+name, func(t *testing.T) {
				t.Parallel()
				e := s.open(t)
				_, err := e.db.ExecContext(t.Context(), change)
				require.NoError(t, err)
				require.ErrorIs(t, e.store.Validate(t.Context()), sqlstore.ErrSchema)
			})
		}
	}
}

func TestInTxWakesOnceCommitted(t *testing.T) {
	t.Parallel()
	for _, s := range []setup{setups[0], setups[1], setups[2], setups[4]} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := s.open(t)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			insert := func(tx *sql.Tx) error {
				_, err := e.store.InsertTx(ctx, tx, push("k", "U-1"))
				return err
			}
			wakes := 0
			require.NoError(t, sqlstore.InTx(ctx, e.db, func() {
				wakes++
				found, err := e.store.Find(ctx, outbox.Query{Subject: "order"}) // deadlocks on one connection, were it still held
				require.NoError(t, err)
				require.Len(t, found, 1, "whoever is woken finds it")
			}, insert))
			require.Equal(t, 1, wakes)

			never := func() { t.Error("woken, though nothing was committed") }
			gone, stop := context.WithCancel(ctx)
			err := sqlstore.InTx(gone, e.db, never, func(tx *sql.Tx) error {
				_, err := e.store.InsertTx(ctx, tx, push("cancelled", "U-1"))
				stop()
				return err
			})
			require.Error(t, err, "a failed commit")
			require.Error(t, sqlstore.InTx(gone, e.db, never, insert), "a failed begin")
			err = sqlstore.InTx(ctx, e.db, never, func(tx *sql.Tx) error { return tx.Rollback() })
			require.ErrorIs(t, err, sql.ErrTxDone, "a transaction that fn ended itself")
			found, err := e.store.Find(ctx, outbox.Query{Subject: "order"})
			require.NoError(t, err)
			require.Len(t, found, 1)
			require.Zero(t, e.db.Stats().InUse, "no connection is kept")
		})
	}
}

// On a handle of one connection, which the shop's transaction holds, any call
// of ours that wanted another would wait for ever.
func TestNothingUsesTheHandleWhileTheCallersTransactionIsOpen(t *testing.T) {
	t.Parallel()
	for _, s := range []setup{setups[1], setups[2], setups[3], setups[4], setups[5]} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := s.open(t)
			e.db.SetMaxOpenConns(1)
			hook := e.hook(t)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			order := purchase("1001", member("U-1"), "course", "dinner", "nowhere", "lunch")
			bad := purchase("1002", member("U-2"), "course")
			bad.Buyer.Email = "nonsense"
			require.NoError(t, sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error {
				for range 2 {
					_, err := hook.OrderCompleted(ctx, tx, order)
					require.NoError(t, err)
					r, err := hook.OrderCompleted(ctx, tx, bad)
					require.NoError(t, err)
					require.NotEmpty(t, r.NeedsStaff())
				}
				order.Lines[0].ProductID = "course-2"
				order.Version = 1
				_, err := hook.OrderCompleted(ctx, tx, order)
				require.NoError(t, err)
				_, err = hook.OrderRefunded(ctx, tx, refundOf("r-1", "1001", "2"))
				require.NoError(t, err)
				_, err = hook.RefundReversed(ctx, tx, "r-1", order)
				require.NoError(t, err)
				_, err = e.store.InsertTx(ctx, tx, push("k", "U-1"), push("k", "U-1"))
				require.NoError(t, err)
				_, err = e.store.FindTx(ctx, tx, outbox.Query{Person: "U-1"})
				return err
			}))
			require.NoError(t, ctx.Err())
			_, err := e.store.Find(ctx, outbox.Query{Subject: "1001"})
			require.NoError(t, err)
		})
	}
}
