package outboxtest

import (
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func breakerClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"an open breaker lets nothing through, and no other destination is the worse for it", (*stand[Tx]).brokenIsShut},
		{"then one probe goes, and the next when its lease has ended", (*stand[Tx]).brokenIsProbed},
		{"of senders that claim at one moment one gets the probe", (*stand[Tx]).oneGetsProbe},
		{"a probe that was not sent is given back", (*stand[Tx]).probeGivenBack},
		{"a success closes the breaker", (*stand[Tx]).closedBySuccess},
		{"a failure opens it again, and the later time wins", (*stand[Tx]).openedAgain},
		{"a break beats a resumption of the same batch", (*stand[Tx]).breakBeatsResume},
		{"an operator's resume closes the breaker", (*stand[Tx]).closedByOperator},
		{"an operator's pause outlasts the breaker", (*stand[Tx]).pausedAndBroken},
		{"a destination that paused itself is probed by no more than its breaker lets through", (*stand[Tx]).pausedItselfAndBroken},
	}
}

func breaks(d time.Duration) func(*outbox.Settlement) {
	return func(e *outbox.Settlement) { e.Break, e.Deferred, e.Delay = d, true, 0 }
}

// breakElevate opens the breaker by a message that is left pending and due.
func (s *stand[Tx]) breakElevate(key string, d time.Duration) {
	s.t.Helper()
	s.add(push(key, "U-"+key))
	g := s.claimed(key)
	s.settled(g.end(0, outbox.StatePending, breaks(d)))
}

func (s *stand[Tx]) brokenIsShut() {
	s.breakElevate("a", 20*time.Minute)
	s.insert(push("b", "U-2"), push("c", "U-3", to("notified")), push("d", "U-4", to("elevate/acme")))
	created := s.find(outbox.Query{Keys: []string{"b"}})[0].Created
	require.WithinDuration(s.t, created.Add(20*time.Minute), s.destination("elevate").BrokenUntil, time.Minute)
	require.Equal(s.t, outbox.NotPaused, s.destination("elevate").Pausing)
	g := s.claimed("c", "d")
	s.settled(g.end(0, outbox.StateDelivered, resume), g.end(1, outbox.StateDelivered, resume))
	s.Advance(19 * time.Minute)
	s.nothing()
	s.nothing(alone)
	s.nothing(probing)
	s.Advance(2 * time.Minute)
	s.requireOneProbe(s.claim(), "elevate")
}

func (s *stand[Tx]) brokenIsProbed() {
	s.breakElevate("a", 20*time.Minute)
	s.insert(push("b", "U-2"), push("c", "U-2"))
	s.Advance(21 * time.Minute)
	s.requireOneProbe(s.claim(runs(5)), "elevate")
	until := s.destination("elevate").BrokenUntil
	created := s.find(outbox.Query{Keys: []string{"b"}})[0].Created
	require.WithinDuration(s.t, created.Add(21*time.Minute+lease), until, time.Minute)
	for _, key := range []string{"d", "e"} {
		s.nothing(runs(5))
		s.nothing(probing)
		s.Advance(lease - time.Minute)
		s.add(push(key, "U-3"))
		s.nothing(runs(5))
		s.Advance(2 * time.Minute)
		s.requireOneProbe(s.claim(runs(5)), "elevate")
		require.True(s.t, s.destination("elevate").BrokenUntil.After(until))
		until = s.destination("elevate").BrokenUntil
	}
}

func (s *stand[Tx]) probeGivenBack() {
	unsent := func(e *outbox.Settlement) { e.Outcome, e.ProbeAgain = outbox.OutcomeNone, true }
	s.breakElevate("a", 20*time.Minute)
	s.insert(push("b", "U-2"), push("c", "U-3"))
	s.Advance(21 * time.Minute)
	for range 3 {
		g := s.claim()
		s.requireOneProbe(g, "elevate")
		s.nothing()
		s.settled(g.end(0, outbox.StateWithdrawn, unsent))
	}
	s.nothing()
	s.add(push("d", "U-4"))
	s.requireOneProbe(s.claim(), "elevate")
}

