package outboxtest

import (
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func breakerClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"an open breaker lets nothing through, and no other destination is the worse for it", (*env[Tx]).brokenIsShut},
		{"then one probe goes, and the next when its time is over", (*env[Tx]).brokenIsProbed},
		{"of senders that probe at one moment one may", (*env[Tx]).oneGetsProbe},
		{"a probe that was not sent is given back", (*env[Tx]).probeGivenBack},
		{"a probe is not taken by a message that may not be sent", (*env[Tx]).probeNotTaken},
		{"a success closes the breaker", (*env[Tx]).closedBySuccess},
		{"a failure opens it again, for longer", (*env[Tx]).openedAgain},
		{"a break beats a resumption of the same batch", (*env[Tx]).breakBeatsResume},
		{"an operator's resume closes the breaker", (*env[Tx]).closedByOperator},
		{"an operator's pause outlasts the breaker", (*env[Tx]).pausedAndBroken},
		{"a destination that paused itself is probed by no more than its breaker lets through", (*env[Tx]).pausedItselfAndBroken},
	}
}

func breaks(d time.Duration) func(*outbox.Settlement) {
	return func(e *outbox.Settlement) { e.Break, e.Deferred, e.Delay = d, true, 0 }
}

// breakElevate opens the breaker by a message that is left pending and due.
func (s *env[Tx]) breakElevate(key string, d time.Duration) {
	s.t.Helper()
	s.add(push(key, "U-"+key))
	s.settled(s.begin(key).end(0, outbox.StatePending, breaks(d)))
}

func (s *env[Tx]) brokenIsShut() {
	s.breakElevate("a", 20*time.Minute)
	s.insert(push("b", "U-2"), push("c", "U-3", to("notified")), push("d", "U-4", to("elevate/acme")))
	created := s.find(outbox.Query{Keys: []string{"b"}})[0].Created
	require.WithinDuration(s.t, created.Add(20*time.Minute), s.destination("elevate").BrokenUntil, time.Minute)
	require.Equal(s.t, outbox.NotPaused, s.destination("elevate").Pausing)
	f := s.sends("c", "d")
	s.settled(f.end(0, outbox.StateDelivered, resume), f.end(1, outbox.StateDelivered, resume))
	s.Advance(19 * time.Minute)
	for _, edit := range []func(*outbox.Flight){func(*outbox.Flight) {}, probing, early} {
		c := s.refuses("b", edit)
		require.True(s.t, c.Probing)
		require.InDelta(s.t, time.Minute, c.For, float64(30*time.Second))
	}
	s.Advance(2 * time.Minute)
	c := s.refuses("b")
	require.Equal(s.t, outbox.Closed{Destination: "elevate", Probing: true}, c, "only a probe may go")
	s.probes("b")
}

func (s *env[Tx]) brokenIsProbed() {
	s.breakElevate("a", 20*time.Minute)
	s.insert(push("b", "U-2"), push("c", "U-2"), push("d", "U-3"))
	s.Advance(21 * time.Minute)
	s.probes("a")
	until := s.destination("elevate").BrokenUntil
	created := s.find(outbox.Query{Keys: []string{"b"}})[0].Created
	require.WithinDuration(s.t, created.Add(31*time.Minute), until, time.Minute)
	for _, keys := range [][2]string{{"b", "c"}, {"c", "d"}} {
		s.refuses(keys[0], probing)
		s.Advance(9 * time.Minute)
		s.refuses(keys[0], probing)
		s.Advance(2 * time.Minute)
		s.probes(keys[0])
		s.refuses(keys[1], probing)
		require.True(s.t, s.destination("elevate").BrokenUntil.After(until))
		until = s.destination("elevate").BrokenUntil
	}
}

func (s *env[Tx]) oneGetsProbe() {
	s.breakElevate("a", 20*time.Minute)
	s.insertMany(3, "k", "elevate")
	for round := range 3 {
		s.Advance(21 * time.Minute)
		waiting := s.waiting()
		var mu sync.Mutex
		var begun []int
		ids := []outbox.SessionID{s.join("s"), s.join("s"), s.join("s"), s.join("s")}
		require.NoError(s.t, atOnce(4, func(i int) error {
			f := outbox.Flight{Session: ids[i], N: 1, Messages: []outbox.Queued{queued(&waiting[i])}}
			probing(&f)
			recorded, err := s.Store.Record(s.t.Context(), f)
			mu.Lock()
			defer mu.Unlock()
			if len(recorded.Begun) > 0 {
				begun = append(begun, i)
			}
			return err
		}))
		require.Len(s.t, begun, 1, "round %d", round)
		settled, err := s.Store.Settle(s.t.Context(), outbox.Settling{
			Session: ids[begun[0]], Over: []int64{1}, Batch: []outbox.Settlement{{
				Message: waiting[begun[0]].Message, Outcome: outbox.OutcomeUnavailable, Break: 20 * time.Minute,
			}},
		})
		require.NoError(s.t, err)
		require.Len(s.t, settled.Acked, 1)
	}
}

