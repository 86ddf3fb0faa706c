package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func destinationClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"an operator's pause stops one destination until it is resumed", (*env[Tx]).operatorPauses},
		{"a settlement pauses a destination, which is then probed", (*env[Tx]).pausedByItself},
		{"a probe may be early, but not where its breaker is open", (*env[Tx]).probeEarly},
		{"a success resumes what paused itself", (*env[Tx]).resumedBySuccess},
		{"a pause beats a resumption of the same batch", (*env[Tx]).pauseBeatsResume},
		{"no settlement touches an operator's pause", (*env[Tx]).operatorsPauseStays},
		{"an operator's resume ends any pause and hold", (*env[Tx]).resumeEndsAll},
		{"a held destination is not sent to, not even a probe", (*env[Tx]).heldDestination},
		{"a hold is only ever extended", (*env[Tx]).holdOnlyExtends},
		{"a probe of a destination that is open is a message like others", (*env[Tx]).probeOfOpen},
		{"each destination of a flight is told of by itself", (*env[Tx]).closedOfFlight},
		{"nothing begins anywhere while everything is paused", (*env[Tx]).pausesEverything},
		{"what was in flight when everything was paused is settled, and resumes nothing", (*env[Tx]).settlesWhilePaused},
		{"a pause of everything is told to senders that join later", (*env[Tx]).pauseToldLater},
	}
}

// destination returns a destination's state; zero for one that has none.
func (s *env[Tx]) destination(name string) outbox.DestinationState {
	s.t.Helper()
	states, err := s.Store.Destinations(s.t.Context())
	require.NoError(s.t, err)
	for _, state := range states {
		if state.Name == name {
			return state
		}
	}
	return outbox.DestinationState{}
}

func hold(d time.Duration) func(*outbox.Settlement) {
	return func(e *outbox.Settlement) { e.Hold = d }
}

func pause(e *outbox.Settlement) {
	e.Outcome, e.Pause, e.ProbeEvery, e.Deferred, e.Delay = outbox.OutcomeUnauthorized, "credentials refused", 15*time.Minute, true, 0
}

func resume(e *outbox.Settlement) { e.Resume = true }

// pauseElevate makes the destination pause itself by a message that is left
// pending.
func (s *env[Tx]) pauseElevate(key, person string) {
	s.t.Helper()
	s.add(push(key, person))
	s.settled(s.begin(key).end(0, outbox.StatePending, pause))
}

func (s *env[Tx]) operatorPauses() {
	s.insert(push("a", "U-1"), push("b", "U-2", to("notified")), push("c", "U-3", to("elevate/acme")))
	s.steer(outbox.VerbPause, "elevate")
	state := s.destination("elevate")
	require.Equal(s.t, outbox.PausedByOperator, state.Pausing)
	require.Equal(s.t, "maintenance", state.Reason)
	f := s.sends("b", "c")
	s.settled(f.end(0, outbox.StateDelivered), f.end(1, outbox.StateDelivered))
	later := s.add(push("later", "U-4"))
	require.NoError(s.t, s.act(outbox.VerbDiscard, later), "enqueueing and discarding go on")
	s.Advance(day)
	for _, edit := range []func(*outbox.Flight){func(*outbox.Flight) {}, probing, early} {
		require.Equal(s.t, outbox.Closed{Destination: "elevate", ByOperator: true}, s.refuses("a", edit))
	}
	s.steer(outbox.VerbResume, "elevate")
	state = s.destination("elevate")
	require.Equal(s.t, outbox.NotPaused, state.Pausing)
	require.Empty(s.t, state.Reason)
	s.sends("a")
}

func (s *env[Tx]) pausedByItself() {
	s.pauseElevate("a", "U-1")
	s.insert(push("b", "U-2"), push("c", "U-3", to("notified")))
	state := s.destination("elevate")
	require.Equal(s.t, outbox.PausedByItself, state.Pausing)
	require.Equal(s.t, "credentials refused", state.Reason)
	first := state.ProbeAt
	require.False(s.t, first.IsZero())
	s.deliver("c")
	s.Advance(14 * time.Minute)
	c := s.refuses("b", probing)
	require.True(s.t, c.Probing)
	require.InDelta(s.t, time.Minute, c.For, float64(30*time.Second))
	s.Advance(2 * time.Minute)
	c = s.refuses("b")
	require.True(s.t, c.Probing, "only a probe may go")
	require.Zero(s.t, c.For)

	s.probes("b", func(f *outbox.Flight) { f.ProbeFor = 15 * time.Minute })
	require.WithinDuration(s.t, first.Add(16*time.Minute), s.destination("elevate").ProbeAt, 2*time.Minute)
	s.refuses("a", probing)
	s.Advance(14 * time.Minute)
	s.refuses("a", probing)
	s.Advance(2 * time.Minute)
	s.probes("a")
}

