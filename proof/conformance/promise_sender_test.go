package conformance

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// recordingQueue lets a test record what goes between a sender and its queue.
type recordingQueue struct {
	outbox.Queue
	claimed func(outbox.Claim)
	settles func([]outbox.Settlement)
}

func (q recordingQueue) Claim(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
	c, err := q.Queue.Claim(ctx, req)
	if q.claimed != nil && err == nil {
		q.claimed(c)
	}
	return c, err
}

func (q recordingQueue) Settle(ctx context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
	if q.settles != nil {
		q.settles(batch)
	}
	return q.Queue.Settle(ctx, batch)
}

// moment is how long something must not happen that would happen within
// milliseconds if it could.
const moment = 150 * time.Millisecond

// An isolated message waits until its sender has nothing else in flight, and nothing
// joins it.
func TestPromise04_NothingElseIsInFlightBesideAnIsolatedMessage(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		e.insert(t, push("isolated", "U-1"))
		for range outbox.SuspectAfter {
			require.Len(t, e.claim(t, outbox.NewToken()), 1)
			e.ahead.Add(int64(time.Hour))
		}
		e.insert(t, push("neighbour", "U-2"))
		began := map[string]chan struct{}{"isolated": make(chan struct{}), "neighbour": make(chan struct{}), "latecomer": make(chan struct{})}
		queued := make(chan struct{})
		var under, together atomic.Int32
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			together.Store(max(together.Load(), under.Add(1)))
			defer under.Add(-1)
			close(began[m.Key])
			other := began["isolated"]
			if m.Key == "isolated" {
				<-queued
				other = began["latecomer"]
			}
			if m.Key != "latecomer" {
				select {
				case <-other:
				case <-time.After(moment):
				}
			}
			return outbox.Result{}, nil
		})})
		sender, _ := e.send(t, e.store, cfg)
		<-began["isolated"]
		e.insert(t, push("latecomer", "U-3"))
		sender.Wake()
		close(queued)
		until(t, func() bool { return e.pending(t) == 0 }, "all are delivered")
		require.Equal(t, int32(1), together.Load())
	})
}

func TestPromise04_LimitAndBackOffCountAttemptsNotDeferrals(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		id := e.insert(t, push("a", "U-1"))[0]
		script := []outbox.Outcome{
			outbox.OutcomeThrottled, outbox.OutcomeUnavailable, outbox.OutcomeThrottled, outbox.OutcomeThrottled,
			outbox.OutcomeUnavailable, outbox.OutcomeUnavailable, outbox.OutcomeUnavailable,
		}
		var mu sync.Mutex
		var attempts []int
		var delays []time.Duration
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			attempts = append(attempts, m.Attempt)
			return outbox.Result{}, &outbox.DeliveryError{Outcome: script[(len(attempts)-1)%len(script)], RetryAfter: time.Millisecond, Reason: "as told"}
		})})
		cfg.Retry = outbox.Retry{First: 10 * time.Millisecond, Longest: time.Minute, Attempts: 4}
		e.send(t, recordingQueue{Queue: e.store, settles: func(batch []outbox.Settlement) {
			mu.Lock()
			defer mu.Unlock()
			for _, st := range batch {
				if st.State == outbox.StatePending && !st.Deferred {
					delays = append(delays, st.Delay)
				}
			}
		}}, cfg)
		until(t, func() bool { return e.one(t, id).State == outbox.StateParked }, "parked when the schedule ends")
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []int{1, 1, 2, 2, 2, 3, 4}, attempts)
		require.Len(t, delays, 3)
		require.IsIncreasing(t, delays, "the back-off grows with the attempts")
		require.Contains(t, e.one(t, id).Reason, "gave up after 4 attempts")
	})
}

// The first claim takes so long that what remains of its leases is too short;
// the sender must know that without asking the database.
func TestPromise06_ShortLeaseIsReleasedAndCountedFromBeforeTheClaim(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		id := e.insert(t, push("a", "U-1"))[0]
		var claims, delivered atomic.Int32
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(ctx context.Context, m outbox.Message) (outbox.Result, error) {
			if _, ends := ctx.Deadline(); !ends {
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "its context has no end"}
			}
			if claims.Load() > 1 {
				delivered.Store(int32(m.Attempt)) //nolint:gosec // it is small
				return outbox.Result{}, nil
			}
			return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "started though its lease was too short"}
		})})
		const slack = time.Second
		cfg.DeliverTimeout, cfg.SettleTimeout, cfg.Margin = 30*time.Second, 10*time.Second, time.Second
		cfg.Lease = cfg.DeliverTimeout + cfg.SettleTimeout + cfg.Margin + slack
		e.send(t, recordingQueue{Queue: e.store, claimed: func(c outbox.Claim) {
			if len(c.Leased) > 0 && claims.Add(1) == 1 {
				<-time.After(slack + moment)
			}
		}}, cfg)
		until(t, func() bool { return e.one(t, id).State != outbox.StatePending }, "settled")
		require.Equal(t, outbox.StateDelivered, e.one(t, id).State, e.one(t, id).Reason)
		require.Equal(t, int32(1), delivered.Load(), "what was not started is no attempt")
		require.Len(t, e.log(t, id), 1)
		require.False(t, e.log(t, id)[0].PossibleDuplicate)
	})
}

func TestPromise07_SendWithoutAnAnswerMarksTheNext(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		fails := map[string]func(context.Context) error{
			"time-out": func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			},
			"cut connection": func(context.Context) error { return io.ErrUnexpectedEOF },
			"any error":      func(context.Context) error { return errors.New("who knows") },
			"panic":          func(context.Context) error { panic("a bug") },
			"unknown":        func(context.Context) error { return &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown} },
			"refused":        func(context.Context) error { return &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable} },
			"no such reply":  func(context.Context) error { return &outbox.DeliveryError{Outcome: 99} },
		}
		var mu sync.Mutex
		sent := map[string][]outbox.Message{}
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(ctx context.Context, m outbox.Message) (outbox.Result, error) {
			mu.Lock()
			sent[m.Key] = append(sent[m.Key], m)
			first := len(sent[m.Key]) == 1
			mu.Unlock()
			if first {
				return outbox.Result{}, fails[m.Key](ctx)
			}
			return outbox.Result{}, nil
		})})
		cfg.DeliverTimeout, cfg.Lease = 2*time.Second, time.Hour
		ids := map[string]outbox.ID{}
		for key := range fails {
			ids[key] = e.insert(t, push(key, key))[0]
		}
		e.send(t, e.store, cfg)
		until(t, func() bool { return e.pending(t) == 0 }, "delivered at the second try")
		mu.Lock()
		defer mu.Unlock()
		for key, id := range ids {
			doubtful := key != "refused"
			require.Len(t, sent[key], 2, key)
			require.False(t, sent[key][0].PossibleDuplicate(), key)
			require.Equal(t, doubtful, sent[key][1].PossibleDuplicate(), key)
			log := e.log(t, id)
			require.Len(t, log, 2, key)
			require.False(t, log[0].PossibleDuplicate, key)
			require.Equal(t, doubtful, log[1].PossibleDuplicate, key)
		}
	})
}
