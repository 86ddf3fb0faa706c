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
	recorded func(outbox.Recorded)
	settles  func([]outbox.Settlement)
}

func (q recordingQueue) Record(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
	rec, err := q.Queue.Record(ctx, f)
	if q.recorded != nil && err == nil {
		q.recorded(rec)
	}
	return rec, err
}

func (q recordingQueue) Settle(ctx context.Context, s outbox.Settling) (outbox.Settled, error) {
	if q.settles != nil {
		q.settles(s.Batch)
	}
	return q.Queue.Settle(ctx, s)
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
			require.Len(t, e.takeOver(t).begin(t), 1)
		}
		e.takeOver(t).leave(t)
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

// The first flight is recorded so late that what remains of the session is too short: the sender must know that
// by its own clock, and begins nothing before the session is renewed.
func TestPromise06_NothingBeginsInASessionThatMayBeOver(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		id := e.insert(t, push("a", "U-1"))[0]
		stalled, renewed := make(chan struct{}), make(chan struct{})
		var begun atomic.Bool
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(ctx context.Context, _ outbox.Message) (outbox.Result, error) {
			begun.Store(true)
			select {
			case <-renewed:
			default:
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "begun though others may take its sender for dead"}
			}
			if _, ends := ctx.Deadline(); !ends {
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "its context has no end"}
			}
			return outbox.Result{}, nil
		})})
		cfg.Session = 2 * time.Second
		e.send(t, stallingQueue{recordingQueue{Queue: e.store, recorded: func(outbox.Recorded) {
			select {
			case <-stalled:
			default:
				close(stalled)
				time.Sleep(cfg.Session) // what is counted here is the sender's own clock
			}
		}}, stalled, renewed}, cfg)
		<-stalled
		require.Never(t, begun.Load, cfg.Session+moment, 10*time.Millisecond)
		close(renewed)
		until(t, func() bool { return e.one(t, id).State != outbox.StatePending }, "settled")
		require.Equal(t, outbox.StateDelivered, e.one(t, id).State, e.one(t, id).Reason)
		require.Len(t, e.log(t, id), 1, "what was not begun is no attempt")
		require.False(t, e.log(t, id)[0].PossibleDuplicate)
	})
}

// stallingQueue lets no beat through from when it stalls until it goes on.
type stallingQueue struct {
	outbox.Queue
	stalled, goesOn <-chan struct{}
}

func (q stallingQueue) Beat(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
	select {
	case <-q.stalled:
		select {
		case <-q.goesOn:
		case <-ctx.Done():
			return outbox.Pulse{}, ctx.Err()
		}
	default:
	}
	return q.Queue.Beat(ctx, b)
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
		cfg.DeliverTimeout = 2 * time.Second
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
