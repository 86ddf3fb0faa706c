package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func laneClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"one message of a person at a time, the earlier first", (*stand[Tx]).onePerPerson},
		{"a person is another one in another destination", (*stand[Tx]).lanePerDestination},
		{"no message of a person while another one's lease lives", (*stand[Tx]).liveLeaseHoldsLane},
		{"a parked message holds back none", (*stand[Tx]).parkedHoldsBackNone},
		{"a message that waits for its retry holds back none", (*stand[Tx]).retryHoldsBackNone},
		{"of the due ones the earlier inserted goes first", (*stand[Tx]).earlierInsertedFirst},
	}
}

func (s *stand[Tx]) onePerPerson() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("c", "U-2"), push("d", "U-1"), push("e", "U-2"))
	for _, keys := range [][]string{{"a", "c"}, {"b", "e"}, {"d"}, {}} {
		g := s.claimed(keys...)
		s.nothing()
		for i := range keys {
			s.settled(g.end(i, outbox.StateDelivered))
		}
	}
}

func (s *stand[Tx]) lanePerDestination() {
	s.insert(push("a", "U-1"), push("b", "U-1", to("notified")), push("c", "U-1", to("elevate/acme")), push("d", "u-1"))
	s.claimed("a", "b", "c", "d")
}

func (s *stand[Tx]) liveLeaseHoldsLane() {
	s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.insert(push("b", "U-1"), push("c", "U-2"))
	s.deliver("c")
	s.Advance(lease - time.Minute)
	s.nothing()
	s.settled(g.end(0, outbox.StateAlreadyDone))
	s.claimed("b")
}

func (s *stand[Tx]) parkedHoldsBackNone() {
	a := s.add(push("a", "U-1"))
	s.add(push("b", "U-1"))
	s.park("a")
	s.deliver("b")
	s.requireState(a, outbox.StateParked)
}

func (s *stand[Tx]) retryHoldsBackNone() {
	s.insert(push("a", "U-1"), push("b", "U-1"))
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StatePending, delay(time.Hour)))
	s.deliver("b")
	s.nothing()
	s.Advance(61 * time.Minute)
	s.deliver("a")
}

func (s *stand[Tx]) earlierInsertedFirst() {
	s.insert(push("a", "U-1"), push("b", "U-1"))
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StatePending, delay(5*time.Minute)))
	g = s.claimed("b")
	s.settled(g.end(0, outbox.StatePending, delay(time.Minute)))
	s.Advance(10 * time.Minute)
	s.deliver("a")
	s.deliver("b")
	require.Len(s.t, s.find(outbox.Query{States: []outbox.State{outbox.StateDelivered}}), 2)
}
