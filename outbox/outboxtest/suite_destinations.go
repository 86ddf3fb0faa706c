package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func destinationClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"an operator's pause stops one destination until it is resumed", (*stand[Tx]).operatorPauses},
		{"a settlement pauses a destination, which is then probed", (*stand[Tx]).pausedByItself},
		{"a probe may be asked for before it is due", (*stand[Tx]).probeAsked},
		{"a success resumes what paused itself", (*stand[Tx]).resumedBySuccess},
		{"a pause beats a resumption of the same batch", (*stand[Tx]).pauseBeatsResume},
		{"no settlement touches an operator's pause", (*stand[Tx]).operatorsPauseStays},
		{"an operator's resume ends any pause and hold", (*stand[Tx]).resumeEndsAll},
		{"a held destination is not sent to, not even a probe", (*stand[Tx]).heldDestination},
		{"a hold is only ever extended", (*stand[Tx]).holdOnlyExtends},
	}
}

// destination returns a destination's state; zero for one that has none.
func (s *stand[Tx]) destination(name string) outbox.DestinationState {
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
func (s *stand[Tx]) pauseElevate(key, person string) {
	s.t.Helper()
	s.add(push(key, person))
	g := s.claimed(key)
	s.settled(g.end(0, outbox.StatePending, pause))
}

func (s *stand[Tx]) operatorPauses() {
	s.insert(push("a", "U-1"), push("b", "U-2", to("notified")), push("c", "U-3", to("elevate/acme")))
	s.steer(outbox.VerbPause, "elevate")
	state := s.destination("elevate")
	require.Equal(s.t, outbox.PausedByOperator, state.Pausing)
	require.Equal(s.t, "maintenance", state.Reason)
	s.claimed("b", "c")
	later := s.add(push("later", "U-4"))
	require.NoError(s.t, s.act(outbox.VerbDiscard, later), "enqueueing and discarding go on")
	s.Advance(lease / 2)
	s.nothing(probing)
	s.nothing(alone)
	s.steer(outbox.VerbResume, "elevate")
	state = s.destination("elevate")
	require.Equal(s.t, outbox.NotPaused, state.Pausing)
	require.Empty(s.t, state.Reason)
	s.claimed("a")
}

func (s *stand[Tx]) pausedByItself() {
	s.pauseElevate("a", "U-1")
	s.insert(push("b", "U-2"), push("c", "U-3", to("notified")))
	state := s.destination("elevate")
	require.Equal(s.t, outbox.PausedByItself, state.Pausing)
	require.Equal(s.t, "credentials refused", state.Reason)
	first := state.ProbeAt
	require.False(s.t, first.IsZero())
	require.False(s.t, s.claimed("c").Leased[0].Probe)
	s.Advance(14 * time.Minute)
	require.NotContains(s.t, s.claim().keys(), "a")
	s.Advance(2 * time.Minute)
	g := s.claim(func(r *outbox.ClaimRequest) { r.Lease = time.Hour })
	s.requireOneProbe(g, "elevate")
	require.WithinDuration(s.t, first.Add(16*time.Minute), s.destination("elevate").ProbeAt, 2*time.Minute)
	require.NotContains(s.t, s.claim().keys(), "b")
	s.Advance(14 * time.Minute)
	require.NotContains(s.t, s.claim().keys(), "b")
	s.Advance(2 * time.Minute)
	s.requireOneProbe(s.claim(), "elevate")
}

// requireOneProbe requires that of the leased messages exactly one is of the
// destination, and a probe.
func (s *stand[Tx]) requireOneProbe(g grip, destination string) {
	s.t.Helper()
	probes := 0
	for _, l := range g.Leased {
		require.Equal(s.t, l.Destination == destination, l.Probe, l.Key)
		if l.Probe {
			probes++
		}
	}
	require.Equal(s.t, 1, probes)
}

func (s *stand[Tx]) probeAsked() {
	s.pauseElevate("a", "U-1")
	s.insert(push("b", "U-2"), push("c", "U-3", to("notified")), push("d", "U-4", to("notified")))
	g := s.claim(probing)
	require.Equal(s.t, []string{"a", "c", "d"}, g.keys())
	s.requireOneProbe(g, "elevate")
	s.nothing()
}

func (s *stand[Tx]) resumedBySuccess() {
	s.pauseElevate("a", "U-1")
	s.add(push("b", "U-2"))
	s.nothing()
	g := s.claim(probing)
	s.requireOneProbe(g, "elevate")
	s.settled(g.end(0, outbox.StateDelivered, resume))
	state := s.destination("elevate")
	require.Equal(s.t, outbox.NotPaused, state.Pausing)
	require.Empty(s.t, state.Reason)
	require.False(s.t, s.claimed("b").Leased[0].Probe)
}

func (s *stand[Tx]) pauseBeatsResume() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	g := s.claimed("a", "b", "c")
	s.settled(g.end(0, outbox.StateDelivered, resume), g.end(1, outbox.StatePending, pause), g.end(2, outbox.StateDelivered, resume))
	require.Equal(s.t, outbox.PausedByItself, s.destination("elevate").Pausing)
}

func (s *stand[Tx]) operatorsPauseStays() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	g := s.claimed("a", "b", "c")
	s.steer(outbox.VerbPause, "elevate")
	s.settled(g.end(0, outbox.StateDelivered, resume), g.end(1, outbox.StatePending, pause), g.end(2, outbox.StateDelivered, resume))
	state := s.destination("elevate")
	require.Equal(s.t, outbox.PausedByOperator, state.Pausing)
	require.Equal(s.t, "maintenance", state.Reason)
	s.Advance(time.Hour)
	s.nothing(probing)
}

func (s *stand[Tx]) resumeEndsAll() {
	s.pauseElevate("a", "U-1")
	s.steer(outbox.VerbResume, "elevate")
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StatePending, pause, hold(6*time.Hour)))
	s.nothing(probing)
	s.steer(outbox.VerbResume, "elevate")
	state := s.destination("elevate")
	require.Equal(s.t, outbox.NotPaused, state.Pausing)
	require.True(s.t, state.HeldUntil.IsZero())
	s.claimed("a")
}

func (s *stand[Tx]) heldDestination() {
	s.pauseElevate("a", "U-1")
	g := s.claim(probing)
	s.settled(g.end(0, outbox.StatePending, deferred, hold(time.Hour)))
	s.insert(push("b", "U-2"), push("c", "U-2", to("notified")))
	s.deliver("c")
	s.Advance(59 * time.Minute)
	s.nothing()
	s.nothing(probing)
	s.Advance(2 * time.Minute)
	s.requireOneProbe(s.claim(probing), "elevate")
}

func (s *stand[Tx]) holdOnlyExtends() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	g := s.claimed("a", "b", "c")
	s.settled(g.end(0, outbox.StatePending, deferred, hold(time.Hour)))
	until := s.destination("elevate").HeldUntil
	require.False(s.t, until.IsZero())
	s.settled(g.end(1, outbox.StatePending, deferred, hold(time.Minute)))
	require.True(s.t, s.destination("elevate").HeldUntil.Equal(until))
	s.settled(g.end(2, outbox.StatePending, deferred, hold(2*time.Hour)))
	require.WithinDuration(s.t, until.Add(time.Hour), s.destination("elevate").HeldUntil, time.Minute)
	s.Advance(61 * time.Minute)
	s.nothing()
	s.Advance(time.Hour)
	require.Len(s.t, s.claim().Leased, 3)
}
