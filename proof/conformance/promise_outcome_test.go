package conformance

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func TestPromise11_OutcomeAloneDecides(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		outcomes := map[string]outbox.Outcome{}
		var all []outbox.Message
		for o := outbox.OutcomeDelivered; o <= outbox.OutcomeUnknown; o++ {
			name := "x" + strings.ReplaceAll(o.String(), " ", "")
			m := push(o.String(), "U-1")
			m.Destination = name // each to its own, for some pause or hold it
			outcomes[name] = o
			all = append(all, m)
		}
		ids := e.insert(t, all...)
		cfg := quick(nil)
		cfg.Retry = outbox.Retry{First: time.Hour, Longest: time.Hour}
		fixed := outbox.Fixed{}
		for name, o := range outcomes {
			fixed[name] = deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
				if o <= outbox.OutcomeAlreadyDone {
					return outbox.Result{AlreadyDone: o == outbox.OutcomeAlreadyDone}, nil
				}
				return outbox.Result{}, &outbox.DeliveryError{Outcome: o, Reason: "as told", Code: "c"}
			})
		}
		cfg.Destinations = fixed
		_, stop := e.send(t, e.store, cfg)
		e.untilTried(t, ids)
		stop()
		states, err := e.store.Destinations(t.Context())
		require.NoError(t, err)
		paused, held := map[string]bool{}, map[string]bool{}
		for _, s := range states {
			paused[s.Name], held[s.Name] = s.Pausing == outbox.PausedByItself, !s.HeldUntil.IsZero()
		}
		require.Equal(t, 1, count(paused))
		require.True(t, paused["xunauthorized"])
		require.Equal(t, 1, count(held))
		require.True(t, held["xthrottled"])
		for i, id := range ids {
			rec := e.one(t, id)
			o := outcomes[all[i].Destination]
			require.Equal(t, o, rec.Outcome)
			want := map[outbox.Outcome]outbox.State{
				outbox.OutcomeDelivered: outbox.StateDelivered, outbox.OutcomeAlreadyDone: outbox.StateAlreadyDone,
				outbox.OutcomeRejected: outbox.StateParked,
			}[o]
			require.Equal(t, want, rec.State, o.String())
			deferred := o == outbox.OutcomeThrottled || o == outbox.OutcomeUnauthorized
			if rec.State == outbox.StatePending {
				require.Equal(t, deferred, rec.Attempt == 0, o.String())
				require.Equal(t, o == outbox.OutcomeUnknown, rec.Doubt == outbox.DoubtUnknown)
				require.Equal(t, !deferred, rec.Due.After(time.Now()), o.String())
			}
		}
	})
}

func count(m map[string]bool) (n int) {
	for _, yes := range m {
		if yes {
			n++
		}
	}
	return n
}

// answering is a destination that gives one answer.
func answering(o outbox.Outcome, retryAfter time.Duration) deliverFunc {
	return func(context.Context, outbox.Message) (outbox.Result, error) {
		if o <= outbox.OutcomeAlreadyDone {
			return outbox.Result{AlreadyDone: o == outbox.OutcomeAlreadyDone, Code: "c"}, nil
		}
		return outbox.Result{}, &outbox.DeliveryError{Outcome: o, Reason: "as told", Code: "c", RetryAfter: retryAfter}
	}
}

// alarms collects what a sender's alarm hook gets.
type alarms struct {
	mu  sync.Mutex
	got map[string][]outbox.AlarmKind // by destination
}

func (a *alarms) take(_ context.Context, alarm outbox.Alarm) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.got == nil {
		a.got = map[string][]outbox.AlarmKind{}
	}
	a.got[alarm.Destination] = append(a.got[alarm.Destination], alarm.Kind)
}

func (a *alarms) of(destination string) []outbox.AlarmKind {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.got[destination]
}

