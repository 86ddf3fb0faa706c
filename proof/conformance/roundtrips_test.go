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

// What the hook adds to the shop's transaction, whatever the number of lines: a first
// report one statement, and a repeat two, with which nothing is written.
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
	for i, products := range [][]string{{"course"}, many, {"course", "nowhere"}} {
		report := purchase(fmt.Sprint("order-", i), member("U-1"), products...)
		for j, kind := range []string{"first", "repeat"} {
			require.NoError(t, sqlstore.InTx(t.Context(), db, nil, func(tx *sql.Tx) error {
				before := count.n.Load()
				r, err := hook.OrderCompleted(t.Context(), tx, report)
				require.NoError(t, err)
				require.NotEmpty(t, r.Entries)
				require.Equal(t, int64(j+1), count.n.Load()-before, "%s, %d lines", kind, len(products))
				return nil
			}))
		}
	}
}
