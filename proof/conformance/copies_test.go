package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// copyings are ways to copy a database while its shop and its sender go on. Each returns the copy's DSN.
var copyings = []struct {
	name string
	of   setup
	copy func(t *testing.T, e *env) (dsn string)
}{
	{"sqlite, the file", setups[0], copyFile},
	{"postgres, as a template", setups[2], copyTemplate},
	{"postgres, the rows", setups[2], copyRows},
	{"postgres, another schema", setups[2], copySchema},
	{"postgres by pgx, the rows", halfMoved, copyRows},
	{"mariadb, the rows", setups[4], copyRows},
}

func copyFile(t *testing.T, e *env) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.sqlite")
	_, err := e.db.ExecContext(t.Context(), "VACUUM INTO '"+path+"'")
	require.NoError(t, err)
	return testdb.SQLiteFile(path)
}

func database(t *testing.T, db *sql.DB) (name string) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT current_database()").Scan(&name))
	return name
}

// copyTemplate keeps every ID of a table. Nobody else may be connected meanwhile.
func copyTemplate(t *testing.T, e *env) string {
	t.Helper()
	_, dsn := e.bare(t)
	other, err := sql.Open(e.driver, dsn)
	require.NoError(t, err)
	name := database(t, other)
	require.NoError(t, other.Close())
	e.db.SetMaxOpenConns(1)
	defer e.db.SetMaxOpenConns(0)
	for _, statement := range []string{"DROP DATABASE " + name + " WITH (FORCE)", "CREATE DATABASE " + name + " TEMPLATE " + database(t, e.db)} {
		_, err := e.db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	return dsn
}

// copySchema copies within the database.
func copySchema(t *testing.T, e *env) string {
	t.Helper()
	_, err := e.db.ExecContext(t.Context(), "CREATE SCHEMA copied")
	require.NoError(t, err)
	dsn := with(t, e.dsn, "search_path", "copied")
	return e.copyInto(t, open(t, e.driver, dsn), dsn)
}

// copyRows does what a dump and its restoring do.
func copyRows(t *testing.T, e *env) string {
	t.Helper()
	to, dsn := e.bare(t)
	return e.copyInto(t, to, dsn)
}

func (e *env) copyInto(t *testing.T, to *sql.DB, dsn string) string {
	t.Helper()
	require.NoError(t, sqlstore.Migrate(t.Context(), to, e.dialect))
	for _, table := range tablesOfRows {
		table = "amsbridge_" + table
		rows, err := e.db.QueryContext(t.Context(), "SELECT * FROM "+table)
		require.NoError(t, err)
		defer func() { require.NoError(t, rows.Close()) }()
		columns, err := rows.Columns()
		require.NoError(t, err)
		insert := "INSERT INTO " + table + " VALUES (" + strings.Repeat("?, ", len(columns)-1) + "?)"
		if e.dialect == sqlstore.PostgreSQL {
			insert = "INSERT INTO " + table + " OVERRIDING SYSTEM VALUE VALUES ("
			for i := range columns {
				insert += fmt.Sprintf("$%d, ", i+1)
			}
			insert = strings.TrimSuffix(insert, ", ") + ")"
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			require.NoError(t, rows.Scan(into...))
			_, err := to.ExecContext(t.Context(), insert, values...)
			require.NoError(t, err, insert)
		}
		require.NoError(t, rows.Err())
	}
	if e.dialect == sqlstore.PostgreSQL {
		for _, table := range []string{"message", "session", "audit"} {
			_, err := to.ExecContext(t.Context(), fmt.Sprintf("SELECT setval(pg_get_serial_sequence('amsbridge_%[1]s', 'id'), "+
				"(SELECT max(id) + 1 FROM amsbridge_%[1]s), false)", table))
			require.NoError(t, err)
		}
	}
	return dsn
}

// sendings notes what a sender sends, and its alarms.
type sendings struct {
	alarms
	marked, unmarked atomic.Int32
}

func (s *sendings) config(installation string) outbox.SenderConfig {
	cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
		if m.PossibleDuplicate() {
			s.marked.Add(1)
		} else {
			s.unmarked.Add(1)
		}
		return outbox.Result{}, nil
	})})
	cfg.Alarm, cfg.Installation = s.take, installation
	return cfg
}

// beaten waits until the sender of that database has beaten several times more.
func (e *env) beaten(t *testing.T) {
	t.Helper()
	beats := func() (n int) {
		require.NoError(t, e.db.QueryRowContext(t.Context(), "SELECT COALESCE(sum(beats), 0) FROM amsbridge_beat").Scan(&n))
		return n
	}
	enough := beats() + 3
	until(t, func() bool { return beats() >= enough }, "the sender goes on")
}

func (e *env) operator(t *testing.T) *outbox.Operator {
	t.Helper()
	o, err := outbox.NewOperator(e.store, outbox.OperatorConfig{})
	require.NoError(t, err)
	return o
}

