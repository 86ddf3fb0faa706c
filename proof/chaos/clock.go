package chaos

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// clock is the wall clock, put forward by as much as the run has jumped.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// jump sets the clock to a moment in the future.
func (c *clock) jump(to time.Time) {
	if d := to.Sub(c.now()); d > 0 {
		c.ahead.Add(int64(d))
	}
}

// jumpingQueue is a store's queue that counts the leases, and keeps its callers
// waiting while the clock jumps: no lease ends because of a jump.
type jumpingQueue struct {
	outbox.Queue
	mu      sync.RWMutex
	leased  atomic.Int64
	settled atomic.Int64 // in all
}

func (q *jumpingQueue) Claim(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
	q.mu.RLock()
	defer q.mu.RUnlock()
	claim, err := q.Queue.Claim(ctx, req)
	q.leased.Add(int64(len(claim.Leased)))
	return claim, err
}

func (q *jumpingQueue) Settle(ctx context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
	q.mu.RLock()
	defer q.mu.RUnlock()
	acked, err := q.Queue.Settle(ctx, batch)
	q.leased.Add(-int64(len(acked)))
	q.settled.Add(int64(len(acked)))
	return acked, err
}

// timeouts counts the deliveries that timed out, by platform and key. It is safe
// for concurrent use.
type timeouts struct {
	mu    sync.Mutex
	count map[string]int
}

// timedDestination counts a destination's deliveries that timed out.
type timedDestination struct {
	outbox.Destination
	platform string
	timeouts *timeouts
}

func (t timedDestination) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	res, err := t.Destination.Deliver(ctx, m)
	if ctx.Err() != nil {
		t.timeouts.mu.Lock()
		defer t.timeouts.mu.Unlock()
		t.timeouts.count[t.platform+" "+m.Key]++
	}
	return res, err
}