func (s *stand[Tx]) oneGetsProbe() {
	s.breakElevate("a", 20*time.Minute)
	s.insertMany(10, "k", "elevate")
	for round := range 3 {
		s.Advance(21 * time.Minute)
		var mu sync.Mutex
		var got []outbox.Leased
		var probe grip
		require.NoError(s.t, atOnce(4, func(int) error {
			token := outbox.NewToken()
			c, err := s.Store.Claim(s.t.Context(), outbox.ClaimRequest{Token: token, Lease: lease, Limit: 10, DestinationLimit: 10, KeyLimit: 3})
			mu.Lock()
			defer mu.Unlock()
			got = append(got, c.Leased...)
			if len(c.Leased) > 0 {
				probe = grip{c, token}
			}
			return err
		}))
		require.Len(s.t, got, 1, "round %d", round)
		require.True(s.t, got[0].Probe)
		s.settled(probe.end(0, outbox.StatePending, breaks(20*time.Minute)))
	}
}

func (s *stand[Tx]) closedBySuccess() {
	s.breakElevate("a", 20*time.Minute)
	s.insert(push("b", "U-2"), push("c", "U-3"))
	s.Advance(21 * time.Minute)
	g := s.claim()
	s.requireOneProbe(g, "elevate")
	s.settled(g.end(0, outbox.StateDelivered, resume))
	require.True(s.t, s.destination("elevate").BrokenUntil.IsZero())
	g = s.claim()
	require.Len(s.t, g.Leased, 2)
	require.False(s.t, g.Leased[0].Probe)
}

func (s *stand[Tx]) openedAgain() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	g := s.claimed("a", "b", "c")
	s.settled(g.end(0, outbox.StatePending, breaks(time.Hour)))
	until := s.destination("elevate").BrokenUntil
	require.False(s.t, until.IsZero())
	s.settled(g.end(1, outbox.StatePending, breaks(time.Minute)))
	require.True(s.t, s.destination("elevate").BrokenUntil.Equal(until))
	s.settled(g.end(2, outbox.StatePending, breaks(2*time.Hour)))
	until = s.destination("elevate").BrokenUntil
	s.Advance(61 * time.Minute)
	s.nothing()
	s.Advance(time.Hour)
	g = s.claim()
	s.requireOneProbe(g, "elevate")
	s.settled(g.end(0, outbox.StatePending, breaks(3*time.Hour)))
	require.WithinDuration(s.t, until.Add(3*time.Hour), s.destination("elevate").BrokenUntil, 5*time.Minute)
	s.Advance(2 * time.Hour)
	s.nothing()
	s.Advance(61 * time.Minute)
	s.requireOneProbe(s.claim(), "elevate")
}

func (s *stand[Tx]) breakBeatsResume() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	g := s.claimed("a", "b", "c")
	s.settled(g.end(0, outbox.StateDelivered, resume), g.end(1, outbox.StatePending, breaks(time.Hour)), g.end(2, outbox.StateDelivered, resume))
	require.False(s.t, s.destination("elevate").BrokenUntil.IsZero())
	s.nothing()
}

func (s *stand[Tx]) closedByOperator() {
	s.breakElevate("a", time.Hour)
	s.add(push("b", "U-2"))
	s.steer(outbox.VerbResume, "elevate")
	require.True(s.t, s.destination("elevate").BrokenUntil.IsZero())
	g := s.claim()
	require.Len(s.t, g.Leased, 2)
	require.False(s.t, g.Leased[0].Probe)
}

func (s *stand[Tx]) pausedAndBroken() {
	s.breakElevate("a", 20*time.Minute)
	s.steer(outbox.VerbPause, "elevate")
	s.Advance(21 * time.Minute)
	s.nothing()
	s.nothing(probing)
	s.steer(outbox.VerbResume, "elevate")
	require.False(s.t, s.claimed("a").Leased[0].Probe)
}

func (s *stand[Tx]) pausedItselfAndBroken() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	g := s.claimed("a", "b")
	s.settled(g.end(0, outbox.StatePending, pause), g.end(1, outbox.StatePending, breaks(time.Hour)))
	s.Advance(16 * time.Minute)
	s.nothing()
	s.nothing(probing)
	s.Advance(45 * time.Minute)
	g = s.claim()
	s.requireOneProbe(g, "elevate")
	s.settled(g.end(0, outbox.StateDelivered, resume))
	state := s.destination("elevate")
	require.Equal(s.t, outbox.NotPaused, state.Pausing)
	require.True(s.t, state.BrokenUntil.IsZero())
	s.claim()
}
