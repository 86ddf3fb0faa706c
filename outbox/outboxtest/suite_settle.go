package outboxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func settleClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"what was delivered is kept with its receipt, without its profile", (*stand[Tx]).delivered},
		{"what the platform had before is settled too", (*stand[Tx]).alreadyDone},
		{"what is parked keeps its reason and its profile", (*stand[Tx]).parkedKeepsProfile},
		{"what is tried again waits for its delay", (*stand[Tx]).retryWaits},
		{"a deferred settlement gives the attempt back", (*stand[Tx]).deferredGivesBack},
		{"no answer leaves a doubt for good", (*stand[Tx]).unknownIsDoubted},
		{"not ready is timed from its first answer", (*stand[Tx]).notReadyTimed},
		{"an unlogged settlement leaves no attempt", (*stand[Tx]).unlogged},
		{"a large batch is settled each by its own", (*stand[Tx]).largeBatch},
	}
}

func (s *stand[Tx]) delivered() {
	id := s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StateDelivered, func(e *outbox.Settlement) {
		e.Detail, e.Receipt, e.Took, e.By = "OK", []byte("https://example.org/p/1"), 1500*time.Millisecond, "sender-7"
	}))
	rec := s.one(id)
	require.Equal(s.t, outbox.StateDelivered, rec.State)
	require.Equal(s.t, outbox.OutcomeDelivered, rec.Outcome)
	require.Equal(s.t, "https://example.org/p/1", string(rec.Receipt))
	require.False(s.t, rec.Settled.IsZero())
	require.False(s.t, rec.InFlight)
	require.Empty(s.t, rec.Profile)
	require.Equal(s.t, "facts of a", string(rec.Facts))
	log := s.attempts(id)
	require.Len(s.t, log, 1)
	require.False(s.t, log[0].At.IsZero())
	log[0].At = time.Time{}
	log[0].N = 1
	require.Equal(s.t, outbox.Attempt{
		N: 1, Took: 1500 * time.Millisecond, Outcome: outbox.OutcomeDelivered, State: outbox.StateDelivered, Code: "200",
		Detail: "OK", Receipt: []byte("https://example.org/p/1"), By: "sender-7",
	}, log[0])
	s.Advance(24 * time.Hour)
	s.nothing()
	s.nothing(alone)
}

func (s *stand[Tx]) alreadyDone() {
	id := s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StateAlreadyDone))
	rec := s.one(id)
	require.Equal(s.t, outbox.StateAlreadyDone, rec.State)
	require.Equal(s.t, outbox.OutcomeAlreadyDone, rec.Outcome)
	require.False(s.t, rec.Settled.IsZero())
	require.Empty(s.t, rec.Profile)
	s.nothing()
}

func (s *stand[Tx]) parkedKeepsProfile() {
	id := s.add(push("a", "U-1"))
	s.park("a")
	rec := s.one(id)
	require.Equal(s.t, outbox.StateParked, rec.State)
	require.Equal(s.t, "unknown product", rec.Reason)
	require.Equal(s.t, outbox.OutcomeRejected, rec.Outcome)
	require.True(s.t, rec.Settled.IsZero())
	s.Advance(24 * time.Hour)
	s.nothing()
	require.NoError(s.t, s.act(outbox.VerbSendAgain, id))
	require.Equal(s.t, "profile of U-1", string(s.claimed("a").Leased[0].Profile))
}

func (s *stand[Tx]) retryWaits() {
	id := s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StatePending, delay(30*time.Minute)))
	rec := s.one(id)
	require.Equal(s.t, outbox.StatePending, rec.State)
	require.Equal(s.t, "the platform is down", rec.Reason)
	require.False(s.t, rec.InFlight)
	require.WithinDuration(s.t, rec.Created.Add(30*time.Minute), rec.Due, time.Minute)
	s.Advance(29 * time.Minute)
	s.nothing()
	s.Advance(2 * time.Minute)
	g = s.claimed("a")
	require.Zero(s.t, g.Leased[0].Doubt, "the platform refused: it has nothing")
}

