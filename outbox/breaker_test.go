package outbox_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// switched is a destination that answers, or does not.
type switched struct{ down atomic.Bool }

func (s *switched) deliver(context.Context, outbox.Message) (outbox.Result, error) {
	if s.down.Load() {
		return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable, Reason: "connection refused"}
	}
	return outbox.Result{}, nil
}

func (r *env) open() bool { return !r.destination().BrokenUntil.IsZero() }

// 72 h outage parks nothing, uses up hardly any attempts, and ends by itself.
func Test72hOutageParksNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		const n = 10_000
		var s switched
		s.down.Store(true)
		r.on("elevate", s.deliver)
		all := make([]outbox.Message, n)
		for i := range all {
			all[i] = msg(fmt.Sprint("key-", i), fmt.Sprint("U-", i))
		}
		ids := r.insert(all...)
		r.cfg.Poll, r.cfg.Session = time.Minute, 10*time.Minute
		r.start()
		r.pass(72 * time.Hour)
		pending, parked := r.count()
		require.Equal(t, []int{n, 0}, []int{pending, parked})
		require.True(t, r.open())
		require.Greater(t, r.sends(), 1000, "it is probed every minute or two")
		require.Less(t, r.sends(), 6000)
		require.Equal(t, []outbox.AlarmKind{outbox.AlarmBreaker}, r.alarmKinds())
		for _, id := range ids {
			require.Less(t, r.one(id).Attempt, 15)
		}
		s.down.Store(false)
		r.pass(3 * time.Minute)
		require.False(t, r.open())
		pending, _ = r.count()
		require.Less(t, pending, 100, "but for a few that wait for their retry")
		r.pass(time.Hour)
		pending, parked = r.count()
		require.Zero(t, pending+parked)
		require.Len(t, r.alarmKinds(), 1)
	})
}

// One message that fails again and again is no outage, and neither are some
// with an answer in between.
func TestBreakerCountsDifferentMessagesInARow(t *testing.T) {
	for name, c := range map[string]struct {
		keys  []string // of persons of their own
		after int
		opens bool
	}{
		"three":                    {[]string{"bad-1", "bad-2", "bad-3"}, 3, true},
		"two":                      {[]string{"bad-1", "bad-2"}, 3, false},
		"a success in between":     {[]string{"bad-1", "bad-2", "good", "bad-3", "bad-4"}, 3, false},
		"a rejection in between":   {[]string{"bad-1", "bad-2", "rejected", "bad-3", "bad-4"}, 3, false},
		"a throttling in between":  {[]string{"bad-1", "bad-2", "throttled", "bad-3", "bad-4"}, 3, false},
		"a 401 in between":         {[]string{"bad-1", "bad-2", "refused", "bad-3", "bad-4"}, 3, false},
		"not ready in between":     {[]string{"bad-1", "bad-2", "not ready", "bad-3", "bad-4"}, 3, false},
		"enough after an answer":   {[]string{"bad-1", "good", "bad-2", "bad-3", "bad-4"}, 3, true},
		"never":                    {[]string{"bad-1", "bad-2", "bad-3", "bad-4"}, -1, false},
		"unknown and panics count": {[]string{"bad-1", "unknown", "panics"}, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				outcomes := map[string]outbox.Outcome{
					"rejected": outbox.OutcomeRejected, "throttled": outbox.OutcomeThrottled, "refused": outbox.OutcomeUnauthorized,
					"not ready": outbox.OutcomeNotReady, "unknown": outbox.OutcomeUnknown,
				}
				r.on("elevate", func(_ context.Context, m outbox.Message) (outbox.Result, error) {
					if m.Key == "good" {
						return outbox.Result{}, nil
					}
					if m.Key == "panics" {
						panic("at that")
					}
					o, ok := outcomes[m.Key]
					if !ok {
						o = outbox.OutcomeUnavailable
					}
					return outbox.Result{}, &outbox.DeliveryError{Outcome: o, RetryAfter: time.Second}
				})
				r.cfg.Retry.First = time.Hour
				r.cfg.ProbeEvery = time.Second
				r.cfg.Breaker.After = c.after
				r.cfg.Breaker.First = time.Hour
				r.start()
				for i, key := range c.keys {
					r.insert(msg(key, fmt.Sprint("U-", i)))
					r.pass(5 * time.Millisecond)
					if key == "throttled" || key == "refused" {
						r.pass(2 * time.Second)
						r.discard(key)
					}
				}
				require.Equal(t, c.opens, r.open())
			})
		})
	}
}

func (r *env) discard(key string) {
	r.t.Helper()
	found, err := r.store.Find(r.t.Context(), outbox.Query{Keys: []string{key}})
	require.NoError(r.t, err)
	op, err := outbox.NewOperator(r.store, outbox.OperatorConfig{})
	require.NoError(r.t, err)
	if !found[0].State.Final() {
		require.NoError(r.t, op.Discard(r.t.Context(), outbox.Actor{Name: "pat"}, found[0].ID, "test"))
	}
	require.NoError(r.t, op.Resume(r.t.Context(), outbox.Actor{Name: "pat"}, "elevate", "test"))
}

// A message that the platform chokes on does not shut the way for others.
func TestOneMessageAloneOpensNoBreaker(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", failing(outbox.OutcomeUnknown))
		r.insert(msgs(9)...)
		r.seldom()
		r.start()
		r.pass(24 * time.Hour)
		require.Greater(t, r.sends(), 400)
		require.False(t, r.open())
		r.insert(msg("the tenth", "U-10"))
		r.pass(time.Second)
		require.True(t, r.open())
	})
}

