package chaos

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// clock is the wall's, and as far ahead of it as the run has jumped.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// jump sets the clock to a moment in the future.
func (c *clock) jump(to time.Time) {
	if d := to.Sub(c.now()); d > 0 {
		c.ahead.Add(int64(d))
	}
}

// gate is a store's queue that knows how many leases are out, and stands still
// while the clock jumps: no lease ends because of a jump.
type gate struct {
	outbox.Queue
	mu      sync.RWMutex
	leased  atomic.Int64
	settled atomic.Int64 // in all
}

func (g *gate) Claim(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	claim, err := g.Queue.Claim(ctx, req)
	g.leased.Add(int64(len(claim.Leased)))
	return claim, err
}

func (g *gate) Settle(ctx context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	acked, err := g.Queue.Settle(ctx, batch)
	g.leased.Add(-int64(len(acked)))
	g.settled.Add(int64(len(acked)))
	return acked, err
}

// lateness counts the deliveries that timed out, by platform and key. It is safe
// for concurrent use.
type lateness struct {
	mu    sync.Mutex
	times map[string]int
}

// timed tells a lateness of a destination's deliveries.
type timed struct {
	outbox.Destination
	platform string
	late     *lateness
}

func (t timed) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	res, err := t.Destination.Deliver(ctx, m)
	if ctx.Err() != nil {
		t.late.mu.Lock()
		defer t.late.mu.Unlock()
		t.late.times[t.platform+" "+m.Key]++
	}
	return res, err
}
