package outboxtest

import (
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func followUpClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"follow-ups are inserted with the settlement", (*stand[Tx]).followUps},
		{"a follow-up that exists is left out, whatever its facts", (*stand[Tx]).followUpExists},
		{"a follow-up of two settlements is inserted once", (*stand[Tx]).followUpTwice},
		{"a settlement that is not acknowledged has no follow-ups", (*stand[Tx]).followUpsOfLost},
	}
}

func then(msgs ...outbox.Message) func(*outbox.Settlement) {
	return func(e *outbox.Settlement) { e.Then = msgs }
}

func (s *stand[Tx]) followUps() {
	s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StateDelivered,
		then(push("b", "U-1", to("notified")), push("c", "U-1"), push("d", "U-2"))))
	require.Len(s.t, s.all(), 4)
	g = s.claimed("b", "c", "d")
	require.Equal(s.t, "facts of b", string(g.Leased[0].Facts))
	require.Equal(s.t, "profile of U-1", string(g.Leased[0].Profile))
	require.True(s.t, s.insert(push("b", "U-1", to("notified")))[0].Duplicate)
}

func (s *stand[Tx]) followUpExists() {
	same, other := s.add(push("same", "U-1")), s.add(push("other", "U-2"))
	s.deliver2("same", "other")
	a := s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StateDelivered, then(push("same", "U-1"), push("other", "U-2", facts("x")), push("new", "U-3"))))
	s.requireState(a, outbox.StateDelivered)
	s.requireState(same, outbox.StateDelivered)
	require.Equal(s.t, "facts of other", string(s.one(other).Facts))
	require.Len(s.t, s.all(), 4)
	s.claimed("new")
}

// deliver2 delivers exactly these two.
func (s *stand[Tx]) deliver2(first, second string) {
	s.t.Helper()
	g := s.claimed(first, second)
	s.settled(g.end(0, outbox.StateDelivered), g.end(1, outbox.StateDelivered))
}

func (s *stand[Tx]) followUpTwice() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	g := s.claimed("a", "b")
	shared := then(push("shared", "U-3"))
	s.settled(g.end(0, outbox.StateDelivered, shared), g.end(1, outbox.StateDelivered, shared))
	require.Len(s.t, s.all(), 3)
	s.claimed("shared")
}

func (s *stand[Tx]) followUpsOfLost() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	late := s.claimed("a", "b")
	s.Advance(lease * 2)
	s.claimed("a", "b")
	s.add(push("c", "U-3"))
	g := s.claimed("c")
	acknowledged := s.settle(
		late.end(0, outbox.StateDelivered, then(push("of a", "U-4"))),
		g.end(0, outbox.StateDelivered, then(push("of c", "U-5"))),
		late.end(1, outbox.StateDelivered, then(push("of b", "U-6"))),
	)
	require.Equal(s.t, []outbox.ID{g.Leased[0].ID}, acknowledged)
	s.claimed("of c")
	require.Len(s.t, s.all(), 4)
}