func TestPromise11_OutcomeDecidesDelayHoldAlarmAndWhatIsRead(t *testing.T) {
	const m, h = time.Minute, time.Hour
	cases := map[string]struct {
		outcome    outbox.Outcome
		retryAfter time.Duration
		alarms     []outbox.AlarmKind
		low, high  time.Duration // until it is due again
		hold       time.Duration
		pause      string
		reason     string
	}{
		"delivered":    {outcome: outbox.OutcomeDelivered},
		"alreadydone":  {outcome: outbox.OutcomeAlreadyDone},
		"rejected":     {outcome: outbox.OutcomeRejected, alarms: []outbox.AlarmKind{outbox.AlarmParked}, reason: "as told"},
		"notready":     {outcome: outbox.OutcomeNotReady, low: 96 * time.Second, high: 144 * time.Second, reason: "as told"},
		"unauthorized": {outcome: outbox.OutcomeUnauthorized, alarms: []outbox.AlarmKind{outbox.AlarmPaused}, pause: "as told", reason: "as told"},
		"throttled":    {outcome: outbox.OutcomeThrottled, hold: m, reason: "as told"},
		"throttled2":   {outcome: outbox.OutcomeThrottled, retryAfter: 2 * h, hold: 2 * h, reason: "as told"},
		"throttled9":   {outcome: outbox.OutcomeThrottled, retryAfter: 9 * h, hold: 6 * h, reason: "as told"},
		"unavailable":  {outcome: outbox.OutcomeUnavailable, low: 48 * m, high: 72 * m, reason: "as told"},
		"unavailable2": {outcome: outbox.OutcomeUnavailable, retryAfter: 2 * h, low: 2 * h, high: 2 * h, reason: "as told"},
		"unknown":      {outcome: outbox.OutcomeUnknown, low: 48 * m, high: 72 * m, reason: "as told"},
	}
	onEngines(t, func(t *testing.T, e *env) {
		fixed, ids := outbox.Fixed{}, map[string]outbox.ID{}
		for name, c := range cases {
			fixed[name] = answering(c.outcome, c.retryAfter)
			msg := push(name, "U-1")
			msg.Destination = name
			ids[name] = e.insert(t, msg)[0]
		}
		var raised alarms
		var mu sync.Mutex
		settled := map[string]outbox.Settlement{}
		cfg := quick(fixed)
		cfg.Alarm, cfg.Retry = raised.take, outbox.Retry{First: h, Longest: h}
		_, stop := e.send(t, recordingQueue{Queue: e.store, settles: func(batch []outbox.Settlement) {
			mu.Lock()
			defer mu.Unlock()
			for _, st := range batch {
				if _, seen := settled[st.Message.Destination]; !seen {
					settled[st.Message.Destination] = st
				}
			}
		}}, cfg)
		e.untilTried(t, slices.Collect(maps.Values(ids)))
		stop()
		states, err := e.store.Destinations(t.Context())
		require.NoError(t, err)
		found := map[string]outbox.DestinationState{}
		for _, s := range states {
			found[s.Name] = s
		}
		for name, c := range cases {
			require.Equal(t, c.alarms, raised.of(name), name)
			st, entry := settled[name], e.log(t, ids[name])[0]
			require.GreaterOrEqual(t, st.Delay, c.low, name)
			require.LessOrEqual(t, st.Delay, c.high, name)
			require.Equal(t, c.outcome, entry.Outcome, name)
			require.Equal(t, "c", entry.Code, name)
			require.Equal(t, c.reason, entry.Reason, name)
			require.Equal(t, c.reason, e.one(t, ids[name]).Reason, name)
			require.Equal(t, c.pause, found[name].Reason, name)
			if c.hold == 0 {
				require.Zero(t, found[name].HeldUntil, name)
			} else {
				require.WithinDuration(t, time.Now().Add(c.hold), found[name].HeldUntil, 45*time.Second, name)
			}
		}
	})
}

func TestPromise11_NotReadyEndsWithAPersonAfterThreeDays(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		id := e.insert(t, push("a", "U-1"))[0]
		var raised alarms
		cfg := quick(outbox.Fixed{"elevate": answering(outbox.OutcomeNotReady, 0)})
		cfg.Alarm = raised.take
		e.send(t, e.store, cfg)
		for i, day := range []int{0, 1, 2, 3} {
			until(t, func() bool { return len(e.log(t, id)) == i+1 }, "asked again")
			if day < 3 {
				require.Equal(t, outbox.StatePending, e.one(t, id).State)
				require.Empty(t, raised.of("elevate"))
				e.ahead.Add(int64(24*time.Hour + time.Minute))
			}
		}
		rec := e.one(t, id)
		require.Equal(t, outbox.StateParked, rec.State)
		require.Equal(t, "not ready for 72 hours: as told", rec.Reason)
		require.Equal(t, []outbox.AlarmKind{outbox.AlarmParked}, raised.of("elevate"))
	})
}

// A 403 may concern one message only: the third different one in a row pauses.
func TestPromise11_TentativeRefusalPausesAtTheThirdMessage(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		var raised alarms
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
			return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnauthorized, Tentative: true, Code: "403"}
		})})
		cfg.Alarm, cfg.Retry = raised.take, outbox.Retry{First: time.Hour, Longest: time.Hour}
		sender, _ := e.send(t, e.store, cfg)
		for _, key := range []string{"a", "b"} {
			id := e.insert(t, push(key, key))[0]
			sender.Wake()
			until(t, func() bool { return len(e.log(t, id)) == 1 }, "tried")
			rec := e.one(t, id)
			require.Equal(t, 1, rec.Attempt, "retried by the schedule")
			require.True(t, rec.Due.After(time.Now()))
			states, err := e.store.Destinations(t.Context())
			require.NoError(t, err)
			require.Empty(t, states)
			require.Empty(t, raised.of("elevate"))
		}
		e.insert(t, push("c", "c"))
		sender.Wake()
		until(t, func() bool {
			states, err := e.store.Destinations(t.Context())
			return err == nil && len(states) == 1 && states[0].Pausing == outbox.PausedByItself
		}, "paused")
		require.Equal(t, []outbox.AlarmKind{outbox.AlarmPaused}, raised.of("elevate"))
	})
}
