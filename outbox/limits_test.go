package outbox_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// A sender with nothing to do asks seldom.
func TestIdleSenderAsksSeldom(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var mu sync.Mutex
		calls := map[string]int{}
		r.queue = &hooked{Queue: r.store, before: func(_ context.Context, name string) error {
			mu.Lock()
			defer mu.Unlock()
			calls[name]++
			return nil
		}}
		r.on("elevate", answer(nil))
		r.insert(msgs(20)...)
		r.start()
		r.pass(10 * time.Second)
		mu.Lock()
		clear(calls)
		mu.Unlock()
		r.pass(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		require.InDelta(t, 60, calls["Beat"], 1)
		require.LessOrEqual(t, calls["Read"], 125, "what is new or late, and what is due")
		require.Zero(t, calls["Record"]+calls["Settle"])
	})
}

// Nothing falls due later than it should, though the store is asked but once an hour: a retry, the end of a
// hold, a probe.
func TestWhatFallsDueIsSentThen(t *testing.T) {
	for name, c := range map[string]struct {
		err   *outbox.DeliveryError
		after time.Duration
	}{
		"retry": {&outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable}, 10 * time.Second},
		"asked": {&outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable, RetryAfter: 5 * time.Minute}, 5 * time.Minute},
		"hold":  {&outbox.DeliveryError{Outcome: outbox.OutcomeThrottled, RetryAfter: 10 * time.Minute}, 10 * time.Minute},
		"pause": {&outbox.DeliveryError{Outcome: outbox.OutcomeUnauthorized}, 15 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				first := true
				r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
					if first {
						first = false
						return outbox.Result{}, c.err
					}
					return outbox.Result{}, nil
				})
				r.cfg.Poll = time.Hour
				r.insert(msg("a", "U-1"))
				r.start()
				r.pass(50 * time.Minute)
				require.Equal(t, 2, r.sends())
				gap := r.times()[1].Sub(r.times()[0])
				require.GreaterOrEqual(t, gap, c.after*8/10)
				require.LessOrEqual(t, gap, c.after*12/10+100*time.Millisecond)
			})
		})
	}
}

// A rate is kept, shared by senders, and costs a call per batch and not one per message.
func TestRateIsKeptByAllSendersTogether(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		w := &watch{}
		r.queue = w.over(r.store, 0)
		r.on("elevate", answer(nil))
		r.on("notified", answer(nil))
		r.cfg.Rate = func(destination string) outbox.Rate {
			if destination == "elevate" {
				return outbox.Rate{Count: 500, Burst: 50}
			}
			return outbox.Rate{Count: -7, Burst: -7, Per: -7}
		}
		r.start()
		r.start()
		r.pass(5 * time.Second) // they share the shards
		r.insert(append(to("elevate", 4000), to("notified", 300)...)...)
		r.pass(5 * time.Second)
		sent := 0
		for _, m := range r.messages() {
			if m.Destination == "elevate" {
				sent++
			}
		}
		require.Equal(t, 300, r.sends()-sent, "what makes no sense is no limit")
		require.InDelta(t, 2500, sent, 100)
		require.LessOrEqual(t, sent, 2550)
		require.Less(t, w.flights(), 5*2*120)
		r.pass(5 * time.Second)
		pending, _ := r.count()
		require.Zero(t, pending)
	})
}

func TestRateThatLetsOneThroughAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", answer(nil))
		r.cfg.Rate = func(string) outbox.Rate { return outbox.Rate{Count: 200, Burst: 1} }
		r.insert(to("elevate", 500)...)
		r.start()
		r.pass(2 * time.Second)
		require.InDelta(t, 400, r.sends(), 20, "the sender is not slower than the rate")
	})
}
