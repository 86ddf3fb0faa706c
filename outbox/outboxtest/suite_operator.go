package outboxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func operatorClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"send again counts a parked message anew and keeps its doubt", (*stand[Tx]).sendAgainParked},
		{"send again makes a waiting message due now", (*stand[Tx]).sendAgainPending},
		{"send again after a lost lease keeps its doubt", (*stand[Tx]).sendAgainAfterLoss},
		{"send again is refused for ended messages", (*stand[Tx]).sendAgainRefused},
		{"what stands in the queue is discarded or marked done", (*stand[Tx]).operatorEnds},
		{"what has left the queue is not ended again", (*stand[Tx]).endRefused},
		{"a message in flight is left alone", (*stand[Tx]).actUnderWay},
		{"a message that does not exist is not found", (*stand[Tx]).actNotFound},
		{"each action is on record, and no refused one", (*stand[Tx]).audited},
	}
}

func (s *stand[Tx]) sendAgainParked() {
	id := s.add(push("a", "U-1"))
	for range 2 {
		g := s.claimed("a")
		s.settled(g.end(0, outbox.StatePending, func(e *outbox.Settlement) { e.Outcome = outbox.OutcomeUnknown }))
		s.Advance(2 * time.Minute)
	}
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StateParked, func(e *outbox.Settlement) { e.Outcome = outbox.OutcomeNotReady }))
	require.NoError(s.t, s.act(outbox.VerbSendAgain, id))
	rec := s.one(id)
	require.Equal(s.t, outbox.StatePending, rec.State)
	require.Empty(s.t, rec.Reason)
	g = s.claimed("a")
	require.Equal(s.t, 1, g.Leased[0].Attempt)
	require.Equal(s.t, outbox.DoubtUnknown, g.Leased[0].Doubt)
	require.True(s.t, g.Leased[0].NotReadySince.IsZero())
	require.Equal(s.t, "facts of a", string(g.Leased[0].Facts))
	require.Equal(s.t, "profile of U-1", string(g.Leased[0].Profile))
}

func (s *stand[Tx]) sendAgainPending() {
	id := s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StatePending, delay(time.Hour)))
	s.nothing()
	require.NoError(s.t, s.act(outbox.VerbSendAgain, id))
	g = s.claimed("a")
	require.Equal(s.t, 2, g.Leased[0].Attempt, "only what was parked is counted anew")
}

// sendAgainAfterLoss is of a message that nobody claimed since its sender died:
// the platform may have it.
func (s *stand[Tx]) sendAgainAfterLoss() {
	id := s.add(push("a", "U-1"))
	s.lose(1, []string{"a"})
	require.NoError(s.t, s.act(outbox.VerbSendAgain, id))
	require.True(s.t, s.one(id).Unsettled || s.one(id).PossibleDuplicate())
	require.True(s.t, s.claimed("a").Leased[0].PossibleDuplicate())
}

func (s *stand[Tx]) sendAgainRefused() {
	delivered := s.add(push("a", "U-1"))
	s.deliver("a")
	discarded := s.add(push("b", "U-2"))
	require.NoError(s.t, s.act(outbox.VerbDiscard, discarded))
	for _, id := range []outbox.ID{delivered, discarded} {
		was := s.one(id).State
		var refused *outbox.RefusedError
		require.ErrorAs(s.t, s.act(outbox.VerbSendAgain, id), &refused)
		require.Equal(s.t, id, refused.ID)
		require.NotEmpty(s.t, refused.Reason)
		s.requireState(id, was)
	}
	s.nothing()
}

func (s *stand[Tx]) operatorEnds() {
	for verb, end := range map[outbox.Verb]outbox.State{
		outbox.VerbDiscard: outbox.StateDiscarded, outbox.VerbMarkDone: outbox.StateMarkedDone,
	} {
		for tries, add := range []func(outbox.Message) outbox.ID{s.add, s.addParked} {
			id := add(push(fmt.Sprint(verb, tries), "U-1"))
			require.NoError(s.t, s.act(verb, id))
			rec := s.one(id)
			require.Equal(s.t, end, rec.State)
			require.False(s.t, rec.Settled.IsZero())
			require.Empty(s.t, rec.Profile)
			log := s.attempts(id)
			require.Len(s.t, log, tries+1)
			require.Equal(s.t, end, log[tries].State)
			require.Equal(s.t, outbox.OutcomeNone, log[tries].Outcome)
			require.Equal(s.t, "Kim", log[tries].By)
			require.Contains(s.t, log[tries].Reason, "was asked to")
		}
	}
	s.nothing()
}

