package outboxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func settleClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"what was delivered is kept with its receipt, without its profile", (*env[Tx]).delivered},
		{"what the platform had before is settled too", (*env[Tx]).alreadyDone},
		{"what is parked keeps its reason and its profile", (*env[Tx]).parkedKeepsProfile},
		{"what is tried again waits for its delay", (*env[Tx]).retryWaits},
		{"a deferred settlement counts no attempt", (*env[Tx]).deferredIsNotCounted},
		{"no answer leaves a doubt for good", (*env[Tx]).unknownIsDoubted},
		{"not ready is timed from its first answer", (*env[Tx]).notReadyTimed},
		{"an unlogged settlement leaves no attempt", (*env[Tx]).unlogged},
		{"a large batch is settled each by its own", (*env[Tx]).largeBatch},
	}
}

func (s *env[Tx]) delivered() {
	id := s.add(push("a", "U-1"))
	f := s.sends("a")
	s.settled(f.end(0, outbox.StateDelivered, func(e *outbox.Settlement) {
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
		ID: id, N: 1, Took: 1500 * time.Millisecond, Outcome: outbox.OutcomeDelivered, State: outbox.StateDelivered, Code: "200",
		Detail: "OK", Receipt: []byte("https://example.org/p/1"), By: "sender-7",
	}, log[0])
	s.Advance(24 * time.Hour)
	s.nothing()
}

func (s *env[Tx]) alreadyDone() {
	id := s.add(push("a", "U-1"))
	f := s.sends("a")
	s.settled(f.end(0, outbox.StateAlreadyDone))
	rec := s.one(id)
	require.Equal(s.t, outbox.StateAlreadyDone, rec.State)
	require.Equal(s.t, outbox.OutcomeAlreadyDone, rec.Outcome)
	require.False(s.t, rec.Settled.IsZero())
	require.Empty(s.t, rec.Profile)
	s.nothing()
}

func (s *env[Tx]) parkedKeepsProfile() {
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
	require.Equal(s.t, "profile of U-1", string(s.sends("a").sent[0].Profile))
}

func (s *env[Tx]) retryWaits() {
	id := s.add(push("a", "U-1"))
	f := s.sends("a")
	s.settled(f.end(0, outbox.StatePending, delay(30*time.Minute)))
	rec := s.one(id)
	require.Equal(s.t, outbox.StatePending, rec.State)
	require.Equal(s.t, "the platform is down", rec.Reason)
	require.False(s.t, rec.InFlight)
	require.WithinDuration(s.t, rec.Created.Add(30*time.Minute), rec.Due, time.Minute)
	s.Advance(29 * time.Minute)
	s.nothing()
	s.Advance(2 * time.Minute)
	f = s.sends("a")
	require.Zero(s.t, f.sent[0].Doubt, "the platform refused: it has nothing")
}

func (s *env[Tx]) deferredIsNotCounted() {
	s.add(push("a", "U-1"))
	for range 3 {
		f := s.sends("a")
		require.Zero(s.t, f.sent[0].Attempts)
		s.settled(f.end(0, outbox.StatePending, deferred))
		s.Advance(2 * time.Minute)
	}
}

func (s *env[Tx]) unknownIsDoubted() {
	id := s.add(push("a", "U-1"))
	for n, want := range []outbox.Doubt{0, outbox.DoubtUnknown, outbox.DoubtUnknown, outbox.DoubtUnknown} {
		f := s.sends("a")
		require.Equal(s.t, want, f.sent[0].Doubt, "attempt %d", n)
		s.settled(f.end(0, outbox.StatePending, func(e *outbox.Settlement) {
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
	s.lose(1, "a")
	require.Equal(s.t, outbox.DoubtUnknown|outbox.DoubtLost, s.sends("a").sent[0].Doubt)
}

func (s *env[Tx]) notReadyTimed() {
	s.add(push("a", "U-1"))
	notReady := func(e *outbox.Settlement) { e.Outcome = outbox.OutcomeNotReady }
	var since time.Time
	kept := func(*outbox.Settlement) {} // unavailable: it says nothing of the person
	for n, edit := range []func(*outbox.Settlement){notReady, notReady, deferred, kept, notReady} {
		f := s.sends("a")
		waited := time.Duration(n) * 10 * time.Minute
		require.InDelta(s.t, waited, f.sent[0].Waited, float64(time.Minute), "attempt %d", n)
		if n == 1 {
			since = f.sent[0].NotReadySince
			require.False(s.t, since.IsZero())
		}
		require.True(s.t, f.sent[0].NotReadySince.Equal(since), "attempt %d", n)
		s.settled(f.end(0, outbox.StatePending, edit))
		s.Advance(10 * time.Minute)
	}
}

func (s *env[Tx]) unlogged() {
	id := s.add(push("a", "U-1"))
	f := s.sends("a")
	s.settled(f.end(0, outbox.StatePending, deferred, func(e *outbox.Settlement) { e.Unlogged, e.Delay = true, 0 }))
	require.Empty(s.t, s.attempts(id))
	require.Zero(s.t, s.sends("a").sent[0].Attempts)
}

// largeBatch settles again what has left the queue already.
func (s *env[Tx]) largeBatch() {
	const size = 250
	msgs := make([]outbox.Message, size)
	for i := range msgs {
		msgs[i] = push(fmt.Sprintf("k-%03d", i), fmt.Sprintf("U-%03d", i))
	}
	s.insert(msgs...)
	states := []outbox.State{
		outbox.StateDelivered, outbox.StatePending, outbox.StateParked, outbox.StateAlreadyDone, outbox.StateDelivered,
	}
	f := s.sendAll()
	require.Len(s.t, f.sent, size)
	var gone, batch []outbox.Settlement
	var good []outbox.ID
	for i := range f.sent {
		e := f.end(i, states[i%len(states)])
		if batch = append(batch, e); i%len(states) == 4 {
			gone = append(gone, e)
		} else {
			good = append(good, e.Message.ID)
		}
	}
	s.settled(gone...)
	require.ElementsMatch(s.t, good, s.settle(batch...))
	for i, rec := range s.all() {
		require.Equal(s.t, states[i%len(states)], rec.State)
		require.Len(s.t, s.attempts(rec.ID), 1)
	}
	require.Zero(s.t, s.die().Reaped)
}
