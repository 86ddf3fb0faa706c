package conformance

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// readOnly is what a session says whose server takes no writes any more, as after a fail-over.
var readOnly = map[sqlstore.Dialect]string{
	sqlstore.PostgreSQL: "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
	sqlstore.MySQL:      "SET SESSION TRANSACTION READ ONLY",
}

// writes are calls that write: an operator's, which is a transaction of ours, and a checkout.
func writes[Tx any](p program[Tx]) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"ours": func(ctx context.Context) error {
			return p.store.Act(ctx, outbox.Action{Verb: outbox.VerbPause, Destination: "elevate", Reason: "test"})
		},
		"a checkout": func(ctx context.Context) error {
			return p.inTx(ctx, nil, func(tx Tx) error {
				_, err := p.store.InsertTx(ctx, tx, push("k", "U-1"))
				return err
			})
		},
	}
}

// A pool that is full of connections to a server which takes no writes any more gets rid of them: each call
// that meets one closes it.
func TestReadOnlyConnectionsLeaveThePool(t *testing.T) {
	t.Parallel()
	const pooled = 3
	recovers := func(t *testing.T, name string, write func(ctx context.Context) error) {
		t.Helper()
		failed := 0
		for ; failed <= pooled; failed++ {
			if err := write(t.Context()); err == nil {
				break
			}
		}
		require.Equal(t, pooled, failed, name)
	}
	for _, s := range setups[2:5] {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := s.open(t)
			db := open(t, s.driver, e.dsn)
			db.SetMaxIdleConns(pooled)
			store, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: s.dialect})
			require.NoError(t, err)
			for name, write := range writes(program[*sql.Tx]{store, func(ctx context.Context, wake func(), fn func(*sql.Tx) error) error {
				return sqlstore.InTx(ctx, db, wake, fn)
			}}) {
				if s.driver == "postgres" && name == "a checkout" {
					continue // lib/pq begins READ WRITE, so only a server refuses it, not a session
				}
				var conns []*sql.Conn
				for range pooled {
					c, err := db.Conn(t.Context())
					require.NoError(t, err)
					_, err = c.ExecContext(t.Context(), readOnly[s.dialect])
					require.NoError(t, err)
					conns = append(conns, c)
				}
				for _, c := range conns {
					require.NoError(t, c.Close())
				}
				recovers(t, name, write)
			}
		})
	}
	t.Run("pgxstore", func(t *testing.T) {
		t.Parallel()
		e := openPgx(t, nil)
		for name, write := range writes(program[pgx.Tx]{e.store, func(ctx context.Context, wake func(), fn func(pgx.Tx) error) error {
			return pgxstore.InTx(ctx, e.pool, wake, fn)
		}}) {
			e.pool.Reset()
			var conns []*pgxpool.Conn
			for range pooled {
				c, err := e.pool.Acquire(t.Context())
				require.NoError(t, err)
				_, err = c.Exec(t.Context(), readOnly[sqlstore.PostgreSQL])
				require.NoError(t, err)
				conns = append(conns, c)
			}
			for _, c := range conns {
				c.Release()
			}
			recovers(t, name, write)
		}
	})
}
