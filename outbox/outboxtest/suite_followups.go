package outboxtest

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func followUpClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"follow-ups are inserted with the settlement", (*env[Tx]).followUps},
		{"a follow-up that exists is left out, whatever its facts", (*env[Tx]).followUpExists},
		{"a follow-up of two settlements is inserted once", (*env[Tx]).followUpTwice},
		{"a settlement of what has left the queue has no follow-ups", (*env[Tx]).followUpsOfGone},
		{"a settlement does not wait for an open transaction that inserts its follow-up", (*env[Tx]).followUpIsOpen},
	}
}

func then(msgs ...outbox.Message) func(*outbox.Settlement) {
	return func(e *outbox.Settlement) { e.Then = msgs }
}

func (s *env[Tx]) followUps() {
	s.add(push("a", "U-1"))
	f := s.sends("a")
	s.settled(f.end(0, outbox.StateDelivered,
		then(push("b", "U-1", to("notified")), push("c", "U-1"), push("d", "U-2"))))
	require.Len(s.t, s.all(), 4)
	f = s.sends("b", "c", "d")
	require.Equal(s.t, "facts of b", string(f.sent[0].Facts))
	require.Equal(s.t, "profile of U-1", string(f.sent[0].Profile))
	require.True(s.t, s.insert(push("b", "U-1", to("notified")))[0].Duplicate)
}

func (s *env[Tx]) followUpExists() {
	same, other := s.add(push("same", "U-1")), s.add(push("other", "U-2"))
	s.deliver("same")
	s.deliver("other")
	a := s.add(push("a", "U-1"))
	f := s.sends("a")
	s.settled(f.end(0, outbox.StateDelivered, then(push("same", "U-1"), push("other", "U-2", facts("x")), push("new", "U-3"))))
	s.requireState(a, outbox.StateDelivered)
	s.requireState(same, outbox.StateDelivered)
	require.Equal(s.t, "facts of other", string(s.one(other).Facts))
	require.Len(s.t, s.all(), 4)
	s.sends("new")
}

func (s *env[Tx]) followUpTwice() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	f := s.sends("a", "b")
	shared := then(push("shared", "U-3"))
	s.settled(f.end(0, outbox.StateDelivered, shared), f.end(1, outbox.StateDelivered, shared))
	require.Len(s.t, s.all(), 3)
	s.sends("shared")
}

func (s *env[Tx]) followUpsOfGone() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	f := s.sends("a", "b", "c")
	s.settled(f.end(0, outbox.StateDelivered), f.end(1, outbox.StateDelivered))
	acked := s.settle(
		f.end(0, outbox.StateDelivered, then(push("of a", "U-4"))),
		f.end(2, outbox.StateDelivered, then(push("of c", "U-5"))),
		f.end(1, outbox.StateDelivered, then(push("of b", "U-6"))),
	)
	require.Equal(s.t, []outbox.ID{f.sent[2].Begun.ID}, acked)
	s.sends("of c")
	require.Len(s.t, s.all(), 4)
}

// followUpIsOpen: the message is locked until the transaction has ended, or is
// acknowledged; the others of the batch are not kept back by it.
func (s *env[Tx]) followUpIsOpen() {
	s.needsConcurrency()
	s.insert(push("a", "U-1"), push("b", "U-2"))
	f := s.sends("a", "b")
	tx, err := s.Begin()
	require.NoError(s.t, err)
	defer s.Rollback(tx)
	_, err = s.Store.InsertTx(s.t.Context(), tx, push("c", "U-1"))
	require.NoError(s.t, err)

	waiting, free := f.end(0, outbox.StateDelivered, then(push("c", "U-1"))), f.end(1, outbox.StateDelivered)
	settled, err := s.Store.Settle(s.soon(), outbox.Settling{Session: s.own(), Batch: []outbox.Settlement{waiting, free}})
	require.NoError(s.t, err)
	require.Contains(s.t, settled.Acked, free.Message.ID)
	s.Rollback(tx)
	if !slices.Contains(settled.Acked, waiting.Message.ID) {
		require.Equal(s.t, []outbox.ID{waiting.Message.ID}, settled.Locked)
		s.settled(waiting)
	}
	s.sends("c")
}