func (s *stand[Tx]) deferredGivesBack() {
	s.add(push("a", "U-1"))
	for range 3 {
		g := s.claimed("a")
		require.Equal(s.t, 1, g.Leased[0].Attempt)
		s.settled(g.end(0, outbox.StatePending, deferred))
		s.Advance(2 * time.Minute)
	}
}

func (s *stand[Tx]) unknownIsDoubted() {
	id := s.add(push("a", "U-1"))
	for n, want := range []outbox.Doubt{0, outbox.DoubtUnknown, outbox.DoubtUnknown, outbox.DoubtUnknown} {
		g := s.claimed("a")
		require.Equal(s.t, want, g.Leased[0].Doubt, "claim %d", n)
		s.settled(g.end(0, outbox.StatePending, func(e *outbox.Settlement) {
			if n == 0 {
				e.Outcome = outbox.OutcomeUnknown
			}
		}))
		s.Advance(2 * time.Minute)
	}
	log := s.attempts(id)
	require.Len(s.t, log, 4)
	require.False(s.t, log[0].PossibleDuplicate)
	for _, a := range log[1:] {
		require.True(s.t, a.PossibleDuplicate)
	}
	s.lose(1, []string{"a"})
	require.Equal(s.t, outbox.DoubtUnknown|outbox.DoubtLostLease, s.claimed("a").Leased[0].Doubt)
}

func (s *stand[Tx]) notReadyTimed() {
	s.add(push("a", "U-1"))
	notReady := func(e *outbox.Settlement) { e.Outcome = outbox.OutcomeNotReady }
	var since time.Time
	kept := func(*outbox.Settlement) {} // unavailable: it says nothing of the person
	for n, edit := range []func(*outbox.Settlement){notReady, notReady, deferred, kept, notReady} {
		g := s.claimed("a")
		waited := time.Duration(n) * 10 * time.Minute
		require.InDelta(s.t, waited, g.Leased[0].Waited, float64(time.Minute), "claim %d", n)
		if n == 1 {
			since = g.Leased[0].NotReadySince
			require.False(s.t, since.IsZero())
		}
		require.True(s.t, g.Leased[0].NotReadySince.Equal(since), "claim %d", n)
		s.settled(g.end(0, outbox.StatePending, edit))
		s.Advance(10 * time.Minute)
	}
}

func (s *stand[Tx]) unlogged() {
	id := s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StatePending, deferred, func(e *outbox.Settlement) { e.Unlogged, e.Delay = true, 0 }))
	require.Empty(s.t, s.attempts(id))
	require.Equal(s.t, 1, s.claimed("a").Leased[0].Attempt)
}

// largeBatch settles every fifth with another token.
func (s *stand[Tx]) largeBatch() {
	const size = 250
	msgs := make([]outbox.Message, size)
	for i := range msgs {
		msgs[i] = push(fmt.Sprintf("k-%03d", i), fmt.Sprintf("U-%03d", i))
	}
	s.insert(msgs...)
	states := []outbox.State{
		outbox.StateDelivered, outbox.StatePending, outbox.StateParked, outbox.StateAlreadyDone, outbox.StateDelivered,
	}
	want := map[outbox.ID]outbox.State{}
	var batch []outbox.Settlement
	var good []outbox.ID
	for len(batch) < size {
		g := s.claim(func(r *outbox.ClaimRequest) { r.Limit, r.DestinationLimit = size, size })
		require.NotEmpty(s.t, g.Leased)
		for i, l := range g.Leased {
			n := len(batch)
			e := g.end(i, states[n%len(states)])
			want[l.ID] = e.State
			if n%len(states) == 4 {
				e.Token = outbox.NewToken()
				want[l.ID] = outbox.StatePending
			} else {
				good = append(good, l.ID)
			}
			batch = append(batch, e)
		}
	}
	require.ElementsMatch(s.t, good, s.settle(batch...))
	underWay := 0
	for _, rec := range s.all() {
		require.Equal(s.t, want[rec.ID], rec.State)
		if rec.InFlight {
			underWay++
		}
	}
	require.Equal(s.t, size/len(states), underWay)
}
