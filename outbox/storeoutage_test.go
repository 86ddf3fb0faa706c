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
	bubble(t, func(t *testing.T, r *rig) {
		var lines counter
		r.cfg.Logger = slog.New(slog.NewTextHandler(&lines, nil))
		r.on("elevate", answering(5*time.Second))
		var away atomic.Bool
		r.queue = &faulty{
			Queue: r.store,
			claim: func(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
				if away.Load() {
					return outbox.Claim{}, errAway
				}
				return r.store.Claim(ctx, req)
			},
			settle: func(ctx context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
				if away.Load() {
					return nil, errAway
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

// A claim that uses up what a lease has to spare gives back all that it took. It
// is no reason to ask again at once, and the log says what to do.
func TestClaimsThatTakeTooLongAreSaidAndSeldom(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		var lines counter
		r.cfg.Logger = slog.New(slog.NewTextHandler(&lines, nil))
		r.on("elevate", answer(nil))
		var claims atomic.Int32
		var quick atomic.Bool
		r.queue = &faulty{Queue: r.store, claim: func(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
			claims.Add(1)
			c, err := r.store.Claim(ctx, req)
			if !quick.Load() {
				time.Sleep(6 * time.Second)
			}
			return c, err
		}}
		r.cfg.Lease = 50 * time.Second // 5 s more than the time-outs and the margin
		ids := r.insert(msgs(30)...)
		r.start()
		r.pass(10 * time.Minute)
		require.Zero(t, r.sends())
		require.InDelta(t, 60, claims.Load(), 10, "every 11 s in the end, not every 6")
		require.Contains(t, lines.text(), "claims take longer than a lease has to spare")
		require.Contains(t, lines.text(), "it took 6s, and a lease has 5s to spare")
		require.Less(t, lines.n.Load(), int32(20))
		quick.Store(true)
		r.pass(time.Minute)
		r.requireAllDeliveredOnce(ids)
		require.Contains(t, lines.text(), "answers again")
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
