package conformance

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// turns counts round trips on the wire: how often something was sent after
// something was received.
type turns struct{ n atomic.Int64 }

func (c *turns) during(f func()) int64 {
	before := c.n.Load()
	f()
	return c.n.Load() - before
}

// count has a pool's connections counted.
func (c *turns) count(cfg *pgxpool.Config) {
	cfg.MaxConns = 1
	dial := cfg.ConnConfig.DialFunc
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		wire, err := dial(ctx, network, addr)
		return &turning{Conn: wire, turns: c}, err
	}
}

type turning struct {
	net.Conn
	turns    *turns
	received atomic.Bool
}

func (c *turning) Write(b []byte) (int, error) {
	if c.received.Swap(false) {
		c.turns.n.Add(1)
	}
	return c.Conn.Write(b)
}

func (c *turning) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.received.Store(true)
	}
	return n, err
}

// What the hook adds to the shop's transaction on the wire, once the connection
// has prepared its statements, or in a mode that prepares none.
func TestRoundTripsOnPgx(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			wire := &turns{}
			e := openPgx(t, func(c *pgxpool.Config) {
				wire.count(c)
				c.ConnConfig.DefaultQueryExecMode = mode
			})
			ctx, hook := t.Context(), e.hook(t)
			report := func(id string, lines int) (trips int64) {
				products := make([]string, lines)
				for i := range products {
					products[i] = []string{"course", "dinner", "lunch", "course-2"}[i%4]
				}
				require.NoError(t, pgxstore.InTx(ctx, e.pool, nil, func(tx pgx.Tx) error {
					trips = wire.during(func() {
						r, err := hook.OrderCompleted(ctx, tx, purchase(id, member("U-"+id), products...))
						require.NoError(t, err)
						require.NotEmpty(t, r.Entries)
					})
					return nil
				}))
				return trips
			}
			for _, lines := range []int{1, 4, 1} { // the last is a repeat
				report(fmt.Sprint("warm-", lines), lines)
			}
			require.Equal(t, int64(1), report("one", 1))
			require.Equal(t, int64(2), report("one", 1), "a repeat")
			require.Equal(t, int64(1), report("fifty", 50))
			require.Equal(t, int64(2), report("fifty", 50), "a repeat")

			requireFewTripsOfASender(t, e, wire)
		})
	}
}

// requireFewTripsOfASender counts what a sender's calls take, whatever the number
// of messages.
func requireFewTripsOfASender(t *testing.T, e *pgxEnv, wire *turns) {
	t.Helper()
	ctx := t.Context()
	s := join(t, e.store)
	owned := s.beat(t, outbox.Beat{}).Owned
	type trips struct{ read, record, settle, beat, nothing int64 }
	round := func(n int) (took trips) {
		require.NoError(t, pgxstore.InTx(ctx, e.pool, nil, func(tx pgx.Tx) error {
			var msgs []outbox.Message
			for i := range 30 {
				msgs = append(msgs, push(fmt.Sprint("round-", n, "-", i), fmt.Sprint("U-", i)))
			}
			_, err := e.store.InsertTx(ctx, tx, msgs...)
			return err
		}))
		req := outbox.Reading{Session: s.id, Shards: owned, Limit: 100}
		var got outbox.Read
		took.read = wire.during(func() {
			var err error
			got, err = e.store.Read(ctx, req)
			require.NoError(t, err)
		})
		require.GreaterOrEqual(t, len(got.Messages), 30)
		var begun []held
		took.record = wire.during(func() { begun = s.record(t, got.Messages...) })
		require.Len(t, begun, len(got.Messages))
		settling := outbox.Settling{Session: s.id, Over: []int64{s.n}}
		for _, h := range begun {
			settling.Batch = append(settling.Batch, deliveredOf(h.Message))
		}
		took.settle = wire.during(func() {
			settled, err := e.store.Settle(ctx, settling)
			require.NoError(t, err)
			require.Len(t, settled.Acked, len(begun))
		})
		took.beat = wire.during(func() { s.beat(t, outbox.Beat{}) })
		took.nothing = wire.during(func() {
			got, err := e.store.Read(ctx, req)
			require.NoError(t, err)
			require.Empty(t, got.Messages)
		})
		return took
	}
	for n := range 3 {
		round(n)
	}
	require.Equal(t, trips{1, 1, 1, 1, 1}, round(3))
}
