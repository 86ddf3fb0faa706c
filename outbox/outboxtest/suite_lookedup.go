package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func lookedUpClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"what was delivered is sent again, where profiles are looked up", (*env[Tx]).deliveredAgain},
		{"what ended otherwise is not", (*env[Tx]).endedNotAgain},
		{"a look-up changes nothing for what stands in the queue", (*env[Tx]).lookedUpInQueue},
	}
}

func (s *env[Tx]) sendAgainLookedUp(id outbox.ID) error {
	return s.Store.Act(s.t.Context(), outbox.Action{
		Verb: outbox.VerbSendAgain, ID: id, Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "was asked to", LookedUp: true,
	})
}

func (s *env[Tx]) deliveredAgain() {
	for person, state := range map[string]outbox.State{"U-1": outbox.StateDelivered, "U-2": outbox.StateAlreadyDone} {
		id := s.add(push(person, person))
		s.tried(person, outbox.StatePending, state)
		s.Advance(time.Hour)
		require.NoError(s.t, s.sendAgainLookedUp(id))
		rec := s.one(id)
		require.Equal(s.t, outbox.StatePending, rec.State)
		require.True(s.t, rec.Settled.IsZero())
		entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{Limit: 1})
		require.NoError(s.t, err)
		require.Equal(s.t, state, entries[0].Was)
		require.Equal(s.t, id, entries[0].ID)

		f := s.sends(person)
		require.Zero(s.t, f.sent[0].Attempts)
		require.True(s.t, f.sent[0].PossibleDuplicate(), "the platform has it")
		require.Zero(s.t, f.sent[0].Begun.Lost)
		require.Empty(s.t, f.sent[0].Profile)
		require.Equal(s.t, "facts of "+person, string(f.sent[0].Facts))
		require.True(s.t, s.insert(push(person, person))[0].Duplicate)
		s.settled(f.end(0, outbox.StatePending, delay(0)))
		s.deliver(person)
		rec = s.one(id)
		require.Equal(s.t, outbox.StateDelivered, rec.State)
		require.False(s.t, rec.Settled.IsZero())
		log := s.attempts(id)
		require.GreaterOrEqual(s.t, len(log), 4)
		for i := range log[1:] {
			require.Less(s.t, log[i].N, log[i+1].N)
		}
	}
}

func (s *env[Tx]) endedNotAgain() {
	for _, id := range s.endEachWay()[2:] {
		was := s.one(id).State
		var refused *outbox.RefusedError
		require.ErrorAs(s.t, s.sendAgainLookedUp(id), &refused, was.String())
		s.requireState(id, was)
	}
}

func (s *env[Tx]) lookedUpInQueue() {
	id := s.addParked(push("a", "U-1"))
	require.NoError(s.t, s.sendAgainLookedUp(id))
	require.Equal(s.t, "profile of U-1", string(s.sends("a").sent[0].Profile))
	require.ErrorIs(s.t, s.sendAgainLookedUp(id), outbox.ErrInFlight)
}
