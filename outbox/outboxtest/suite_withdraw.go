package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func withdrawClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"what was never sent is withdrawn, in whatever state it waits", (*stand[Tx]).withdrawsWaiting},
		{"what a platform may have stays", (*stand[Tx]).withdrawLeavesDoubtful},
		{"what the platform refused is withdrawn", (*stand[Tx]).withdrawsRefused},
		{"what has left the queue, or never was, is told", (*stand[Tx]).withdrawTellsRest},
		{"a rollback takes the withdrawal back", (*stand[Tx]).withdrawRolledBack},
		{"a transaction withdraws what it inserted", (*stand[Tx]).withdrawsItsOwn},
	}
}

func (s *stand[Tx]) withdraw(ids ...outbox.ID) (became []outbox.Withdrawal) {
	s.t.Helper()
	s.inTx(func(tx Tx) {
		var err error
		became, err = s.Store.WithdrawTx(s.t.Context(), tx, ids...)
		require.NoError(s.t, err)
	})
	return became
}

func (s *stand[Tx]) withdrawsWaiting() {
	var ids []outbox.ID
	for _, state := range []outbox.State{outbox.StatePending, outbox.StateParked, outbox.StateHeld} {
		ids = append(ids, s.add(push(state.String(), "U-1", func(m *outbox.Message) { m.Born, m.Reason = state, "waits" })))
	}
	require.Equal(s.t, []outbox.Withdrawal{outbox.Withdrawn, outbox.Withdrawn, outbox.Withdrawn}, s.withdraw(ids...))
	for _, id := range ids {
		rec := s.one(id)
		require.Equal(s.t, outbox.StateWithdrawn, rec.State)
		require.False(s.t, rec.Settled.IsZero())
		require.Empty(s.t, rec.Profile)
	}
	s.nothing()
	require.True(s.t, s.insert(push("pending", "U-1"))[0].Duplicate, "its key stays taken")
	require.Empty(s.t, s.withdraw())
}

func (s *stand[Tx]) withdrawLeavesDoubtful() {
	leased, unknown := s.add(push("leased", "U-1")), s.add(push("unknown", "U-2"))
	g := s.claimed("leased", "unknown")
	s.settled(g.end(1, outbox.StatePending, delay(24*time.Hour), func(e *outbox.Settlement) { e.Outcome = outbox.OutcomeUnknown }))
	untouched := func(when string) {
		s.t.Helper()
		require.Equal(s.t, []outbox.Withdrawal{outbox.WithdrawInFlight, outbox.WithdrawInFlight}, s.withdraw(leased, unknown), when)
		s.requireState(leased, outbox.StatePending)
		s.requireState(unknown, outbox.StatePending)
	}
	untouched("under way, and no answer")
	s.Advance(lease + time.Minute)
	untouched("its lease has ended")
	g = s.claimed("leased")
	s.settled(g.end(0, outbox.StatePending))
	untouched("an earlier lease was lost")
}

func (s *stand[Tx]) withdrawsRefused() {
	id := s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StatePending))
	require.Equal(s.t, []outbox.Withdrawal{outbox.Withdrawn}, s.withdraw(id))
	s.Advance(time.Hour)
	s.nothing()
}

func (s *stand[Tx]) withdrawTellsRest() {
	delivered := s.add(push("a", "U-1"))
	s.deliver("a")
	pending := s.add(push("b", "U-2"))
	became := s.withdraw(1<<40, pending, delivered, pending)
	require.Equal(s.t, []outbox.Withdrawal{
		outbox.WithdrawNotFound, outbox.Withdrawn, outbox.WithdrawSettled, outbox.Withdrawn,
	}, became)
	require.Equal(s.t, []outbox.Withdrawal{outbox.WithdrawSettled}, s.withdraw(pending))
	s.requireState(delivered, outbox.StateDelivered)
}

func (s *stand[Tx]) withdrawRolledBack() {
	id := s.add(push("a", "U-1"))
	tx, err := s.Begin()
	require.NoError(s.t, err)
	became, err := s.Store.WithdrawTx(s.t.Context(), tx, id)
	require.NoError(s.t, err)
	require.Equal(s.t, []outbox.Withdrawal{outbox.Withdrawn}, became)
	s.Rollback(tx)
	s.requireState(id, outbox.StatePending)
	require.Equal(s.t, "profile of U-1", string(s.claimed("a").Leased[0].Profile))
}

func (s *stand[Tx]) withdrawsItsOwn() {
	var id outbox.ID
	s.inTx(func(tx Tx) {
		inserted, err := s.Store.InsertTx(s.t.Context(), tx, push("a", "U-1"))
		require.NoError(s.t, err)
		id = inserted[0].ID
		became, err := s.Store.WithdrawTx(s.t.Context(), tx, id)
		require.NoError(s.t, err)
		require.Equal(s.t, []outbox.Withdrawal{outbox.Withdrawn}, became)
	})
	s.requireState(id, outbox.StateWithdrawn)
	s.nothing()
}
