package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func clockClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"what was put off by a clock that was ahead falls due when it is mended", (*env[Tx]).mendsMessages},
		{"destinations that were closed by it are open", (*env[Tx]).mendsDestinations},
		{"destinations that were to be probed by it may be probed", (*env[Tx]).mendsProbes},
		{"what is not of that time is left as it is", (*env[Tx]).mendsNothingElse},
		{"what was inserted by it is read at once", (*env[Tx]).insertedAhead},
		{"what is lost falls due by the clock as it is", (*env[Tx]).reapedAfterSetBack},
		{"what of an open flight was put off by it may be in flight", (*env[Tx]).putOffAhead},
	}
}

func (s *env[Tx]) mend() int {
	s.t.Helper()
	return s.beat(outbox.Beat{Session: s.own(), Mend: true}).Mended
}

func (s *env[Tx]) mendsMessages() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	s.putOff(map[string]time.Duration{"a": time.Minute, "b": time.Hour})
	s.Advance(-2 * time.Hour)
	s.requireRead([]string{}, due)
	s.beat(outbox.Beat{Session: s.own()})
	s.requireRead([]string{}, due)
	require.Equal(s.t, 2, s.mend())
	require.ElementsMatch(s.t, []string{"a", "b"}, waitingKeys(s.read(due)))
	for _, key := range []string{"a", "b"} {
		rec := s.one(s.idOf(key))
		require.Zero(s.t, rec.Lost)
		require.Zero(s.t, rec.Doubt)
	}
	require.Zero(s.t, s.mend())
	s.sends("a", "b", "c")
}

func (s *env[Tx]) mendsDestinations() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	s.settled(s.begin("a").end(0, outbox.StateDelivered, hold(time.Hour)))
	s.Advance(-day)
	require.Zero(s.t, s.mend())
	s.sends("b")
}

func (s *env[Tx]) mendsProbes() {
	for name, edit := range map[string]func(*outbox.Settlement){"itself": pause, "broken": breaks(time.Hour)} {
		s.insert(push("a "+name, "U-1", to(name)), push("b "+name, "U-2", to(name)))
		s.settled(s.begin("a "+name).end(0, outbox.StateDelivered, edit))
	}
	s.Advance(-day)
	s.mend()
	for _, key := range []string{"b itself", "b broken"} {
		require.True(s.t, s.refuses(key).Probing, "it stays closed to others")
		s.probes(key)
	}
}

func (s *env[Tx]) mendsNothingElse() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3", to("held")), push("d", "U-4", to("held")))
	s.putOff(map[string]time.Duration{"a": time.Hour})
	s.settled(s.begin("c").end(0, outbox.StateDelivered, hold(time.Hour)))
	s.steer(outbox.VerbPause, "elevate")
	until, held := s.one(s.idOf("a")).Due, s.destination("held").HeldUntil
	for range 2 {
		s.Advance(10 * time.Minute)
		require.Zero(s.t, s.mend())
	}
	require.True(s.t, s.one(s.idOf("a")).Due.Equal(until))
	require.True(s.t, s.destination("held").HeldUntil.Equal(held))
	s.Advance(-day)
	require.Equal(s.t, 1, s.mend())
	require.Equal(s.t, outbox.PausedByOperator, s.destination("elevate").Pausing)
	s.sends("d")
}

func (s *env[Tx]) insertedAhead() {
	s.add(push("a", "U-1"))
	s.Advance(-day)
	s.add(push("b", "U-2"))
	s.requireRead([]string{"a", "b"})
	f := s.sends("a", "b")
	s.settled(f.end(0, outbox.StateDelivered), f.end(1, outbox.StatePending, delay(time.Minute)))
	s.Advance(2 * time.Minute)
	s.deliver("b")
}

func (s *env[Tx]) reapedAfterSetBack() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	s.putOff(map[string]time.Duration{"a": 0})
	s.begin("a", "b")
	s.Advance(-day)
	require.Equal(s.t, 2, s.die().Reaped)
	s.sends("a", "b")
}

func (s *env[Tx]) putOffAhead() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	f := s.begin("a", "b")
	s.Advance(time.Hour)
	s.settled(f.end(0, outbox.StatePending, delay(time.Hour)))
	id := s.idOf("a")
	require.False(s.t, s.inFlight(id))
	s.Advance(-time.Hour / 2)
	require.True(s.t, s.inFlight(id))
	require.Equal(s.t, 2, s.die().Reaped)
	require.Equal(s.t, outbox.DoubtLost, s.one(id).Doubt)
	s.sends("a", "b")
}