func (s *env[Tx]) probeGivenBack() {
	unsent := func(e *outbox.Settlement) { e.Outcome, e.ProbeAgain = outbox.OutcomeNone, true }
	s.breakElevate("a", 20*time.Minute)
	s.insert(push("b", "U-2"), push("c", "U-3"), push("d", "U-4"))
	s.Advance(21 * time.Minute)
	for _, key := range []string{"a", "b", "c"} {
		f := s.probes(key)
		s.refuses("d", probing)
		s.settled(f.end(0, outbox.StateWithdrawn, unsent))
	}
	s.probes("d")
}

func (s *env[Tx]) probeNotTaken() {
	s.breakElevate("a", 20*time.Minute)
	s.insert(push("b", "U-2"), push("c", "U-3"))
	waiting := s.waiting()
	require.NoError(s.t, s.act(outbox.VerbDiscard, waiting[1].ID))
	s.Advance(21 * time.Minute)
	f, _ := s.fly(waiting[1:2], probing)
	require.Empty(s.t, f.sent)
	s.probes("c")
}

func (s *env[Tx]) closedBySuccess() {
	s.breakElevate("a", 20*time.Minute)
	s.insert(push("b", "U-2"), push("c", "U-3"))
	s.Advance(21 * time.Minute)
	f := s.probes("a")
	s.settled(f.end(0, outbox.StateDelivered, resume))
	require.True(s.t, s.destination("elevate").BrokenUntil.IsZero())
	s.sends("b", "c")
}

func (s *env[Tx]) openedAgain() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	f := s.sends("a", "b", "c")
	s.settled(f.end(0, outbox.StatePending, breaks(time.Hour)))
	until := s.destination("elevate").BrokenUntil
	require.False(s.t, until.IsZero())
	s.settled(f.end(1, outbox.StatePending, breaks(2*time.Hour)))
	require.WithinDuration(s.t, until.Add(time.Hour), s.destination("elevate").BrokenUntil, time.Minute)
	s.settled(f.end(2, outbox.StateDelivered))
	until = s.destination("elevate").BrokenUntil
	s.Advance(61 * time.Minute)
	s.nothing()
	s.Advance(time.Hour)
	f = s.probes("a")
	s.settled(f.end(0, outbox.StatePending, breaks(3*time.Hour)))
	require.WithinDuration(s.t, until.Add(3*time.Hour), s.destination("elevate").BrokenUntil, 5*time.Minute)
	s.Advance(2 * time.Hour)
	s.refuses("b", probing)
	s.Advance(61 * time.Minute)
	s.probes("b")
}

func (s *env[Tx]) breakBeatsResume() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	f := s.sends("a", "b", "c")
	s.settled(f.end(0, outbox.StateDelivered, resume), f.end(1, outbox.StatePending, breaks(time.Hour)),
		f.end(2, outbox.StateDelivered, resume))
	require.False(s.t, s.destination("elevate").BrokenUntil.IsZero())
	s.nothing()
}

func (s *env[Tx]) closedByOperator() {
	s.breakElevate("a", time.Hour)
	s.add(push("b", "U-2"))
	s.steer(outbox.VerbResume, "elevate")
	require.True(s.t, s.destination("elevate").BrokenUntil.IsZero())
	s.sends("a", "b")
}

func (s *env[Tx]) pausedAndBroken() {
	s.breakElevate("a", 20*time.Minute)
	s.steer(outbox.VerbPause, "elevate")
	s.Advance(21 * time.Minute)
	require.True(s.t, s.refuses("a", probing).ByOperator)
	s.steer(outbox.VerbResume, "elevate")
	s.sends("a")
}

func (s *env[Tx]) pausedItselfAndBroken() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	f := s.sends("a", "b")
	s.settled(f.end(0, outbox.StatePending, pause), f.end(1, outbox.StatePending, breaks(time.Hour)))
	s.Advance(16 * time.Minute)
	s.refuses("a", probing)
	s.Advance(45 * time.Minute)
	f = s.probes("a")
	s.refuses("b", probing)
	s.settled(f.end(0, outbox.StateDelivered, resume))
	state := s.destination("elevate")
	require.Equal(s.t, outbox.NotPaused, state.Pausing)
	require.True(s.t, state.BrokenUntil.IsZero())
	s.sends("b")
}
