package conformance

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// isolated runs f in a transaction of that level.
func (e *env) isolated(ctx context.Context, level sql.IsolationLevel, f func(tx *sql.Tx) error) error {
	tx, err := e.db.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func sqlState(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

// Under the stricter levels a repeat is told as ever, and a concurrent first report
// of the same order fails as any insertion of a unique key does: the shop tries again.
func TestRepeatsUnderStricterIsolation(t *testing.T) {
	t.Parallel()
	for _, s := range setups[2:4] {
		for _, level := range []sql.IsolationLevel{sql.LevelRepeatableRead, sql.LevelSerializable} {
			t.Run(s.name+" "+level.String(), func(t *testing.T) {
				t.Parallel()
				e := s.open(t)
				hook := e.hook(t)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				report := func(id string, done amsbridge.Did) func(tx *sql.Tx) error {
					return func(tx *sql.Tx) error {
						r, err := hook.OrderCompleted(ctx, tx, purchase(id, member("U-1"), "course", "dinner"))
						if err == nil {
							require.Equal(t, []amsbridge.Did{done, done}, did(r))
						}
						return err
					}
				}
				require.NoError(t, e.isolated(ctx, level, func(tx *sql.Tx) error {
					return errors.Join(report("1001", amsbridge.DidQueued)(tx), report("1001", amsbridge.DidUnchanged)(tx))
				}))
				require.NoError(t, e.isolated(ctx, level, report("1001", amsbridge.DidUnchanged)), "a later repeat")

				first, err := e.db.BeginTx(ctx, &sql.TxOptions{Isolation: level})
				require.NoError(t, err)
				require.NoError(t, report("1002", amsbridge.DidQueued)(first))
				second := make(chan error, 1)
				go func() { second <- e.isolated(ctx, level, report("1002", amsbridge.DidUnchanged)) }()
				until(t, func() bool {
					var waiting int
					err := e.db.QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()").Scan(&waiting)
					return err == nil && waiting == 1
				}, "the second report waits for the first")
				require.NoError(t, first.Commit())
				err = <-second
				require.Error(t, err)
				require.Equal(t, "40001", sqlState(err), "the database's serialization error, for the shop to see: %v", err)
				require.NoError(t, e.isolated(ctx, level, report("1002", amsbridge.DidUnchanged)), "tried again")
				for _, id := range []string{"1001", "1002"} {
					found, err := e.store.Find(ctx, outbox.Query{Subject: id})
					require.NoError(t, err)
					require.Len(t, found, 2)
				}
			})
		}
	}
}
