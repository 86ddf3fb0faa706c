package outboxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func operatorClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"send again counts a parked message anew and keeps its doubt", (*env[Tx]).sendAgainParked},
		{"send again makes a waiting message due now", (*env[Tx]).sendAgainPending},
		{"send again after a lost session keeps its doubt", (*env[Tx]).sendAgainAfterLoss},
		{"send again is refused for ended messages", (*env[Tx]).sendAgainRefused},
		{"what stands in the queue is discarded or marked done", (*env[Tx]).operatorEnds},
		{"what has left the queue is not ended again", (*env[Tx]).endRefused},
		{"a message in flight is left alone", (*env[Tx]).actInFlight},
		{"a message that does not exist is not found", (*env[Tx]).actNotFound},
		{"each action is on record, and no refused one", (*env[Tx]).audited},
	}
}

func (s *env[Tx]) sendAgainParked() {
	id := s.add(push("a", "U-1"))
	for range 2 {
		f := s.sends("a")
		s.settled(f.end(0, outbox.StatePending, func(e *outbox.Settlement) { e.Outcome = outbox.OutcomeUnknown }))
		s.Advance(2 * time.Minute)
	}
	f := s.sends("a")
	s.settled(f.end(0, outbox.StateParked, func(e *outbox.Settlement) { e.Outcome = outbox.OutcomeNotReady }))
	require.NoError(s.t, s.act(outbox.VerbSendAgain, id))
	rec := s.one(id)
	require.Equal(s.t, outbox.StatePending, rec.State)
	require.Empty(s.t, rec.Reason)
	f = s.sends("a")
	require.Zero(s.t, f.sent[0].Attempts)
	require.Equal(s.t, outbox.DoubtUnknown, f.sent[0].Doubt)
	require.True(s.t, f.sent[0].NotReadySince.IsZero())
	require.Equal(s.t, "facts of a", string(f.sent[0].Facts))
	require.Equal(s.t, "profile of U-1", string(f.sent[0].Profile))
}

func (s *env[Tx]) sendAgainPending() {
	id := s.add(push("a", "U-1"))
	f := s.sends("a")
	s.settled(f.end(0, outbox.StatePending, delay(time.Hour)))
	s.nothing()
	require.NoError(s.t, s.act(outbox.VerbSendAgain, id))
	f = s.sends("a")
	require.Equal(s.t, 1, f.sent[0].Attempts, "only what was parked is counted anew")
}

// sendAgainAfterLoss is of a message whose sender died: the platform may have it.
func (s *env[Tx]) sendAgainAfterLoss() {
	id := s.add(push("a", "U-1"))
	s.lose(1, "a")
	require.NoError(s.t, s.act(outbox.VerbSendAgain, id))
	require.True(s.t, s.sends("a").sent[0].PossibleDuplicate())
}

func (s *env[Tx]) sendAgainRefused() {
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

func (s *env[Tx]) operatorEnds() {
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

func (s *env[Tx]) endRefused() {
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

func (s *env[Tx]) actInFlight() {
	id := s.add(push("a", "U-1"))
	f := s.sends("a")
	for _, verb := range []outbox.Verb{outbox.VerbSendAgain, outbox.VerbDiscard, outbox.VerbMarkDone} {
		require.ErrorIs(s.t, s.act(verb, id), outbox.ErrInFlight)
	}
	s.settled(f.end(0, outbox.StateDelivered))
	s.requireState(id, outbox.StateDelivered)
}

func (s *env[Tx]) actNotFound() {
	for _, verb := range []outbox.Verb{outbox.VerbSendAgain, outbox.VerbDiscard, outbox.VerbMarkDone} {
		require.ErrorIs(s.t, s.act(verb, 1<<40), outbox.ErrNotFound)
	}
	entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{Limit: 10})
	require.NoError(s.t, err)
	require.Empty(s.t, entries)
}

func (s *env[Tx]) audited() {
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
		{Action: outbox.Action{Verb: outbox.VerbDiscard, Actor: kim, Reason: "was asked to", ID: discarded, Destination: "elevate", Subject: "order-1"}, Key: "b", Was: outbox.StateParked},
		{Action: outbox.Action{Verb: outbox.VerbPause, Actor: kim, Reason: "maintenance", Destination: "elevate"}},
		{Action: outbox.Action{Verb: outbox.VerbSendAgain, Actor: kim, Reason: "was asked to", ID: again, Destination: "elevate", Subject: "order-1"}, Key: "a", Was: outbox.StateParked},
	}
	for _, limit := range []int{1, 3, 4, 10_000} {
		entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{Limit: limit})
		require.NoError(s.t, err)
		require.Len(s.t, entries, min(limit, len(want)))
		for i, got := range entries {
			require.False(s.t, got.At.IsZero())
			if i > 0 {
				require.True(s.t, got.At.Before(entries[i-1].At), "newest first")
			}
			got.N, got.At = 0, time.Time{}
			require.Equal(s.t, want[i], got)
		}
	}
}
