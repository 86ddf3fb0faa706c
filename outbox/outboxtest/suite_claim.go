package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func claimClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"messages come in the order in which they fell due", (*stand[Tx]).dueOrder},
		{"what is parked is not claimed", (*stand[Tx]).onlyPending},
		{"no more than the sender asks for", (*stand[Tx]).roomBounds},
		{"no more of a destination than its limit", (*stand[Tx]).slotsBound},
		{"what is in flight counts towards its destination's limit", (*stand[Tx]).holdingTakesSlots},
		{"a claim counts the attempt", (*stand[Tx]).attemptsRise},
		{"a leased message is in flight until its lease ends", (*stand[Tx]).underWay},
		{"the next due time is told", (*stand[Tx]).nextDueTold},
	}
}

func (s *stand[Tx]) dueOrder() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	s.Advance(time.Minute)
	s.insert(push("c", "U-3"))
	g := s.claimed("a", "b", "c")
	s.settled(
		g.end(0, outbox.StatePending, delay(3*time.Minute)),
		g.end(1, outbox.StatePending, delay(2*time.Minute)),
		g.end(2, outbox.StatePending, delay(time.Minute)),
	)
	s.Advance(5 * time.Minute)
	s.claimed("c", "b", "a")
}

func delay(d time.Duration) func(*outbox.Settlement) {
	return func(e *outbox.Settlement) { e.Delay = d }
}

func (s *stand[Tx]) onlyPending() {
	parked := s.addParked(push("a", "U-1"))
	s.add(push("d", "U-1"))
	s.deliver("d")
	s.Advance(24 * time.Hour)
	s.nothing()
	rec := s.one(parked)
	require.Equal(s.t, outbox.StateParked, rec.State)
	require.Equal(s.t, "unknown product", rec.Reason)
}

func (s *stand[Tx]) insertSix() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"),
		push("d", "U-1", to("notified")), push("e", "U-2", to("notified")), push("f", "U-3", to("notified")))
}

func (s *stand[Tx]) roomBounds() {
	s.insertSix()
	room := func(r *outbox.ClaimRequest) { r.Limit = 4 }
	require.Len(s.t, s.claim(room).Leased, 4)
	require.Len(s.t, s.claim(room).Leased, 2)
}

func (s *stand[Tx]) slotsBound() {
	s.insertSix()
	slots := func(r *outbox.ClaimRequest) { r.DestinationLimit = 2 }
	require.Equal(s.t, []string{"a", "b", "d", "e"}, s.claim(slots).keys())
	require.Equal(s.t, []string{"c", "f"}, s.claim(slots).keys(), "holding is the sender's to tell")
}

func (s *stand[Tx]) holdingTakesSlots() {
	s.insertSix()
	holding := func(elevate, notified int) func(*outbox.ClaimRequest) {
		return func(r *outbox.ClaimRequest) {
			r.DestinationLimit, r.InFlight = 3, map[string]int{"elevate": elevate, "notified": notified}
		}
	}
	require.Equal(s.t, []string{"a", "d", "e"}, s.claim(holding(2, 1)).keys())
	require.Empty(s.t, s.claim(holding(3, 4)).keys())
	require.Equal(s.t, []string{"b", "c", "f"}, s.claim(holding(0, 0)).keys())
}

func (s *stand[Tx]) attemptsRise() {
	s.add(push("a", "U-1"))
	for n := 1; n <= 4; n++ {
		g := s.claimed("a")
		require.Equal(s.t, n, g.Leased[0].Attempt)
		require.Zero(s.t, g.Leased[0].Lost)
		require.Zero(s.t, g.Leased[0].Doubt)
		require.True(s.t, g.Leased[0].NotReadySince.IsZero())
		require.False(s.t, g.Leased[0].Probe)
		s.settled(g.end(0, outbox.StatePending))
		s.Advance(2 * time.Minute)
	}
}

func (s *stand[Tx]) underWay() {
	id := s.add(push("a", "U-1"))
	require.False(s.t, s.one(id).InFlight)
	require.False(s.t, s.one(id).Unsettled)
	s.claimed("a")
	require.True(s.t, s.one(id).InFlight)
	require.True(s.t, s.one(id).Unsettled)
	s.requireState(id, outbox.StatePending)
	s.Advance(lease - time.Minute)
	s.nothing()
	require.True(s.t, s.one(id).InFlight)
	s.Advance(2 * time.Minute)
	require.False(s.t, s.one(id).InFlight)
	require.True(s.t, s.one(id).Unsettled, "what came of it is not known")
	s.deliver("a")
	require.False(s.t, s.one(id).Unsettled)
}

func (s *stand[Tx]) nextDueTold() {
	require.Positive(s.t, s.claim().NextDue, "an empty queue")
	s.insert(push("a", "U-1"), push("b", "U-2"))
	g := s.claim(func(r *outbox.ClaimRequest) { r.Limit = 1 })
	require.Equal(s.t, []string{"a"}, g.keys())
	require.Zero(s.t, g.NextDue, "one more is due")
	s.deliver("b")
	s.settled(g.end(0, outbox.StatePending, delay(5*time.Minute)))
	next := s.claim().NextDue
	require.Positive(s.t, next)
	require.LessOrEqual(s.t, next, 5*time.Minute)
	s.Advance(next + time.Second)
	s.claimed("a")
}
