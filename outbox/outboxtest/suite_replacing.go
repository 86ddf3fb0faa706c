package outboxtest

import (
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func replacingClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"a parked and a held message are replaced", (*stand[Tx]).replacesParkedAndHeld},
		{"what is neither parked nor held is not replaced", (*stand[Tx]).refusesReplacing},
		{"one message may be replaced by several of one call", (*stand[Tx]).replacedBySeveral},
		{"a repeat replaces what is still parked", (*stand[Tx]).repeatReplaces},
		{"a repeat does nothing to what was replaced", (*stand[Tx]).repeatAfterReplacing},
		{"a rollback leaves the replaced message parked", (*stand[Tx]).rollbackOfReplacing},
	}
}

func (s *stand[Tx]) replacesParkedAndHeld() {
	for _, state := range []outbox.State{outbox.StateParked, outbox.StateHeld} {
		old, key := s.add(push("old "+state.String(), "U-1", born(state))), "new "+state.String()
		s.add(push(key, "U-1", replaces(old)))
		rec := s.one(old)
		require.Equal(s.t, outbox.StateReplaced, rec.State)
		require.False(s.t, rec.Settled.IsZero())
		require.Nil(s.t, rec.Profile)
		log := s.attempts(old)
		require.NotEmpty(s.t, log)
		require.Equal(s.t, outbox.StateReplaced, log[len(log)-1].State)
		require.Equal(s.t, outbox.OutcomeNone, log[len(log)-1].Outcome)
		require.Contains(s.t, log[len(log)-1].Reason, key)
		s.deliver(key)
	}
}

func (s *stand[Tx]) refusesReplacing() {
	pending := s.add(push("pending", "U-1"))
	delivered := s.add(push("delivered", "U-0", to("notified")))
	g := s.claim()
	require.Equal(s.t, []string{"pending", "delivered"}, g.keys())
	s.settled(g.end(0, outbox.StatePending), g.end(1, outbox.StateDelivered))
	discarded := s.add(push("discarded", "U-3", born(outbox.StateParked)))
	require.NoError(s.t, s.act(outbox.VerbDiscard, discarded))
	replaced := s.add(push("replaced", "U-4", born(outbox.StateHeld)))
	s.add(push("replacing", "U-4", replaces(replaced)))

	for i, id := range []outbox.ID{pending, delivered, discarded, replaced, 1 << 40} {
		var refused *outbox.RefusedError
		s.inTx(func(tx Tx) {
			_, err := s.Store.InsertTx(s.t.Context(), tx, push("x", "U-9"), push("y", "U-9", replaces(id)))
			require.ErrorAs(s.t, err, &refused, "case %d", i)
			require.Equal(s.t, id, refused.ID)
			require.NotEmpty(s.t, refused.Reason)
		})
		require.Empty(s.t, s.find(outbox.Query{Person: "U-9"}))
	}
	s.requireState(pending, outbox.StatePending)
	s.requireState(delivered, outbox.StateDelivered)
}

func (s *stand[Tx]) replacedBySeveral() {
	old := s.add(push("old", "U-1", born(outbox.StateParked)))
	s.inTx(func(tx Tx) {
		_, err := s.Store.InsertTx(s.t.Context(), tx, push("part-1", "U-1", replaces(old)), push("part-2", "U-2", replaces(old)))
		require.NoError(s.t, err)
		_, err = s.Store.InsertTx(s.t.Context(), tx, push("part-3", "U-3", replaces(old)))
		var refused *outbox.RefusedError
		require.ErrorAs(s.t, err, &refused, "another call of the same transaction")
	})
	s.requireState(old, outbox.StateReplaced)
	s.claimed("part-1", "part-2")
}

func (s *stand[Tx]) repeatReplaces() {
	s.add(push("new", "U-1"))
	old := s.add(push("old", "U-2", born(outbox.StateParked)))
	require.True(s.t, s.insert(push("new", "U-1", replaces(old)))[0].Duplicate)
	s.requireState(old, outbox.StateReplaced)
}

func (s *stand[Tx]) repeatAfterReplacing() {
	old := s.add(push("old", "U-1", born(outbox.StateParked)))
	replacing := push("new", "U-1", replaces(old))
	s.add(replacing)
	require.True(s.t, s.insert(replacing)[0].Duplicate)
	require.Len(s.t, s.attempts(old), 1)
	pending := s.add(push("pending", "U-2"))
	require.True(s.t, s.insert(push("new", "U-1", replaces(pending)))[0].Duplicate)
	s.requireState(pending, outbox.StatePending)
}

func (s *stand[Tx]) rollbackOfReplacing() {
	old := s.add(push("old", "U-1", born(outbox.StateParked)))
	tx, err := s.Begin()
	require.NoError(s.t, err)
	_, err = s.Store.InsertTx(s.t.Context(), tx, push("new", "U-1", replaces(old)))
	require.NoError(s.t, err)
	s.Rollback(tx)
	rec := s.one(old)
	require.Equal(s.t, outbox.StateParked, rec.State)
	require.Equal(s.t, "born parked", rec.Reason)
	require.Empty(s.t, s.attempts(old))
	require.NoError(s.t, s.act(outbox.VerbSendAgain, old))
	g := s.claimed("old")
	require.Equal(s.t, "profile of U-1", string(g.Leased[0].Profile))
}
