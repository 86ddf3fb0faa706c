package conformance

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// senderConns is the most connections that one sender uses at once, whatever its
// concurrency: one each to beat, to read, to record, to settle and to prune.
const senderConns = 5

// A sender needs few connections, and makes do with one.
func TestSenderUsesFewConnections(t *testing.T) {
	t.Parallel()
	for _, s := range engines {
		for _, limit := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s limited to %d", s.name, limit), func(t *testing.T) {
				t.Parallel()
				looker := s.open(t)
				db := open(t, s.driver, looker.dsn)
				db.SetMaxIdleConns(100) // so that all that were opened can be counted
				db.SetMaxOpenConns(limit)
				store, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: s.dialect})
				require.NoError(t, err)
				opened := db.Stats().OpenConnections
				var msgs []outbox.Message
				for i := range 300 {
					key := fmt.Sprint("k", i)
					msgs = append(msgs, push(key, key))
				}
				looker.insert(t, msgs...)
				cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
					return outbox.Result{}, nil
				})})
				cfg.Concurrency = 100
				_, stop := looker.send(t, store, cfg)
				until(t, func() bool { return looker.pending(t) == 0 }, "all is delivered")
				stop()
				require.LessOrEqual(t, db.Stats().OpenConnections, max(senderConns, opened))
			})
		}
	}
}