func (s *stand[Tx]) endRefused() {
	delivered := s.add(push("a", "U-1"))
	s.deliver("a")
	marked := s.add(push("b", "U-2"))
	require.NoError(s.t, s.act(outbox.VerbMarkDone, marked))
	for _, verb := range []outbox.Verb{outbox.VerbDiscard, outbox.VerbMarkDone} {
		var refused *outbox.RefusedError
		require.ErrorAs(s.t, s.act(verb, delivered), &refused)
		require.ErrorAs(s.t, s.act(verb, marked), &refused)
	}
	s.requireState(delivered, outbox.StateDelivered)
	s.requireState(marked, outbox.StateMarkedDone)
}

func (s *stand[Tx]) actUnderWay() {
	id := s.add(push("a", "U-1"))
	g := s.claimed("a")
	for _, verb := range []outbox.Verb{outbox.VerbSendAgain, outbox.VerbDiscard, outbox.VerbMarkDone} {
		require.ErrorIs(s.t, s.act(verb, id), outbox.ErrInFlight)
	}
	s.settled(g.end(0, outbox.StateDelivered))
	s.requireState(id, outbox.StateDelivered)
}

func (s *stand[Tx]) actNotFound() {
	for _, verb := range []outbox.Verb{outbox.VerbSendAgain, outbox.VerbDiscard, outbox.VerbMarkDone} {
		require.ErrorIs(s.t, s.act(verb, 1<<40), outbox.ErrNotFound)
	}
	entries, err := s.Store.Audit(s.t.Context(), 10)
	require.NoError(s.t, err)
	require.Empty(s.t, entries)
}

func (s *stand[Tx]) audited() {
	again, discarded := s.addParked(push("a", "U-1")), s.addParked(push("b", "U-2"))
	require.NoError(s.t, s.act(outbox.VerbSendAgain, again))
	s.Advance(time.Minute)
	s.steer(outbox.VerbPause, "elevate")
	s.Advance(time.Minute)
	require.NoError(s.t, s.act(outbox.VerbDiscard, discarded))
	require.Error(s.t, s.act(outbox.VerbSendAgain, discarded))
	s.Advance(time.Minute)
	s.steer(outbox.VerbResume, "elevate")

	kim := outbox.Actor{Name: "Kim", Role: "staff"}
	want := []outbox.AuditEntry{
		{Action: outbox.Action{Verb: outbox.VerbResume, Actor: kim, Reason: "maintenance", Destination: "elevate"}},
		{Action: outbox.Action{Verb: outbox.VerbDiscard, Actor: kim, Reason: "was asked to", ID: discarded}, Key: "b", Was: outbox.StateParked},
		{Action: outbox.Action{Verb: outbox.VerbPause, Actor: kim, Reason: "maintenance", Destination: "elevate"}},
		{Action: outbox.Action{Verb: outbox.VerbSendAgain, Actor: kim, Reason: "was asked to", ID: again}, Key: "a", Was: outbox.StateParked},
	}
	for _, limit := range []int{1, 3, 4, 10_000} {
		entries, err := s.Store.Audit(s.t.Context(), limit)
		require.NoError(s.t, err)
		require.Len(s.t, entries, min(limit, len(want)))
		for i, got := range entries {
			require.False(s.t, got.At.IsZero())
			if i > 0 {
				require.True(s.t, got.At.Before(entries[i-1].At), "newest first")
			}
			got.At = time.Time{}
			if got.ID != 0 {
				got.Destination = "" // a store may tell the message's
			}
			require.Equal(s.t, want[i], got)
		}
	}
}
