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

// TestOutcomeDecides plays each outcome: it alone decides retry, pause, alarm and
// what the operator reads.
func TestOutcomeDecides(t *testing.T) {
	for _, c := range []struct {
		outcome outbox.Outcome
		state   outbox.State
		attempt int // after one second
		alarm   []outbox.AlarmKind
		doubt   outbox.Doubt
		paused  outbox.Pausing
		held    bool
	}{
		{outcome: outbox.OutcomeRejected, state: outbox.StateParked, attempt: 1, alarm: []outbox.AlarmKind{outbox.AlarmParked}},
		{outcome: outbox.OutcomeNotReady, state: outbox.StatePending, attempt: 1},
		{outcome: outbox.OutcomeUnauthorized, state: outbox.StatePending, alarm: []outbox.AlarmKind{outbox.AlarmPaused}, paused: outbox.PausedByItself},
		{outcome: outbox.OutcomeThrottled, state: outbox.StatePending, held: true},
		{outcome: outbox.OutcomeUnavailable, state: outbox.StatePending, attempt: 1},
		{outcome: outbox.OutcomeUnknown, state: outbox.StatePending, attempt: 1, doubt: outbox.DoubtUnknown},
	} {
		t.Run(c.outcome.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				r.on("elevate", failing(c.outcome))
				id := r.insert(msg("a", "U-1"))[0]
				r.start()
				r.pass(time.Second)
				rec := r.one(id)
				require.Equal(t, c.state, rec.State)
				require.Equal(t, c.outcome, rec.Outcome)
				require.Equal(t, c.attempt, rec.Attempt)
				require.Equal(t, c.doubt, rec.Doubt)
				require.Contains(t, rec.Reason, "as told")
				require.Equal(t, c.alarm, r.alarmKinds())
				require.Equal(t, 1, r.sends())
				require.Equal(t, c.paused, r.destination().Pausing)
				require.Equal(t, c.held, r.destination().HeldUntil.After(time.Now()))
			})
		})
	}
	for _, already := range []bool{false, true} {
		t.Run(fmt.Sprintf("success, already done: %v", already), func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
					return outbox.Result{AlreadyDone: already}, nil
				})
				id := r.insert(msg("a", "U-1"))[0]
				r.start()
				r.pass(time.Second)
				want := map[bool]outbox.State{false: outbox.StateDelivered, true: outbox.StateAlreadyDone}[already]
				require.Equal(t, want, r.one(id).State)
				require.Empty(t, r.alarmKinds())
			})
		})
	}
}

func (r *env) destination() outbox.DestinationState {
	r.t.Helper()
	all, err := r.store.Destinations(r.t.Context())
	require.NoError(r.t, err)
	for _, d := range all {
		if d.Name == "elevate" {
			return d
		}
	}
	return outbox.DestinationState{}
}

func TestScheduleEndsInParking(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.cfg.Retry = outbox.Retry{First: time.Second, Longest: 4 * time.Second, Attempts: 5}
		r.on("elevate", failing(outbox.OutcomeUnavailable))
		id := r.insert(msg("a", "U-1"))[0]
		r.start()
		r.pass(time.Minute)
		require.Equal(t, 5, r.sends())
		for i, least := range []time.Duration{1, 2, 4, 4} {
			gap := r.times()[i+1].Sub(r.times()[i])
			require.GreaterOrEqual(t, gap, least*800*time.Millisecond)
			require.LessOrEqual(t, gap, least*1200*time.Millisecond+time.Second)
		}
		rec := r.one(id)
		require.Equal(t, outbox.StateParked, rec.State)
		require.Contains(t, rec.Reason, "gave up after 5 attempts")
		require.Equal(t, []byte("p"), rec.Profile, "a parked message keeps its profile")
		op, err := outbox.NewOperator(r.store, outbox.OperatorConfig{})
		require.NoError(t, err)
		r.on("elevate", answer(nil))
		require.NoError(t, op.SendAgain(t.Context(), outbox.Actor{Name: "pat"}, id, "it is back"))
		r.pass(2 * time.Second)
		require.Equal(t, outbox.StateDelivered, r.one(id).State)
	})
}