// A sender that did not see the end of an outage, since another sender's probe
// or an operator ended it, takes the next one for a new one.
func TestBreakerForgetsAnOutageThatOthersEnded(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", failing(outbox.OutcomeUnavailable))
		r.cfg.Breaker.After, r.cfg.Retry.First, r.cfg.Retry.Longest = 1, 20*time.Hour, 20*time.Hour
		r.cfg.Breaker.First, r.cfg.Breaker.Longest = time.Minute, time.Hour
		r.seldom()
		r.start()
		opened := func(key string) time.Duration {
			r.insert(msg(key, key))
			r.pass(time.Second)
			require.True(t, r.open())
			until := time.Until(r.destination().BrokenUntil)
			r.discard(key)
			return until
		}
		require.Less(t, opened("a"), 72*time.Second)
		r.pass(time.Minute)
		require.Greater(t, opened("b"), 90*time.Second, "for this sender it goes on")
		require.Len(t, r.alarmKinds(), 1)
		r.pass(5 * time.Hour)
		require.Less(t, opened("c"), 72*time.Second)
		require.Len(t, r.alarmKinds(), 2)
	})
}

func TestBreakerIsProbedEverMoreSeldom(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var s switched
		s.down.Store(true)
		r.on("elevate", s.deliver)
		r.cfg.Concurrency = 1
		r.cfg.Breaker = outbox.Breaker{After: 1, First: 10 * time.Second, Longest: 30 * time.Second}
		r.cfg.Retry.First = 24 * time.Hour
		r.insert(msgs(50)...)
		r.start()
		r.pass(3 * time.Minute)
		for i, want := range []time.Duration{10, 20, 30, 30} {
			gap := r.times()[i+1].Sub(r.times()[i])
			require.GreaterOrEqual(t, gap, want*800*time.Millisecond, "probe %d", i+1)
			require.LessOrEqual(t, gap, want*1200*time.Millisecond+time.Second, "probe %d", i+1)
		}
		s.down.Store(false)
		r.pass(40 * time.Second)
		require.False(t, r.open())
		pending, _ := r.count()
		require.Less(t, pending, 10, "all but what waits for its retry")
		require.Equal(t, []outbox.AlarmKind{outbox.AlarmBreaker}, r.alarmKinds())

		// The next time it begins anew.
		s.down.Store(true)
		before := r.sends()
		r.insert(msg("a", "U-a"), msg("b", "U-b"))
		r.pass(15 * time.Second)
		require.Equal(t, before+2, r.sends())
		require.Len(t, r.alarmKinds(), 2)
	})
}

// Any answer of the platform to a probe closes the breaker, good or bad.
func TestBreakerClosesWithAnAnswer(t *testing.T) {
	for _, o := range []outbox.Outcome{outbox.OutcomeRejected, outbox.OutcomeNotReady} {
		t.Run(o.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				r.on("elevate", failing(outbox.OutcomeUnavailable))
				r.cfg.Breaker.After = 5
				r.insert(msgs(20)...)
				r.start()
				r.pass(time.Second)
				require.True(t, r.open())
				r.on("elevate", failing(o))
				r.pass(20 * time.Second)
				require.False(t, r.open())
				require.Greater(t, r.sends(), 20)
			})
		})
	}
}

// What was sent before the breaker opened and fails after it says nothing new:
// it neither opens it again nor makes the next opening longer.
func TestBreakerIgnoresWhatWasSentBefore(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			time.Sleep(time.Second)
			if m.Key > "key-001" {
				time.Sleep(10 * time.Second)
			}
			return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable}
		})
		r.cfg.Breaker = outbox.Breaker{After: 2, First: time.Hour, Longest: 24 * time.Hour}
		r.cfg.Retry.First = 3 * time.Hour
		r.insert(msgs(8)...)
		r.start()
		r.pass(time.Minute)
		require.Equal(t, 8, r.sends())
		require.Equal(t, []outbox.AlarmKind{outbox.AlarmBreaker}, r.alarmKinds())
		require.LessOrEqual(t, time.Until(r.destination().BrokenUntil), 72*time.Minute)
	})
}

// Another destination goes on as if nothing had happened, and so does the
// breaker of one whose sender was replaced.
func TestBreakerIsTheDestinationsAndOutlastsItsSender(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", failing(outbox.OutcomeUnavailable))
		r.on("notified", answer(nil))
		all := msgs(60)
		for i := range all[:20] {
			all[i].Destination = "notified"
		}
		r.cfg.Poll = time.Hour // what falls due is known, and a probe's success told
		ids := r.insert(all...)
		r.start()
		r.pass(time.Second)
		for _, id := range ids[:20] {
			require.Equal(t, outbox.StateDelivered, r.one(id).State)
		}
		before := r.sends()
		require.Less(t, before, 50, "ten failed, and those that were under way beside them")
		r.stop()
		r.start()
		r.pass(5 * time.Second)
		require.Equal(t, before, r.sends(), "the next sender knows")
		r.on("elevate", answer(nil))
		r.pass(20 * time.Second)
		pending, _ := r.count()
		require.Zero(t, pending)
		require.Len(t, r.alarmKinds(), 1)
	})
}