// A copy of a database sends nothing by itself, while the original goes on. Adopted, it sends what it has, each
// marked as a possible duplicate.
func TestCopiesSendNothingUntilTheyAreAdopted(t *testing.T) {
	t.Parallel()
	for _, c := range copyings {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := c.of.open(t)
			var first, original, copied sendings
			e.insert(t, push("sent", "U-1"))
			_, stop := e.send(t, e.store, first.config(""))
			until(t, func() bool { return e.pending(t) == 0 }, "the first is sent")
			stop()
			e.insert(t, push("a", "U-1"), push("b", "U-2"))
			require.NoError(t, e.operator(t).PauseAll(t.Context(), actor, "somebody forgot"))
			require.NoError(t, e.operator(t).ResumeAll(t.Context(), actor, "it was not needed"))

			there := c.of.openAt(t, c.copy(t, e))
			there.send(t, there.store, copied.config(""))
			e.send(t, e.store, original.config(""))
			until(t, func() bool { return len(copied.of("")) > 0 }, "the copy's sender alarms")
			there.insert(t, push("c", "U-3"))
			there.beaten(t)
			until(t, func() bool { return e.pending(t) == 0 }, "the original goes on")
			require.ErrorIs(t, there.operator(t).ResumeAll(t.Context(), actor, "it is only a pause"), outbox.ErrNotAdopted)
			there.beaten(t)
			require.Zero(t, copied.marked.Load()+copied.unmarked.Load())
			require.Equal(t, 3, there.pending(t))
			require.Equal(t, []outbox.AlarmKind{outbox.AlarmInstallation}, copied.of(""), "it is said once")

			require.NoError(t, there.operator(t).Adopt(t.Context(), actor, "it is sent from now"))
			until(t, func() bool { return there.pending(t) == 0 }, "the copy sends")
			require.Equal(t, int32(3), copied.marked.Load())
			require.Zero(t, copied.unmarked.Load())
			e.beaten(t)
			require.Equal(t, int32(2), original.unmarked.Load())
			require.Zero(t, original.marked.Load())
			require.Empty(t, original.of(""))
		})
	}
}

// What shares everything with its original is told apart by a name. Moved with its name, it goes on.
func TestNamesTellInstallationsApart(t *testing.T) {
	t.Parallel()
	for _, c := range copyings {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := c.of.open(t)
			var first, other, moved sendings
			e.insert(t, push("sent", "U-1"))
			_, stop := e.send(t, e.store, first.config("production"))
			until(t, func() bool { return e.pending(t) == 0 }, "the first is sent")
			stop()
			e.insert(t, push("a", "U-1"))

			_, stop = e.send(t, e.store, other.config("staging"))
			until(t, func() bool { return len(other.of("")) > 0 }, "it is not the sender's")
			e.beaten(t)
			stop()
			require.Equal(t, 1, e.pending(t))
			require.NoError(t, e.operator(t).ResumeAll(t.Context(), actor, "it was the wrong sender"))

			there := c.of.openAt(t, c.copy(t, e))
			there.send(t, there.store, moved.config("production"))
			until(t, func() bool { return there.pending(t) == 0 }, "it goes on where it was moved to")
			require.Equal(t, int32(1), moved.unmarked.Load())
			require.Empty(t, moved.of(""))
		})
	}
}

// The documented path: what a restored database sends is marked, whether it is where it was or elsewhere.
func TestWhatARestoredDatabaseSendsIsMarked(t *testing.T) {
	t.Parallel()
	for _, c := range copyings {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := c.of.open(t)
			var first sendings
			e.insert(t, push("sent", "U-1"))
			_, stop := e.send(t, e.store, first.config(""))
			until(t, func() bool { return e.pending(t) == 0 }, "the first is sent")
			stop()
			e.insert(t, push("a", "U-1"), push("b", "U-2"))
			for _, restored := range []*env{c.of.openAt(t, c.copy(t, e)), e} {
				var sent sendings
				o := restored.operator(t)
				require.NoError(t, o.PauseAll(t.Context(), actor, "restored"))
				restored.send(t, restored.store, sent.config(""))
				restored.beaten(t)
				require.NoError(t, o.Adopt(t.Context(), actor, "restored from last night's backup"))
				restored.beaten(t)
				require.Equal(t, 2, restored.pending(t), "it may be looked at first")
				require.NoError(t, o.ResumeAll(t.Context(), actor, "restored"))
				until(t, func() bool { return restored.pending(t) == 0 }, "all is sent")
				require.Equal(t, int32(2), sent.marked.Load())
				require.Zero(t, sent.unmarked.Load())
				require.Empty(t, sent.of(""))
			}
		})
	}
}

// A role that may not ask for the cluster's identity joins all the same, as one of another installation than
// one that may.
func TestRolesThatMayNotAskForTheClusterJoin(t *testing.T) {
	t.Parallel()
	r := postgresRoles(t)
	sender := sqlProgram(t, sqlstore.PostgreSQL, "pgx", r.dsn("sender"))
	paused := func() bool {
		p := join(t, sender.store).beat(t, outbox.Beat{})
		return len(p.Closed) > 0
	}
	require.False(t, paused())
	require.False(t, paused())
	_, err := r.admin.ExecContext(t.Context(), "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
	require.NoError(t, err)
	require.True(t, paused())
}

// A sender that was not stopped meets the restored database in its session, which the backup had too. It joins
// anew, and finds whose it is.
func TestASenderThatWasNotStoppedNoticesTheRestoring(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		var sent sendings
		e.send(t, e.store, sent.config(""))
		e.beaten(t)
		e.inTx(t, func(tx *sql.Tx) error {
			for _, statement := range []string{"UPDATE amsbridge_beat SET beats = 1", "UPDATE amsbridge_installation SET adopted_at = 1, identity = 'elsewhere'"} {
				if _, err := tx.ExecContext(t.Context(), statement); err != nil {
					return err
				}
			}
			return nil
		})
		until(t, func() bool { return len(sent.of("")) > 0 }, "the sender alarms")
		e.insert(t, push("a", "U-1"))
		e.beaten(t)
		require.Zero(t, sent.marked.Load()+sent.unmarked.Load())
		require.NoError(t, e.operator(t).Adopt(t.Context(), actor, "restored"))
		until(t, func() bool { return e.pending(t) == 0 }, "it is sent")
		require.Equal(t, int32(1), sent.marked.Load())
	})
}