func TestThrottledHoldsTheDestinationAlone(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var throttled atomic.Bool
		throttled.Store(true)
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			if throttled.Swap(false) {
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeThrottled, RetryAfter: time.Hour}
			}
			return outbox.Result{}, nil
		})
		r.on("notified", answer(nil))
		r.cfg.Concurrency = 1
		all := msgs(5)
		all[4].Destination = "notified"
		ids := r.insert(all...)
		r.start()
		r.pass(59 * time.Minute)
		require.Equal(t, 2, r.sends(), "one to each")
		require.Equal(t, outbox.StateDelivered, r.one(ids[4]).State)
		r.pass(2 * time.Minute)
		pending, _ := r.count()
		require.Zero(t, pending)
		for _, m := range r.messages() {
			require.Equal(t, 1, m.Attempt, "waiting is no attempt")
			require.Zero(t, m.Doubt)
		}
	})
}

func TestThrottledWaitsAtMostSixHours(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", answer(&outbox.DeliveryError{Outcome: outbox.OutcomeThrottled, RetryAfter: 1000 * time.Hour}))
		r.insert(msg("a", "U-1"))
		r.seldom()
		r.start()
		r.pass(6*time.Hour - time.Minute)
		require.Equal(t, 1, r.sends())
		r.pass(2 * time.Minute)
		require.Equal(t, 2, r.sends())
	})
}

func TestUnauthorizedPausesAndProbes(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var good atomic.Bool
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			if good.Load() {
				return outbox.Result{}, nil
			}
			return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnauthorized, Code: "401"}
		})
		r.cfg.Concurrency = 1
		ids := r.insert(msgs(50)...)
		r.start()
		r.pass(14 * time.Minute)
		require.Equal(t, 1, r.sends())
		r.pass(46*time.Minute + time.Second*30)
		require.Equal(t, 5, r.sends(), "a probe every 15 minutes")
		require.Equal(t, []outbox.AlarmKind{outbox.AlarmPaused}, r.alarmKinds(), "one alarm, not one a probe")
		for _, id := range ids {
			require.Zero(t, r.one(id).Attempt, "no attempts are burned")
		}
		r.insert(msg("later", "U-9"))
		require.Equal(t, 5, r.sends(), "enqueueing goes on")
		good.Store(true)
		r.pass(15 * time.Minute)
		pending, parked := r.count()
		require.Zero(t, pending+parked)
		require.Equal(t, outbox.NotPaused, r.destination().Pausing)
	})
}

func TestPausedDestinationIsProbedAtStart(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", failing(outbox.OutcomeUnauthorized))
		r.insert(msgs(3)...)
		r.start()
		r.pass(time.Second)
		r.stop()
		r.on("elevate", answer(nil))
		r.start()
		r.pass(2 * time.Second)
		pending, _ := r.count()
		require.Zero(t, pending)
	})
}

// What is about the destination, whatever its outcome: a 403, a 404 of the endpoint, a web page.
var tentatives = []*outbox.DeliveryError{
	{Outcome: outbox.OutcomeUnauthorized, Tentative: true, Code: "403", Reason: "forbidden"},
	{Outcome: outbox.OutcomeUnavailable, Tentative: true, Code: "404", Reason: "no such address"},
	{Outcome: outbox.OutcomeUnknown, Tentative: true, Code: "200", Reason: "a web page"},
}

func TestTentativeAnswersPauseAfterThreeDifferentMessages(t *testing.T) {
	for _, tentative := range tentatives {
		t.Run(tentative.Error(), func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				r.on("elevate", answer(tentative))
				r.cfg.Concurrency = 1
				r.insert(msg("a", "U-1"))
				r.start()
				r.pass(time.Hour)
				require.Greater(t, r.sends(), 3, "one message's answer is retried")
				require.Equal(t, outbox.NotPaused, r.destination().Pausing)
				r.insert(msg("b", "U-2"), msg("c", "U-3"))
				r.pass(time.Second)
				require.Equal(t, outbox.PausedByItself, r.destination().Pausing)
				require.Equal(t, tentative.Error(), r.destination().Reason, "with the status")
				require.Equal(t, []outbox.AlarmKind{outbox.AlarmPaused}, r.alarmKinds())
				r.on("elevate", answer(nil))
				r.pass(time.Hour)
				pending, _ := r.count()
				require.Zero(t, pending, "a probe that gets through resumes the rest")
			})
		})
	}
}

