package chaos

import (
	"context"
	"slices"
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

// jumpingQueue is a store's queue that knows which flights are not over, and keeps its callers waiting while the
// clock jumps.
type jumpingQueue struct {
	outbox.Queue
	jumping sync.RWMutex
	settled atomic.Int64 // in all

	mu      sync.Mutex
	flights map[flight]struct{}
}

// flight names one of all sessions'.
type flight struct {
	session outbox.SessionID
	n       int64
}

func (q *jumpingQueue) Record(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
	q.jumping.RLock()
	defer q.jumping.RUnlock()
	rec, err := q.Queue.Record(ctx, f)
	if len(rec.Begun) > 0 {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.flights[flight{f.Session, f.N}] = struct{}{}
	}
	return rec, err
}

func (q *jumpingQueue) Settle(ctx context.Context, s outbox.Settling) (outbox.Settled, error) {
	q.jumping.RLock()
	defer q.jumping.RUnlock()
	over := slices.Clone(s.Over)
	got, err := q.Queue.Settle(ctx, s)
	q.settled.Add(int64(len(got.Acked)))
	if err == nil && len(got.Acked) == len(s.Batch) {
		q.mu.Lock()
		defer q.mu.Unlock()
		for _, n := range over {
			delete(q.flights, flight{s.Session, n})
		}
	}
	return got, err
}

// sending tells whether some flight is not over.
func (q *jumpingQueue) sending() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.flights) > 0
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
