package outbox_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// A database that is away for long is waited for with little noise.
func TestOutageOfTheStoreIsLoggedSeldom(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var lines counter
		r.cfg.Logger = slog.New(slog.NewTextHandler(&lines, nil))
		r.on("elevate", answering(5*time.Second))
		var away atomic.Bool
		r.queue = &faulty{
			Queue: r.store,
			read: func(ctx context.Context, req outbox.Reading) (outbox.Read, error) {
				if away.Load() {
					return outbox.Read{}, errAway
				}
				return r.store.Read(ctx, req)
			},
			settle: func(ctx context.Context, batch outbox.Settling) (outbox.Settled, error) {
				if away.Load() {
					return outbox.Settled{}, errAway
				}
				return r.store.Settle(ctx, batch)
			},
		}
		ids := r.insert(msgs(30)...)
		r.start()
		r.pass(time.Second)
		away.Store(true)
		r.pass(time.Minute)
		require.Greater(t, lines.n.Load(), int32(2))
		require.Less(t, lines.n.Load(), int32(15))
		away.Store(false)
		r.pass(30 * time.Second)
		r.requireAllDeliveredOnce(ids)
		require.EqualValues(t, 2, strings.Count(lines.text(), "answers again"), "each of the two says so")
		before := lines.n.Load()
		away.Store(true)
		r.pass(time.Hour)
		require.Less(t, lines.n.Load()-before, int32(75), "once a minute in the end")
	})
}

// counter counts lines of a log.
type counter struct {
	n   atomic.Int32
	mu  sync.Mutex
	all []byte
}

func (c *counter) Write(line []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n.Add(1)
	c.all = append(c.all, line...)
	return len(line), nil
}

func (c *counter) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.all)
}
