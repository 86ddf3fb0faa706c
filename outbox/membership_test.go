package outbox_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// untilDone answers when its context ends, as unknown.
func untilDone(ctx context.Context, _ outbox.Message) (outbox.Result, error) {
	<-ctx.Done()
	return outbox.Result{}, ctx.Err()
}

func TestSendersShareTheShardsEvenly(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		l := newLedger()
		deliver := l.over(answering(10 * time.Millisecond))
		n := 0
		pass := func(d time.Duration) {
			for range d / (50 * time.Millisecond) {
				r.insert(msg(fmt.Sprint("key-", n), fmt.Sprint("U-", n%200)))
				n++
				r.pass(50 * time.Millisecond)
			}
		}
		one := r.member("one", nil, deliver)
		pass(3 * time.Second)
		require.Equal(t, outbox.Shards, one.shards())
		two := r.member("two", nil, deliver)
		pass(5 * time.Second)
		require.Equal(t, []int{32, 32}, []int{one.shards(), two.shards()})
		three := r.member("three", nil, deliver)
		pass(5 * time.Second)
		for _, m := range []*member{one, two, three} {
			require.InDelta(t, 21, m.shards(), 1)
			require.NotEmpty(t, m.messages())
		}
		require.Equal(t, outbox.Shards, one.shards()+two.shards()+three.shards())
		two.stop()
		pass(5 * time.Second)
		require.Equal(t, []int{32, 32}, []int{one.shards(), three.shards()})
		one.stop()
		pass(5 * time.Second)
		require.Equal(t, outbox.Shards, three.shards())
		r.pass(2 * time.Second) // nobody is woken
		l.requireGood(t, n)
		pending, _ := r.count()
		require.Zero(t, pending)
	})
}

// A sender that dies is reaped after its session's length: what it had recorded goes again, marked, and nothing
// else is.
func TestDeadSenderIsReaped(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var ended notes[time.Time]
		dead := r.member("dead", func(c *outbox.SenderConfig) { c.Concurrency = 2 }, func(ctx context.Context, m outbox.Message) (outbox.Result, error) {
			res, err := untilDone(ctx, m)
			ended.add(time.Now())
			return res, err
		})
		r.insert(msgs(200)...)
		r.pass(3*time.Second + 500*time.Millisecond)
		other := r.member("other", nil, answer(nil))
		r.pass(500 * time.Millisecond)
		dead.setAway(true)
		died := time.Now()
		r.pass(9500 * time.Millisecond)
		require.NotEmpty(t, ended.all(), "its deliveries were cancelled")
		require.Empty(t, other.messages())
		r.pass(4 * time.Second)
		require.LessOrEqual(t, time.Since(died), 14*time.Second)
		require.Len(t, other.messages(), 200)
		for _, m := range other.messages() {
			require.Equal(t, dead.recorded[m.ID], m.Doubt == outbox.DoubtLost, m.ID)
		}
		require.NotEmpty(t, dead.recorded)
		pending, _ := r.count()
		require.Zero(t, pending)

		dead.setAway(false)
		r.pass(10 * time.Second)
		require.Equal(t, []int{32, 32}, []int{dead.shards(), other.shards()}, "it begins anew")
		require.Len(t, other.messages(), 200, "and nothing twice")
	})
}

// While nobody reaches the store, nobody is dead.
func TestStoreThatIsAwayForAllMakesNobodyReapAnybody(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		l := newLedger()
		one := r.member("one", nil, l.over(answering(time.Second)))
		two := r.member("two", nil, l.over(answering(time.Second)))
		r.pass(5 * time.Second)
		ids := r.insert(msgs(100)...)
		r.pass(1500 * time.Millisecond)
		two.setAway(true)
		r.pass(1500 * time.Millisecond) // one sees it stand still
		one.setAway(true)
		r.pass(5 * time.Minute)
		one.setAway(false)
		r.pass(2 * time.Second)
		two.setAway(false)
		r.pass(time.Minute)
		require.Equal(t, []int{1, 1}, []int{one.joins, two.joins})
		for _, id := range ids {
			require.Equal(t, outbox.StateDelivered, r.one(id).State)
			require.Zero(t, r.one(id).Doubt&outbox.DoubtLost)
		}
	})
}