// A probe that meets a tentative answer pauses again, as one whose credentials are refused does: otherwise each probe
// would be the first of three, and the probes would use up the attempts of what waits.
func TestAProbeThatMeetsATentativeAnswerPausesAgain(t *testing.T) {
	for _, tentative := range tentatives {
		t.Run(tentative.Error(), func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				r.on("elevate", answer(tentative))
				r.cfg.Concurrency = 1
				r.cfg.Retry = outbox.Retry{First: time.Hour, Longest: time.Hour, Attempts: 2}
				ids := r.insert(msgs(5)...)
				r.start()
				r.pass(time.Second)
				require.Equal(t, outbox.PausedByItself, r.destination().Pausing)
				r.pass(3*time.Hour + time.Minute)
				require.Equal(t, 3+3*4, r.sends(), "a probe every 15 minutes")
				for i := range 3 * 4 {
					require.InDelta(t, 15*time.Minute, r.times()[3+i].Sub(r.times()[2+i]), float64(10*time.Second))
				}
				require.Equal(t, outbox.PausedByItself, r.destination().Pausing)
				require.Equal(t, tentative.Error(), r.destination().Reason)
				require.Equal(t, []outbox.AlarmKind{outbox.AlarmPaused}, r.alarmKinds(), "one alarm, and nothing is parked")
				attempts := 0
				for _, id := range ids {
					attempts += r.one(id).Attempt
				}
				require.Equal(t, 2, attempts, "those of the two before the pause")
				r.on("elevate", answer(nil))
				r.pass(16 * time.Minute)
				pending, parked := r.count()
				require.Zero(t, pending+parked)
			})
		})
	}
}

// A message that alone meets such answers, as for a firewall's page, keeps nobody else from being sent.
func TestOneOddMessageDoesNotPauseTheDestination(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			if m.Key == "odd" {
				return outbox.Result{}, tentatives[2]
			}
			return outbox.Result{}, nil
		})
		r.start()
		for i := range 20 {
			if i == 3 {
				r.insert(msg("odd", "U-odd"))
			}
			r.insert(msg(fmt.Sprint(i), fmt.Sprint(i)))
			r.pass(time.Minute)
		}
		pending, _ := r.count()
		require.Equal(t, 1, pending)
		require.Equal(t, outbox.NotPaused, r.destination().Pausing)
		require.Empty(t, r.alarmKinds())
	})
}

// Three in a row: a delivery in between ends the row, and so does what is not ready, since the platform took that call
// for what it is. A rejection may have been made without a call, and an outage tells nothing.
func TestTentativeAnswersAreCountedInARow(t *testing.T) {
	for name, c := range map[string]struct {
		between error
		ends    bool
	}{
		"delivered":   {nil, true},
		"not ready":   {&outbox.DeliveryError{Outcome: outbox.OutcomeNotReady}, true},
		"rejected":    {&outbox.DeliveryError{Outcome: outbox.OutcomeRejected}, false},
		"unavailable": {&outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable}, false},
		"unknown":     {&outbox.DeliveryError{Outcome: outbox.OutcomeUnknown}, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				r.cfg.Retry.First = time.Hour
				r.start()
				for i := range 6 { // the third is another
					if i == 2 {
						r.on("elevate", answer(c.between))
					} else {
						r.on("elevate", answer(tentatives[i%len(tentatives)]))
					}
					r.insert(msg(fmt.Sprint(i), fmt.Sprint(i)))
					r.pass(time.Second)
					paused := r.destination().Pausing == outbox.PausedByItself
					require.Equal(t, i >= 5 || i >= 3 && !c.ends, paused, i)
				}
			})
		})
	}
}

func TestNotReadyIsWaitedOutFor72Hours(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", failing(outbox.OutcomeNotReady))
		r.cfg.Poll = time.Hour // what falls due is known
		id := r.insert(msg("a", "U-1"))[0]
		r.seldom()
		r.start()
		r.pass(71 * time.Hour)
		require.Equal(t, outbox.StatePending, r.one(id).State)
		require.Empty(t, r.alarmKinds())
		require.Less(t, r.sends(), 120, "a slow schedule")
		r.pass(3 * time.Hour)
		require.Equal(t, outbox.StateParked, r.one(id).State)
		require.Equal(t, []outbox.AlarmKind{outbox.AlarmParked}, r.alarmKinds())
	})
}
