package outboxtest

import (
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func keyClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"a key twice in one call is one message", (*env[Tx]).duplicateInOneCall},
		{"a key again in one transaction is a duplicate", (*env[Tx]).duplicateInOneTx},
		{"a key again later is a duplicate, and changes nothing", (*env[Tx]).duplicateLater},
		{"a key stays taken after delivery", (*env[Tx]).duplicateOfDelivered},
		{"new and known keys mix in one call", (*env[Tx]).mixedCall},
		{"a key is free in another destination", (*env[Tx]).keyPerDestination},
	}
}

func (s *env[Tx]) duplicateInOneCall() {
	inserted := s.insert(push("a", "U-1"), push("b", "U-2"), push("a", "U-1"))
	require.Equal(s.t, []bool{false, false, true}, duplicates(inserted))
	require.Equal(s.t, inserted[0].ID, inserted[2].ID)
	require.Len(s.t, s.all(), 2)
}

func duplicates(inserted []outbox.Inserted) (flags []bool) {
	for _, i := range inserted {
		flags = append(flags, i.Duplicate)
	}
	return flags
}

func (s *env[Tx]) duplicateInOneTx() {
	s.inTx(func(tx Tx) {
		first, err := s.Store.InsertTx(s.t.Context(), tx, push("a", "U-1"))
		require.NoError(s.t, err)
		again, err := s.Store.InsertTx(s.t.Context(), tx, push("a", "U-1"))
		require.NoError(s.t, err)
		require.Equal(s.t, []outbox.Inserted{{ID: first[0].ID, Duplicate: true}}, again)
	})
	require.Len(s.t, s.all(), 1)
}

func (s *env[Tx]) duplicateLater() {
	first := s.add(push("a", "U-1"))
	again := s.insert(push("a", "U-1", func(m *outbox.Message) {
		m.Profile, m.Subject, m.Kind, m.Facts = []byte("moved house"), "order-2", "other", []byte("other")
	}))
	require.Equal(s.t, []outbox.Inserted{{ID: first, Duplicate: true}}, again)
	f := s.sends("a")
	require.Equal(s.t, "profile of U-1", string(f.sent[0].Profile))
	require.Equal(s.t, "facts of a", string(f.sent[0].Facts))
	require.Equal(s.t, "order-1", f.sent[0].Subject)
	require.Equal(s.t, "registration", f.sent[0].Kind)
}

func (s *env[Tx]) duplicateOfDelivered() {
	first := s.add(push("a", "U-1"))
	s.deliver("a")
	require.Equal(s.t, []outbox.Inserted{{ID: first, Duplicate: true}}, s.insert(push("a", "U-1")))
	s.nothing()
	s.requireState(first, outbox.StateDelivered)
}

func (s *env[Tx]) mixedCall() {
	b := s.add(push("b", "U-2"))
	inserted := s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	require.Equal(s.t, []bool{false, true, false}, duplicates(inserted))
	require.Equal(s.t, b, inserted[1].ID)
	require.Equal(s.t, "a", s.one(inserted[0].ID).Key)
	require.Equal(s.t, "c", s.one(inserted[2].ID).Key)
}

func (s *env[Tx]) keyPerDestination() {
	inserted := s.insert(push("a", "U-1"), push("a", "U-1", to("notified")), push("a", "U-1", to("elevate/acme"), facts("other")))
	require.Equal(s.t, []bool{false, false, false}, duplicates(inserted))
	require.Len(s.t, s.sendAll().sent, 3)
}