// A sender alone that cannot beat for a while cancels what it sends, and goes on with all when it can again.
func TestSessionThatWasNotRenewedInTimeGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", func(ctx context.Context, _ outbox.Message) (outbox.Result, error) {
			select {
			case <-ctx.Done():
				return outbox.Result{}, ctx.Err()
			case <-time.After(5 * time.Second):
				return outbox.Result{}, nil
			}
		})
		var away atomic.Bool
		r.queue = &faulty{Queue: r.store, beat: func(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
			if away.Load() {
				return outbox.Pulse{}, errAway
			}
			return r.store.Beat(ctx, b)
		}}
		r.cfg.Breaker.After = -1
		ids := r.insert(msgs(300)...)
		r.start()
		r.pass(time.Second)
		away.Store(true)
		r.pass(9900 * time.Millisecond)
		before := r.sends()
		r.pass(10 * time.Second)
		require.Equal(t, before, r.sends(), "nothing begins meanwhile")
		away.Store(false)
		r.pass(3 * time.Minute)
		for _, id := range ids {
			require.Equal(t, outbox.StateDelivered, r.one(id).State)
		}
	})
}

// Shards that are handed over in good order go on at once, and without marks.
func TestStoppedSenderHandsOverAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		l := newLedger()
		one := r.member("one", nil, l.over(answering(100*time.Millisecond)))
		two := r.member("two", nil, l.over(answering(100*time.Millisecond)))
		r.pass(5 * time.Second)
		r.insert(msgs(400)...)
		r.pass(500 * time.Millisecond)
		one.stop()
		r.pass(5 * time.Second)
		pending, _ := r.count()
		require.Zero(t, pending)
		for _, m := range append(one.messages(), two.messages()...) {
			require.Zero(t, m.Doubt)
		}
		l.requireGood(t, 400)
	})
}

// Whatever was put off by a clock that was ahead waits no longer than its own rule once the clock was set back.
func TestClockThatIsSetBackHoldsUpNothing(t *testing.T) {
	for name, c := range map[string]struct {
		err   *outbox.DeliveryError
		after time.Duration
	}{
		"retry": {&outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable}, 10 * time.Second},
		"hold":  {&outbox.DeliveryError{Outcome: outbox.OutcomeThrottled, RetryAfter: 20 * time.Second}, 20 * time.Second},
		"pause": {&outbox.DeliveryError{Outcome: outbox.OutcomeUnauthorized}, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				var back atomic.Int64
				r.store = outboxtest.NewMemory(outboxtest.MemoryConfig{Now: func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }})
				r.queue = r.store
				first := true
				r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
					if first {
						first = false
						return outbox.Result{}, c.err
					}
					return outbox.Result{}, nil
				})
				r.cfg.ProbeEvery = 30 * time.Second
				r.start()
				r.pass(10 * time.Second)
				r.insert(msg("a", "U-1"))
				r.pass(time.Second)
				back.Store(int64(time.Hour))
				r.pass(5 * time.Minute)
				require.Equal(t, 2, r.sends())
				require.LessOrEqual(t, r.times()[1].Sub(r.times()[0]), c.after*12/10+3*time.Second)
			})
		})
	}
}

// Senders come and go, outcomes are of all kinds: one message of a person at a time, whoever sends it, and first
// attempts in the order of insertion.
func TestOrderIsKeptAcrossSenders(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				rnd := rand.New(rand.NewPCG(seed, 2))
				l := newLedger()
				deliver := l.over(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
					time.Sleep(time.Duration(m.ID%37) * time.Millisecond)
					if (uint64(m.ID)+seed+uint64(m.Attempt))%9 == 0 {
						return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable}
					}
					return outbox.Result{}, nil
				})
				members := []*member{r.member("0", nil, deliver)}
				n := 0
				for i := range 300 {
					for range rnd.IntN(30) {
						r.insert(msg(fmt.Sprint("key-", n), fmt.Sprint("U-", rnd.IntN(40)*rnd.IntN(2))))
						n++
					}
					r.pass(time.Duration(rnd.IntN(200)) * time.Millisecond)
					switch {
					case rnd.IntN(15) > 0:
					case len(members) < 4 && rnd.IntN(2) == 0:
						members = append(members, r.member(fmt.Sprint(i), nil, deliver))
					case len(members) > 1:
						go members[0].stop()
						members = members[1:]
					}
				}
				r.pass(5 * time.Minute)
				l.requireGood(t, n)
				pending, _ := r.count()
				require.Zero(t, pending)
			})
		})
	}
}
