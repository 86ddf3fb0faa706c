package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// queries counts the statements that go to the server.
type queries struct{ n atomic.Int64 }

func (q *queries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	q.n.Add(1)
	return ctx
}

func (q *queries) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// What the hook adds to the shop's transaction: one statement, whatever the
// number of lines; two for a repeat, and where lines are parked, since their
// order is looked up first.
func TestRoundTripsOfTheHook(t *testing.T) {
	t.Parallel()
	e := engines[1].open(t)
	cfg, err := pgx.ParseConfig(e.dsn)
	require.NoError(t, err)
	count := &queries{}
	cfg.Tracer = count
	db := stdlib.OpenDB(*cfg)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	hook := e.hook(t)
	many := make([]string, 200)
	for i := range many {
		many[i] = []string{"course", "dinner", "lunch", "course-2"}[i%4]
	}
	for i, c := range []struct {
		products []string
		want     int64
	}{{[]string{"course"}, 1}, {many, 1}, {[]string{"course", "nowhere"}, 2}} {
		report := purchase(fmt.Sprint("order-", i), member("U-1"), c.products...)
		for _, kind := range []string{"first", "repeat"} {
			require.NoError(t, sqlstore.InTx(t.Context(), db, nil, func(tx *sql.Tx) error {
				before := count.n.Load()
				q, err := hook.OrderCompleted(t.Context(), tx, report)
				require.NoError(t, err)
				require.NotEmpty(t, q.Messages)
				want := c.want
				if kind == "repeat" {
					want = 2
				}
				require.LessOrEqual(t, count.n.Load()-before, want, "%s, %d lines", kind, len(c.products))
				return nil
			}))
		}
	}
}
