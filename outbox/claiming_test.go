package outbox_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// An idle sender asks at most once a second.
func TestIdleSenderAsksAtMostOnceASecond(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := &recordingQueue{}
		r.queue = p.over(r.store, nil)
		r.on("elevate", answer(nil))
		r.insert(msgs(20)...)
		r.start()
		r.pass(10 * time.Second)
		p.forget()
		r.pass(time.Minute)
		require.LessOrEqual(t, len(p.requests()), 60)
		require.Greater(t, len(p.requests()), 40)
		for i, at := range p.times()[1:] {
			require.GreaterOrEqual(t, at.Sub(p.times()[i]), time.Second, "jitter only lengthens")
		}
	})
}

// A claim that takes longer than what is in hand, and gets all that it may, is
// followed by another: what it might take was few, and that no longer shows.
func TestSlowClaimThatGotAllItMayIsFollowedByAnother(t *testing.T) {
	bubble(t, func(_ *testing.T, r *rig) {
		var calls atomic.Int32
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			time.Sleep(time.Duration(1+calls.Add(1)%10) * time.Second) // one after another
			return outbox.Result{}, nil
		})
		slow := &faulty{Queue: r.store}
		slow.claim = func(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
			time.Sleep(20 * time.Second)
			return r.store.Claim(ctx, req)
		}
		r.queue = slow
		r.cfg.SettleTimeout, r.cfg.Poll = time.Minute, time.Hour // nothing is left to the clock
		ids := r.insert(msgs(60)...)
		r.start()
		r.pass(50 * time.Minute)
		r.requireAllDeliveredOnce(ids)
	})
}

// Nothing falls due later than it should, though the store is asked but once an
// hour: a retry, the end of a hold, a probe.
func TestWhatFallsDueIsClaimedThen(t *testing.T) {
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
			bubble(t, func(t *testing.T, r *rig) {
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

// A rate is kept, shared by senders, and costs a claim per batch and not one per
// message.
func TestRateIsKeptByAllSendersTogether(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := &recordingQueue{}
		r.queue = p.over(r.store, nil)
		r.on("elevate", answer(nil))
		r.on("notified", answer(nil))
		r.cfg.Rate = func(destination string) outbox.Rate {
			if destination == "elevate" {
				return outbox.Rate{Count: 500, Burst: 50}
			}
			return outbox.Rate{Count: -7, Burst: -7, Per: -7}
		}
		r.insert(append(to("elevate", 3000), to("notified", 300)...)...)
		r.start()
		first := r.stop
		r.start()
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
		require.Less(t, len(p.requests()), 2*5*2*55, "at most two claims in 20 ms each")
		first()
	})
}

func TestRateThatLetsOneThroughAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.on("elevate", answer(nil))
		r.cfg.Rate = func(string) outbox.Rate { return outbox.Rate{Count: 200, Burst: 1} }
		r.insert(to("elevate", 500)...)
		r.start()
		r.pass(2 * time.Second)
		require.InDelta(t, 400, r.sends(), 20, "the fetcher is not slower than the rate")
	})
}
