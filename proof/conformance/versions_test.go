package conformance

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/internal/sqlmigrate"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/migrations"
)

// known is the newest version of the schema that this program knows.
func known(t *testing.T, d sqlstore.Dialect) int {
	t.Helper()
	names, err := fs.Glob(migrations.Files, string(d)+"/*.sql")
	require.NoError(t, err)
	return len(names)
}

// schemaOf is the outbox's migration set as a program has it that knows that
// many versions. Those that do not exist yet add a table.
func schemaOf(t *testing.T, d sqlstore.Dialect, versions int) sqlmigrate.Set {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(migrations.Files, string(d)+"/*.sql")
	require.NoError(t, err)
	for _, name := range names[:min(versions, len(names))] {
		text, err := fs.ReadFile(migrations.Files, name)
		require.NoError(t, err)
		files[name] = &fstest.MapFile{Data: text}
	}
	for v := len(names) + 1; v <= versions; v++ {
		text := fmt.Sprintf("CREATE TABLE amsbridge_later%d (id bigint);\nINSERT INTO amsbridge_migration (version, applied_at) VALUES (%d, 1);\n", v, v)
		files[fmt.Sprintf("%s/%04d_later.sql", d, v)] = &fstest.MapFile{Data: []byte(text)}
	}
	return sqlmigrate.Set{Files: files, Folder: string(d), Dialect: string(d), Versions: "amsbridge_migration"}
}

// onSchemas runs a proof on each database, with the tables as they are that many
// versions after the newest known one.
func onSchemas(t *testing.T, after int, proof func(t *testing.T, e *env)) {
	t.Helper()
	t.Parallel()
	for _, s := range engines {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			db, dsn := s.bare(t)
			require.NoError(t, schemaOf(t, s.dialect, known(t, s.dialect)+after).Migrate(t.Context(), db))
			store, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: s.dialect})
			require.NoError(t, err)
			proof(t, &env{setup: s, db: db, dsn: dsn, store: store})
		})
	}
}

func (e *env) problem(t *testing.T) string {
	t.Helper()
	err := e.store.Validate(t.Context())
	require.ErrorIs(t, err, sqlstore.ErrSchema)
	return err.Error()
}

// An old program on a newer schema: one that starts is refused by Validate, and
// its Migrate changes nothing; one that runs already, with Validate behind it,
// goes on, for a later version adds tables and changes none.
func TestOldProgramOnNewSchema(t *testing.T) {
	onSchemas(t, 1, func(t *testing.T, e *env) {
		n := known(t, e.dialect)
		refused := fmt.Sprintf("it has %d versions, this program knows %d", n+1, n)
		require.Contains(t, e.problem(t), refused)
		require.NoError(t, sqlstore.Migrate(t.Context(), e.db, e.dialect))
		require.Contains(t, e.problem(t), refused, "nothing was taken away")
		e.requireWork(t)
	})
}

// A new program on an older schema is told which version is missing, and what to
// run.
func TestNewProgramOnOldSchema(t *testing.T) {
	onSchemas(t, 0, func(t *testing.T, e *env) {
		n := known(t, e.dialect) + 1
		later := schemaOf(t, e.dialect, n)
		problem, err := later.Problem(t.Context(), e.db)
		require.NoError(t, err)
		require.Contains(t, problem, fmt.Sprintf("version %d is missing: run Migrate", n))
		require.Contains(t, problem, fmt.Sprintf("%s/%04d_", e.dialect, n))
		require.NoError(t, later.Migrate(t.Context(), e.db))
		problem, err = later.Problem(t.Context(), e.db)
		require.NoError(t, err)
		require.Empty(t, problem)
		e.requireWork(t)
	})
}

// requireWork stores a message and has it delivered.
func (e *env) requireWork(t *testing.T) {
	t.Helper()
	ids := e.insert(t, push("work "+rand.Text(), "U-1"))
	_, stop := e.send(t, e.store, quick(outbox.Fixed{"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
		return outbox.Result{}, nil
	})}))
	until(t, func() bool {
		found, err := e.store.Find(t.Context(), outbox.Query{IDs: ids})
		return err == nil && len(found) == 1 && found[0].State == outbox.StateDelivered
	}, "it is delivered")
	stop()
}

// The schema is brought up to date while shops sell and senders send.
func TestMigrateWhileOthersWork(t *testing.T) {
	onSchemas(t, 0, func(t *testing.T, e *env) {
		ctx := t.Context()
		var sent atomic.Int32
		for range 2 {
			e.send(t, e.store, quick(outbox.Fixed{"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
				sent.Add(1)
				return outbox.Result{}, nil
			})}))
		}
		const shops = 2
		enough, sold := make(chan struct{}), make(chan int, shops)
		failed := make(chan error, shops)
		for shop := range shops {
			go func() {
				n := 0
				for ; ; n++ {
					select {
					case <-enough:
						sold <- n
						return
					default:
					}
					key := fmt.Sprintf("shop %d sale %d", shop, n)
					err := sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error {
						_, err := e.store.InsertTx(ctx, tx, push(key, key))
						return err
					})
					if err != nil {
						failed <- err
						sold <- n
						return
					}
				}
			}()
		}
		until(t, func() bool { return sent.Load() > 20 }, "they work")
		later := schemaOf(t, e.dialect, known(t, e.dialect)+1)
		require.NoError(t, later.Migrate(ctx, e.db))
		before := sent.Load()
		until(t, func() bool { return sent.Load() > before+20 }, "they go on")
		close(enough)
		all := <-sold + <-sold
		close(failed)
		require.NoError(t, <-failed, "no checkout failed by it")
		until(t, func() bool { return int(sent.Load()) >= all && e.pending(t) == 0 }, "all is delivered")
		require.Equal(t, all, int(sent.Load()))
		problem, err := later.Problem(ctx, e.db)
		require.NoError(t, err)
		require.Empty(t, problem)
	})
}

// What a version adds never makes an earlier program wrong: it neither drops nor
// renames, and what it adds to a table has a default.
func TestLaterVersionsOnlyAdd(t *testing.T) {
	t.Parallel()
	for _, s := range engines {
		names, err := fs.Glob(migrations.Files, string(s.dialect)+"/*.sql")
		require.NoError(t, err)
		for _, name := range names[1:] {
			text, err := fs.ReadFile(migrations.Files, name)
			require.NoError(t, err)
			for statement := range strings.SplitSeq(string(text), ";\n") {
				var words []string
				for line := range strings.SplitSeq(statement, "\n") {
					code, _, _ := strings.Cut(line, "--")
					words = append(words, strings.Fields(strings.ToUpper(code))...)
				}
				if len(words) == 0 {
					continue
				}
				require.Contains(t, []string{"CREATE", "INSERT", "UPDATE"}, words[0], "%s: %s", name, statement)
			}
		}
	}
}
