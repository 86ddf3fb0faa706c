package outboxtest

import (
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

func transactionClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"a commit makes messages visible", (*env[Tx]).commitShows},
		{"a rollback leaves nothing", (*env[Tx]).rollbackLeavesNothing},
		{"what is not committed is not seen and not read", (*env[Tx]).uncommittedIsHidden},
		{"a transaction finds its own messages", (*env[Tx]).findsItsOwn},
		{"no transaction is an error", (*env[Tx]).noTransaction},
		{"a finished transaction is an error", (*env[Tx]).finishedTransaction},
		{"a bad message writes nothing of its call", (*env[Tx]).badMessage},
		{"an insertion of nothing does nothing", (*env[Tx]).emptyInsertion},
	}
}

func (s *env[Tx]) commitShows() {
	inserted := s.insert(push("a", "U-1"), push("b", "U-2"))
	require.Positive(s.t, inserted[0].ID)
	require.Less(s.t, inserted[0].ID, inserted[1].ID)
	rec := s.one(inserted[1].ID)
	require.Equal(s.t, "b", rec.Key)
	require.Equal(s.t, outbox.StatePending, rec.State)
	require.False(s.t, rec.InFlight)
	require.True(s.t, rec.Settled.IsZero())
	require.False(s.t, rec.Created.IsZero())
	require.Empty(s.t, s.attempts(rec.ID))
	s.sends("a", "b")
}

func (s *env[Tx]) rollbackLeavesNothing() {
	tx, err := s.Begin()
	require.NoError(s.t, err)
	_, err = s.Store.InsertTx(s.t.Context(), tx, push("a", "U-1"))
	require.NoError(s.t, err)
	s.Rollback(tx)
	require.Empty(s.t, s.all())
	s.nothing()
	require.False(s.t, s.insert(push("a", "U-1"))[0].Duplicate)
}

func (s *env[Tx]) uncommittedIsHidden() {
	s.needsConcurrency()
	s.inTx(func(tx Tx) {
		_, err := s.Store.InsertTx(s.t.Context(), tx, push("a", "U-1"))
		require.NoError(s.t, err)
		require.Empty(s.t, s.all())
		s.nothing()
	})
	require.Len(s.t, s.all(), 1)
	s.sends("a")
}

func (s *env[Tx]) findsItsOwn() {
	s.addParked(push("old", "U-1"))
	s.inTx(func(tx Tx) {
		_, err := s.Store.InsertTx(s.t.Context(), tx, push("new", "U-1"))
		require.NoError(s.t, err)
		found, err := s.Store.FindTx(s.t.Context(), tx, outbox.Query{Person: "U-1"})
		require.NoError(s.t, err)
		require.Len(s.t, found, 2)
		require.Equal(s.t, outbox.StateParked, found[0].State)
		require.Equal(s.t, outbox.StatePending, found[1].State)
		require.Equal(s.t, "new", found[1].Key)
	})
}

func (s *env[Tx]) noTransaction() {
	var none Tx
	s.requireNoTransaction(none)
}

func (s *env[Tx]) finishedTransaction() {
	tx, err := s.Begin()
	require.NoError(s.t, err)
	require.NoError(s.t, s.Commit(tx))
	s.requireNoTransaction(tx)

	tx, err = s.Begin()
	require.NoError(s.t, err)
	s.Rollback(tx)
	s.requireNoTransaction(tx)
}

func (s *env[Tx]) requireNoTransaction(tx Tx) {
	s.t.Helper()
	_, err := s.Store.InsertTx(s.t.Context(), tx, push("a", "U-1"))
	require.ErrorIs(s.t, err, outbox.ErrNoTransaction)
	_, err = s.Store.FindTx(s.t.Context(), tx, outbox.Query{Person: "U-1"})
	require.ErrorIs(s.t, err, outbox.ErrNoTransaction)
	_, err = s.Store.AppendTx(s.t.Context(), tx, outbox.Entry{Subject: "order-1", N: 1}, push("a", "U-1"))
	require.ErrorIs(s.t, err, outbox.ErrNoTransaction)
	_, err = s.Store.LastEntryTx(s.t.Context(), tx, "", "order-1", 0)
	require.ErrorIs(s.t, err, outbox.ErrNoTransaction)
	require.Empty(s.t, s.all())
}

func (s *env[Tx]) badMessage() {
	var bad *check.InputError
	err := s.refused(push("a", "U-1"), push("b", "U-2", to("Not A Name")))
	require.ErrorAs(s.t, err, &bad)
	require.Equal(s.t, "msgs[1].Destination", bad.Field)
}

func (s *env[Tx]) emptyInsertion() {
	require.Empty(s.t, s.insert())
	require.Empty(s.t, s.all())
	s.settled()
}
