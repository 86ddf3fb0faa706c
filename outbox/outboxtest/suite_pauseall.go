package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// allPaused is what a store tells while an operator has paused everything.
var allPaused = outbox.Closed{ByOperator: true}

func (s *env[Tx]) pausesEverything() {
	s.pauseElevate("a", "U-1")
	s.insert(push("b", "U-2", to("notified")), push("c", "U-3", to("limited")), push("d", "U-4", to("paused")))
	s.steer(outbox.VerbPause, "paused")
	s.steer(outbox.VerbPause, "")
	once := func(f *outbox.Flight) {
		f.Rates = map[string]outbox.Rate{"limited": {Count: 1, Per: 365 * day}}
	}
	s.Advance(day)
	for _, edit := range []func(*outbox.Flight){func(*outbox.Flight) {}, once} {
		f, recorded := s.fly(s.waiting(), edit)
		require.Empty(s.t, f.keys())
		require.Equal(s.t, []outbox.Closed{allPaused}, recorded.Closed)
	}
	for _, key := range []string{"a", "b", "c", "d"} {
		require.Equal(s.t, allPaused, s.refuses(key, early))
	}
	for _, r := range s.find(outbox.Query{Subject: "order-1", InFlight: true}) {
		require.False(s.t, r.InFlight)
		require.Zero(s.t, r.Lost)
	}
	s.steer(outbox.VerbResume, "notified")
	require.Equal(s.t, allPaused, s.refuses("b"), "a destination alone does not go on")
	discarded := s.add(push("e", "U-5"))
	require.NoError(s.t, s.act(outbox.VerbDiscard, discarded), "enqueueing and discarding go on")

	s.steer(outbox.VerbResume, "")
	f := s.sendAll(once)
	require.Equal(s.t, []string{"b", "c"}, f.keys(), "nothing of its rate was used, and the others stay paused")
	require.True(s.t, s.refuses("d").ByOperator)
	s.probes("a")
}

func (s *env[Tx]) settlesWhilePaused() {
	s.insert(push("a", "U-1"), push("b", "U-2", to("notified")))
	f := s.sends("a", "b")
	s.steer(outbox.VerbPause, "")
	s.settled(f.end(0, outbox.StateDelivered, resume), f.end(1, outbox.StatePending, delay(0)))
	s.nothing()
	c, closed := s.closed("")
	require.True(s.t, closed)
	require.Equal(s.t, allPaused, c)
	require.Equal(s.t, outbox.PausedByOperator, s.destination("").Pausing)
	s.steer(outbox.VerbResume, "")
	s.sends("b")
}

func (s *env[Tx]) pauseToldLater() {
	s.steer(outbox.VerbPause, "")
	s.add(push("a", "U-1"))
	later := s.join("two")
	require.Contains(s.t, s.beat(outbox.Beat{Session: later, Take: outbox.Shards}).Closed, allPaused)
	require.Contains(s.t, s.beat(outbox.Beat{Session: later, Mend: true}).Closed, allPaused, "no clock ends it")
	require.Contains(s.t, s.beat(outbox.Beat{Session: later}).Closed, allPaused)
	s.Advance(time.Hour)
	require.Contains(s.t, s.beat(outbox.Beat{Session: later}).Closed, allPaused)
	s.steer(outbox.VerbResume, "")
	require.Empty(s.t, s.beat(outbox.Beat{Session: later}).Closed)
}