func (s *env[Tx]) resumedBySuccess() {
	s.pauseElevate("a", "U-1")
	s.add(push("b", "U-2"))
	s.nothing()
	s.Advance(16 * time.Minute)
	f := s.probes("a")
	s.settled(f.end(0, outbox.StateDelivered, resume))
	state := s.destination("elevate")
	require.Equal(s.t, outbox.NotPaused, state.Pausing)
	require.Empty(s.t, state.Reason)
	s.sends("b")
}

func (s *env[Tx]) pauseBeatsResume() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	f := s.sends("a", "b", "c")
	s.settled(f.end(0, outbox.StateDelivered, resume), f.end(1, outbox.StatePending, pause), f.end(2, outbox.StateDelivered, resume))
	require.Equal(s.t, outbox.PausedByItself, s.destination("elevate").Pausing)
}

func (s *env[Tx]) operatorsPauseStays() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	f := s.sends("a", "b", "c")
	s.steer(outbox.VerbPause, "elevate")
	s.settled(f.end(0, outbox.StateDelivered, resume), f.end(1, outbox.StatePending, pause), f.end(2, outbox.StateDelivered, resume))
	state := s.destination("elevate")
	require.Equal(s.t, outbox.PausedByOperator, state.Pausing)
	require.Equal(s.t, "maintenance", state.Reason)
	s.Advance(time.Hour)
	s.refuses("b", probing)
}

func (s *env[Tx]) resumeEndsAll() {
	s.pauseElevate("a", "U-1")
	s.steer(outbox.VerbResume, "elevate")
	f := s.sends("a")
	s.settled(f.end(0, outbox.StatePending, pause, hold(6*time.Hour)))
	s.refuses("a", early)
	s.steer(outbox.VerbResume, "elevate")
	state := s.destination("elevate")
	require.Equal(s.t, outbox.NotPaused, state.Pausing)
	require.True(s.t, state.HeldUntil.IsZero())
	s.sends("a")
}

func (s *env[Tx]) heldDestination() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-2", to("notified")))
	f := s.begin("a")
	s.settled(f.end(0, outbox.StatePending, deferred, delay(0), hold(time.Hour)))
	s.deliver("c")
	s.Advance(59 * time.Minute)
	for _, edit := range []func(*outbox.Flight){func(*outbox.Flight) {}, probing, early} {
		c := s.refuses("b", edit)
		require.False(s.t, c.Probing)
		require.False(s.t, c.Limited)
		require.InDelta(s.t, time.Minute, c.For, float64(30*time.Second))
	}
	s.Advance(2 * time.Minute)
	s.sends("a", "b")
}

func (s *env[Tx]) holdOnlyExtends() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	f := s.sends("a", "b", "c")
	s.settled(f.end(0, outbox.StatePending, deferred, hold(time.Hour)))
	until := s.destination("elevate").HeldUntil
	require.False(s.t, until.IsZero())
	s.settled(f.end(1, outbox.StatePending, deferred, hold(time.Minute)))
	require.True(s.t, s.destination("elevate").HeldUntil.Equal(until))
	s.settled(f.end(2, outbox.StatePending, deferred, hold(2*time.Hour)))
	require.WithinDuration(s.t, until.Add(time.Hour), s.destination("elevate").HeldUntil, time.Minute)
	s.Advance(61 * time.Minute)
	s.nothing()
	s.Advance(time.Hour)
	require.Len(s.t, s.sendAll().sent, 3)
}

func (s *env[Tx]) closedOfFlight() {
	for name, edit := range map[string]func(*outbox.Settlement){"itself": pause, "held": hold(time.Hour), "broken": breaks(time.Hour)} {
		s.add(push("first "+name, "U-1", to(name)))
		s.settled(s.begin("first "+name).end(0, outbox.StateDelivered, edit))
	}
	s.steer(outbox.VerbPause, "paused")
	for _, name := range []string{"itself", "held", "broken", "paused", "open"} {
		s.insert(push("a "+name, "U-1", to(name)), push("b "+name, "U-2", to(name)))
	}
	f, recorded := s.fly(s.waiting())
	require.Equal(s.t, []string{"a open", "b open"}, f.keys())
	closed := map[string]outbox.Closed{}
	for _, c := range recorded.Closed {
		closed[c.Destination] = c
	}
	require.Len(s.t, recorded.Closed, 4, "each once")
	require.True(s.t, closed["paused"].ByOperator)
	for _, name := range []string{"itself", "held", "broken"} {
		require.Greater(s.t, closed[name].For, 10*time.Minute, name)
		require.Equal(s.t, name != "held", closed[name].Probing, name)
	}
	require.Equal(s.t, 2, s.die().Reaped)
}
