package conformance

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// A shop that swallows the error of a call of ours after which MariaDB has rolled back, and goes on, is told
// all the same: a commit would succeed without the order.
func TestInTxTellsOfARollBackThatWasSwallowed(t *testing.T) {
	t.Parallel()
	order := func(ctx context.Context, e *env, tx *sql.Tx, subject string) error {
		ok, err := e.store.AppendTx(ctx, tx, outbox.Entry{Subject: subject, N: 1})
		if err == nil && !ok {
			return errors.New("it was there")
		}
		return err
	}
	for name, c := range map[string]struct {
		number   uint16
		settings []string
		// before runs in another transaction, before the checkout; meanwhile runs in it while the checkout is open.
		before, meanwhile string
		meet              func(ctx context.Context, e *env, tx *sql.Tx) error
	}{
		"lock wait time-out": {
			number: 1205, settings: []string{"SET SESSION innodb_lock_wait_timeout = 1"}, before: "other",
			meet: func(ctx context.Context, e *env, tx *sql.Tx) error { return order(ctx, e, tx, "other") },
		},
		"changed record": {
			number: 1020, settings: []string{"SET SESSION innodb_snapshot_isolation = ON"}, meanwhile: "other",
			meet: func(ctx context.Context, e *env, tx *sql.Tx) error {
				_, err := e.store.LastEntryTx(ctx, tx, "", "other", 1)
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := setups[4].open(t)
			ctx := t.Context()
			_, err := e.db.ExecContext(ctx, "CREATE TABLE shop_order (id VARCHAR(20) PRIMARY KEY)")
			require.NoError(t, err)
			other, err := e.db.BeginTx(ctx, nil)
			require.NoError(t, err)
			defer func() { _ = other.Rollback() }()
			if c.before != "" {
				require.NoError(t, order(ctx, e, other, c.before))
			}
			woken := false
			err = sqlstore.InTx(ctx, e.db, func() { woken = true }, func(tx *sql.Tx) error {
				for _, set := range append(c.settings, "INSERT INTO shop_order (id) VALUES ('1001')", "SELECT COUNT(*) FROM amsbridge_entry") {
					_, err := tx.ExecContext(ctx, set)
					require.NoError(t, err)
				}
				if c.meanwhile != "" {
					require.NoError(t, order(ctx, e, other, c.meanwhile))
					require.NoError(t, other.Commit())
				}
				met := c.meet(ctx, e, tx)
				require.Error(t, met)
				again := order(ctx, e, tx, "1001")
				require.ErrorIs(t, again, mysqlError(met), "nothing more is written, for it would be committed by itself")
				return nil
			})
			require.EqualValues(t, c.number, mysqlError(err).Number, "%v", err)
			require.ErrorContains(t, err, "rolled the transaction back")
			require.False(t, woken)
			var orders int
			require.NoError(t, e.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM shop_order").Scan(&orders))
			require.Zero(t, orders)
			require.NoError(t, sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error { return order(ctx, e, tx, "1002") }))
		})
	}
}

func mysqlError(err error) *mysql.MySQLError {
	e := &mysql.MySQLError{}
	errors.As(err, &e)
	return e
}

// A deadlock is told too, whichever of the two loses it.
func TestInTxTellsOfADeadlockThatWasSwallowed(t *testing.T) {
	t.Parallel()
	e := setups[4].open(t)
	ctx := t.Context()
	errs, ready := make(chan error, 2), make(chan struct{})
	for _, subjects := range [][]string{{"a", "b"}, {"b", "a"}} {
		go func() {
			errs <- sqlstore.InTx(ctx, e.db, nil, func(tx *sql.Tx) error {
				for i, s := range subjects {
					if i == 1 {
						select { // both have their first
						case ready <- struct{}{}:
						case <-ready:
						}
					}
					_, _ = e.store.AppendTx(ctx, tx, outbox.Entry{Subject: s, N: 1})
				}
				return nil
			})
		}()
	}
	first, second := <-errs, <-errs
	require.EqualValues(t, 1213, mysqlError(errors.Join(first, second)).Number)
	require.True(t, first == nil || second == nil)
}

// PostgreSQL rolls back where a commit is asked for after an error, and says so.
func TestInTxTellsOfAnErrorThatWasSwallowedOnPostgreSQL(t *testing.T) {
	t.Parallel()
	for _, s := range setups[2:4] {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := s.open(t)
			require.Error(t, sqlstore.InTx(t.Context(), e.db, nil, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(t.Context(), "SELECT 1/0")
				require.Error(t, err)
				return nil
			}))
		})
	}
	e := openPgx(t, nil)
	require.ErrorIs(t, pgxstore.InTx(t.Context(), e.pool, nil, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "SELECT 1/0")
		require.Error(t, err)
		return nil
	}), pgx.ErrTxCommitRollback)
}
