package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func lostClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"a lost lease is counted, doubted and logged", (*stand[Tx]).lostLease},
		{"two lost leases make a suspect, five more alone park it", (*stand[Tx]).poison},
		{"suspects are claimed one at a time, and nothing with them", (*stand[Tx]).suspectsAlone},
		{"a suspect that is first holds its ordering key back", (*stand[Tx]).suspectHoldsLane},
		{"a claim that parks a suspect takes the next", (*stand[Tx]).poisonThenNext},
		{"any settlement ends the row of lost leases", (*stand[Tx]).settlementResetsLost},
		{"a message sent again is counted anew, and still doubted", (*stand[Tx]).sendAgainAfterPoison},
	}
}

// lose claims by these edits, requires these keys, and lets the leases end.
func (s *stand[Tx]) lose(times int, keys []string, edits ...func(*outbox.ClaimRequest)) {
	s.t.Helper()
	for range times {
		require.Equal(s.t, keys, s.claim(edits...).keys())
		s.Advance(lease + time.Minute)
	}
}

func (s *stand[Tx]) lostLease() {
	id := s.add(push("a", "U-1"))
	s.lose(1, []string{"a"})
	require.Empty(s.t, s.attempts(id), "a lease is lost when the next claim finds it ended")
	g := s.claimed("a")
	require.Equal(s.t, 1, g.Leased[0].Lost)
	require.Equal(s.t, 2, g.Leased[0].Attempt)
	require.Equal(s.t, outbox.DoubtLostLease, g.Leased[0].Doubt)
	require.True(s.t, g.Leased[0].PossibleDuplicate())
	require.Equal(s.t, 1, s.one(id).Lost)
	log := s.attempts(id)
	require.Len(s.t, log, 1)
	require.Equal(s.t, outbox.OutcomeNone, log[0].Outcome)
	require.Equal(s.t, outbox.StatePending, log[0].State)
	require.Contains(s.t, log[0].Reason, "lease lost: ")
	s.settled(g.end(0, outbox.StateDelivered))
	log = s.attempts(id)
	require.Len(s.t, log, 2)
	require.True(s.t, log[1].PossibleDuplicate)
	require.Greater(s.t, log[1].N, log[0].N)
}

func (s *stand[Tx]) poison() {
	id := s.add(push("a", "U-1"))
	for lost := range outbox.PoisonAfter {
		var edits []func(*outbox.ClaimRequest)
		if lost >= outbox.SuspectAfter {
			g := s.claim()
			require.Empty(s.t, g.keys(), "lost %d times", lost)
			require.True(s.t, g.Suspects, "lost %d times", lost)
			edits = append(edits, alone)
		}
		g := s.claim(edits...)
		require.Equal(s.t, []string{"a"}, g.keys(), "lost %d times", lost)
		require.Equal(s.t, lost, g.Leased[0].Lost)
		require.Equal(s.t, lost+1, g.Leased[0].Attempt)
		require.Empty(s.t, g.Poisoned)
		s.Advance(lease + time.Minute)
	}
	require.Empty(s.t, s.claim().Poisoned, "only a claim alone parks")
	g := s.claim(alone)
	require.Empty(s.t, g.keys())
	require.Len(s.t, g.Poisoned, 1)
	require.Equal(s.t, id, g.Poisoned[0].ID)
	require.Equal(s.t, "a", g.Poisoned[0].Key)
	require.Equal(s.t, "elevate", g.Poisoned[0].Destination)

	rec := s.one(id)
	require.Equal(s.t, outbox.StateParked, rec.State)
	require.Equal(s.t, outbox.ReasonKillsWorker, rec.Reason)
	require.Equal(s.t, outbox.PoisonAfter, rec.Lost)
	require.False(s.t, rec.InFlight)
	log := s.attempts(id)
	require.GreaterOrEqual(s.t, len(log), outbox.PoisonAfter)
	last := log[len(log)-1]
	require.Equal(s.t, outbox.StateParked, last.State)
	require.Equal(s.t, outbox.ReasonKillsWorker, last.Reason)
	g = s.claim(alone)
	require.Empty(s.t, g.Poisoned)
	require.Empty(s.t, g.keys())
	require.False(s.t, s.claim().Suspects)
}

func (s *stand[Tx]) suspectsAlone() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	s.lose(2, []string{"a", "b"})
	s.add(push("c", "U-3"))
	g := s.claimed("c")
	require.True(s.t, g.Suspects)
	s.settled(g.end(0, outbox.StateDelivered))
	s.add(push("d", "U-4"))
	for _, key := range []string{"a", "b"} {
		g = s.claim(alone)
		require.Equal(s.t, []string{key}, g.keys())
		s.settled(g.end(0, outbox.StateDelivered))
	}
	s.nothing(alone)
	g = s.claimed("d")
	require.False(s.t, g.Suspects)
}

func (s *stand[Tx]) suspectHoldsLane() {
	s.insert(push("a", "U-1"), push("b", "U-1"))
	s.lose(2, []string{"a"})
	g := s.claim()
	require.Empty(s.t, g.keys())
	require.True(s.t, g.Suspects)
	g = s.claim(alone)
	require.Equal(s.t, []string{"a"}, g.keys())
	s.nothing()
	s.settled(g.end(0, outbox.StateParked))
	s.deliver("b")
}

func (s *stand[Tx]) poisonThenNext() {
	a := s.add(push("a", "U-1"))
	s.Advance(time.Minute)
	s.add(push("b", "U-2"))
	s.lose(outbox.SuspectAfter, []string{"a", "b"})
	s.lose(outbox.PoisonAfter-outbox.SuspectAfter, []string{"a"}, alone)
	g := s.claim(alone)
	require.Len(s.t, g.Poisoned, 1)
	require.Equal(s.t, a, g.Poisoned[0].ID)
	require.Equal(s.t, []string{"b"}, g.keys())
	require.Equal(s.t, outbox.SuspectAfter, g.Leased[0].Lost)
}

func (s *stand[Tx]) settlementResetsLost() {
	id := s.add(push("a", "U-1"))
	s.lose(outbox.SuspectAfter, []string{"a"})
	g := s.claim(alone)
	require.Equal(s.t, []string{"a"}, g.keys())
	s.settled(g.end(0, outbox.StatePending, deferred))
	require.Zero(s.t, s.one(id).Lost)
	s.Advance(2 * time.Minute)
	g = s.claimed("a")
	require.Zero(s.t, g.Leased[0].Lost)
	require.Equal(s.t, outbox.DoubtLostLease, g.Leased[0].Doubt, "what may have arrived may still have arrived")
}

func deferred(e *outbox.Settlement) {
	e.Deferred, e.Outcome, e.Reason = true, outbox.OutcomeThrottled, "too many calls"
}

func (s *stand[Tx]) sendAgainAfterPoison() {
	id := s.add(push("a", "U-1"))
	s.lose(outbox.SuspectAfter, []string{"a"})
	s.lose(outbox.PoisonAfter-outbox.SuspectAfter, []string{"a"}, alone)
	require.Len(s.t, s.claim(alone).Poisoned, 1)
	require.NoError(s.t, s.act(outbox.VerbSendAgain, id))
	g := s.claimed("a")
	require.Zero(s.t, g.Leased[0].Lost)
	require.Equal(s.t, 1, g.Leased[0].Attempt)
	require.Equal(s.t, outbox.DoubtLostLease, g.Leased[0].Doubt)
}
