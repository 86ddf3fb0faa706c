package conformance

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
)

// Whatever a shop does first with its transaction, it is within it: it is committed or rolled back as a whole. BEGIN
// costs no round trip where the first statement is an Exec with parameters.
func TestPgxInTxIsWholeWhateverComesFirst(t *testing.T) {
	t.Parallel()
	wire := &turns{}
	e := openPgx(t, wire.count)
	ctx := t.Context()
	_, err := e.pool.Exec(ctx, "CREATE TABLE note (text varchar(64) PRIMARY KEY)")
	require.NoError(t, err)
	const insert = "INSERT INTO note VALUES ($1)"
	for name, tc := range map[string]struct {
		trips int64
		first func(tx pgx.Tx, text string) error
	}{
		"exec": {2, func(tx pgx.Tx, text string) error { return execErr(tx.Exec(ctx, insert, text)) }},
		"exec, rewriter": {2, func(tx pgx.Tx, text string) error {
			return execErr(tx.Exec(ctx, "INSERT INTO note VALUES (@t)", pgx.NamedArgs{"t": text}))
		}},
		"exec, options": {3, func(tx pgx.Tx, text string) error { return execErr(tx.Exec(ctx, insert, pgx.QueryExecModeExec, text)) }},
		"several": {3, func(tx pgx.Tx, text string) error {
			return execErr(tx.Exec(ctx, "SELECT 1; INSERT INTO note VALUES ('"+text+"')"))
		}},
		"query row": {3, func(tx pgx.Tx, text string) error {
			return tx.QueryRow(ctx, insert+" RETURNING text", text).Scan(&text)
		}},
		"query": {3, func(tx pgx.Tx, text string) error {
			rows, err := tx.Query(ctx, insert+" RETURNING text", text)
			if err != nil {
				return err
			}
			_, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
			return err
		}},
		"savepoint": {5, func(tx pgx.Tx, text string) error {
			return pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return execErr(tx.Exec(ctx, insert, text)) })
		}},
		"batch": {3, func(tx pgx.Tx, text string) error {
			b := &pgx.Batch{}
			b.Queue(insert, text)
			return tx.SendBatch(ctx, b).Close()
		}},
		"copy": {0, func(tx pgx.Tx, text string) error {
			_, err := tx.CopyFrom(ctx, pgx.Identifier{"note"}, []string{"text"}, pgx.CopyFromRows([][]any{{text}}))
			return err
		}},
		"connection": {3, func(tx pgx.Tx, text string) error { return execErr(tx.Conn().Exec(ctx, insert, text)) }},
		"large objects": {4, func(tx pgx.Tx, text string) error {
			objects := tx.LargeObjects()
			if _, err := objects.Create(ctx, 0); err != nil {
				return err
			}
			return execErr(tx.Exec(ctx, insert, text))
		}},
		"prepare": {4, func(tx pgx.Tx, text string) error {
			if _, err := tx.Prepare(ctx, "noted", insert); err != nil {
				return err
			}
			return execErr(tx.Exec(ctx, "noted", text))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var trips int64
			for _, text := range []string{name + " warm", name} {
				trips = wire.during(func() {
					require.NoError(t, pgxstore.InTx(ctx, e.pool, nil, func(tx pgx.Tx) error { return tc.first(tx, text) }))
				})
				require.Equal(t, 1, noted(t, e.pool, text))
			}
			if tc.trips > 0 && name != "prepare" {
				require.Equal(t, tc.trips, trips)
			}
			undone := name + " undone"
			require.ErrorIs(t, pgxstore.InTx(ctx, e.pool, nil, func(tx pgx.Tx) error {
				require.NoError(t, tc.first(tx, undone))
				return context.Canceled
			}), context.Canceled)
			require.Zero(t, noted(t, e.pool, undone))
			if name == "savepoint" { // whose failure is its own
				return
			}
			err := pgxstore.InTx(ctx, e.pool, nil, func(tx pgx.Tx) error {
				require.Error(t, tc.first(tx, name), "it is there")
				_, err := tx.Exec(ctx, insert, undone)
				require.Error(t, err)
				return nil
			})
			require.ErrorIs(t, err, pgx.ErrTxCommitRollback)
			require.Zero(t, noted(t, e.pool, undone))
		})
	}
}

func execErr(_ any, err error) error { return err }

func noted(t *testing.T, pool *pgxpool.Pool, text string) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM note WHERE text = $1", text).Scan(&n))
	return n
}

// A statement that cannot be prepared, and a server that refuses to begin: nothing that follows is committed.
func TestPgxInTxThatCouldNotBeginCommitsNothing(t *testing.T) {
	t.Parallel()
	e := openPgx(t, func(*pgxpool.Config) {})
	ctx := t.Context()
	err := pgxstore.InTx(ctx, e.pool, nil, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO nowhere VALUES ($1)", 1)
		require.ErrorContains(t, err, "nowhere")
		_, err = e.store.InsertTx(ctx, tx, push("k", "U-1"))
		require.Error(t, err)
		return nil
	})
	require.Error(t, err)
	require.Zero(t, e.pool.Stat().AcquiredConns())
	for name, use := range map[string]func(tx pgx.Tx) error{
		"query row": func(tx pgx.Tx) error { return tx.QueryRow(ctx, "SELECT 1").Scan(new(int)) },
		"nothing":   func(pgx.Tx) error { return nil },
		"large":     func(tx pgx.Tx) error { objects := tx.LargeObjects(); _, err := objects.Create(ctx, 0); return err },
		"batch":     func(tx pgx.Tx) error { return tx.SendBatch(ctx, &pgx.Batch{}).Close() },
	} {
		t.Run(name, func(t *testing.T) {
			err := pgxstore.InTx(ctx, e.pool, func() { t.Error("woken") }, func(tx pgx.Tx) error {
				_, err := e.pool.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
				require.NoError(t, err)
				return use(tx)
			})
			require.ErrorContains(t, err, "begin")
			require.NotErrorIs(t, err, pgx.ErrTxClosed)
		})
	}
}
