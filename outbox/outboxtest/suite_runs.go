package outboxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func runClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"what is of one person is leased together, in the order of insertion", (*stand[Tx]).runTogether},
		{"a run is one message unless more are asked for", (*stand[Tx]).runOfOne},
		{"a batch is cut at each of the limits", (*stand[Tx]).runCut},
		{"a run is not interrupted by another claim", (*stand[Tx]).runUninterrupted},
		{"of the due ones of a run the earlier inserted goes first", (*stand[Tx]).runOrder},
		{"a retry of the first of a run does not hold back the second", (*stand[Tx]).runGoesOn},
		{"after a lost lease a person's messages come one at a time", (*stand[Tx]).runAfterLoss},
		{"a suspect goes neither with those before it nor is it overtaken", (*stand[Tx]).runBeforeSuspect},
		{"a suspect goes alone, whatever the run", (*stand[Tx]).runOfSuspect},
		{"ordering keys to skip are left alone", (*stand[Tx]).skipped},
		{"a busy ordering key is seen behind other busy ones", (*stand[Tx]).runBehindBusy},
		{"what is told to be busy has a live lease", (*stand[Tx]).busyTold},
	}
}

func runs(n int) func(*outbox.ClaimRequest) {
	return func(r *outbox.ClaimRequest) { r.KeyLimit = n }
}

// claimedRuns claims runs of at most n and requires that exactly these keys
// were leased, in this order.
func (s *stand[Tx]) claimedRuns(n int, keys ...string) grip {
	s.t.Helper()
	g := s.claim(runs(n))
	require.Equal(s.t, append([]string{}, keys...), g.keys())
	return g
}

func (s *stand[Tx]) runTogether() {
	s.insert(push("a", "U-1"), push("x", "U-2"), push("b", "U-1"), push("y", "U-2"), push("c", "U-1"),
		push("d", "U-1", to("notified")))
	g := s.claimedRuns(10, "a", "b", "c", "x", "y", "d")
	for _, l := range g.Leased {
		require.Equal(s.t, 1, l.Attempt)
		require.Zero(s.t, l.Lost)
		require.True(s.t, s.one(l.ID).InFlight)
	}
	s.settled(g.end(4, outbox.StateDelivered), g.end(0, outbox.StateDelivered), g.end(5, outbox.StateParked),
		g.end(1, outbox.StatePending), g.end(3, outbox.StateDelivered), g.end(2, outbox.StateDelivered))
	s.Advance(2 * time.Minute)
	s.claimedRuns(10, "b")
}

func (s *stand[Tx]) runOfOne() {
	s.insert(push("a", "U-1"), push("b", "U-1"))
	for _, n := range []int{0, 1} {
		g := s.claimedRuns(n, "a")
		s.settled(g.end(0, outbox.StatePending, delay(0)))
	}
}

func (s *stand[Tx]) runCut() {
	for _, person := range []string{"U-1", "U-2", "U-3"} {
		for _, n := range []string{"1", "2", "3", "4"} {
			s.add(push(person+"/"+n, person))
		}
	}
	released := func(keys int, edits ...func(*outbox.ClaimRequest)) []string {
		s.t.Helper()
		g := s.claim(append(edits, runs(3))...)
		require.Len(s.t, g.Leased, keys)
		for i := range g.Leased {
			s.settled(g.end(i, outbox.StatePending, deferred, delay(0)))
		}
		return g.keys()
	}
	whole := []string{"U-1/1", "U-1/2", "U-1/3", "U-2/1", "U-2/2", "U-2/3", "U-3/1", "U-3/2", "U-3/3"}
	require.Equal(s.t, whole, released(9))
	for name, edit := range map[string]func(*outbox.ClaimRequest){
		"room":    func(r *outbox.ClaimRequest) { r.Limit = 5 },
		"slots":   func(r *outbox.ClaimRequest) { r.DestinationLimit = 5 },
		"holding": func(r *outbox.ClaimRequest) { r.DestinationLimit, r.InFlight = 9, map[string]int{"elevate": 4} },
	} {
		require.Equal(s.t, whole[:5], released(5, edit), name)
	}
	require.Equal(s.t, whole[:2], released(2, func(r *outbox.ClaimRequest) { r.Limit = 2 }))
}

func (s *stand[Tx]) runUninterrupted() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("c", "U-1"), push("d", "U-1"))
	g := s.claimedRuns(3, "a", "b", "c")
	s.claimedRuns(3)
	s.settled(g.end(0, outbox.StateDelivered))
	s.claimedRuns(3)
	s.settled(g.end(2, outbox.StatePending, delay(0)))
	s.claimedRuns(3)
	s.add(push("e", "U-1"))
	s.Advance(lease - time.Minute)
	s.claimedRuns(3)
	s.nothing(alone)
	s.settled(g.end(1, outbox.StateParked))
	s.claimedRuns(3, "c", "d", "e")
}

// runBehindBusy has a store look at more than a claim has room for: three lanes
// of ten, of which the last one under way is the third's last.
func (s *stand[Tx]) runBehindBusy() {
	add := func(person string, from, to int) {
		s.t.Helper()
		for i := from; i <= to; i++ {
			s.add(push(fmt.Sprintf("%s/%02d", person, i), person))
		}
	}
	add("U-3", 1, 10)
	third := s.claim(runs(10))
	require.Len(s.t, third.Leased, 10)
	add("U-1", 1, 1)
	add("U-2", 1, 1)
	s.claimedRuns(1, "U-1/01", "U-2/01")
	add("U-1", 2, 2)
	add("U-2", 2, 2)
	for i := range 9 {
		s.settled(third.end(i, outbox.StatePending, delay(0)))
	}
	add("U-1", 3, 10)
	add("U-2", 3, 10)
	for _, room := range []int{1, 2, 20} {
		require.Empty(s.t, s.claim(runs(10), func(r *outbox.ClaimRequest) { r.Limit = room }).keys())
	}
	s.settled(third.end(9, outbox.StateDelivered))
	require.Equal(s.t, []string{"U-3/01"}, s.claim(runs(10), func(r *outbox.ClaimRequest) { r.Limit = 1 }).keys())
}

func (s *stand[Tx]) runOrder() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("c", "U-1"))
	g := s.claimedRuns(3, "a", "b", "c")
	s.settled(
		g.end(0, outbox.StatePending, delay(5*time.Minute)),
		g.end(1, outbox.StatePending, delay(20*time.Minute)),
		g.end(2, outbox.StatePending, delay(time.Minute)),
	)
	s.Advance(6 * time.Minute)
	g = s.claimedRuns(3, "a", "c")
	s.settled(g.end(0, outbox.StatePending, delay(0)), g.end(1, outbox.StatePending, delay(0)))
	s.Advance(20 * time.Minute)
	s.claimedRuns(2, "a", "b")
}

func (s *stand[Tx]) runGoesOn() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("c", "U-1"))
	g := s.claimedRuns(2, "a", "b")
	s.settled(g.end(0, outbox.StatePending, delay(time.Hour)))
	s.settled(g.end(1, outbox.StatePending, deferred, delay(0), func(e *outbox.Settlement) { e.Unlogged = true }))
	g = s.claimedRuns(5, "b", "c")
	require.Equal(s.t, 1, g.Leased[0].Attempt)
}

func (s *stand[Tx]) runAfterLoss() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("c", "U-1"), push("d", "U-1"), push("e", "U-1"))
	g := s.claimedRuns(3, "a", "b", "c")
	s.settled(g.end(0, outbox.StateDelivered))
	s.Advance(lease + time.Minute)
	for _, key := range []string{"b", "c"} {
		g = s.claimedRuns(3, key)
		require.Equal(s.t, 1, g.Leased[0].Lost, key)
		require.Equal(s.t, outbox.DoubtLostLease, g.Leased[0].Doubt, key)
		s.claimedRuns(3)
		s.settled(g.end(0, outbox.StateDelivered))
	}
	s.claimedRuns(3, "d", "e")
}

func (s *stand[Tx]) runBeforeSuspect() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("c", "U-1"))
	s.lose(1, []string{"a", "b"}, runs(2))
	g := s.claimedRuns(3, "a")
	s.settled(g.end(0, outbox.StatePending, delay(time.Hour)))
	s.lose(1, []string{"b"}, runs(3))
	s.Advance(time.Hour)
	g = s.claimedRuns(3, "a")
	s.settled(g.end(0, outbox.StateDelivered))
	g = s.claimedRuns(3)
	require.True(s.t, g.Suspects)
	g = s.claim(alone, runs(3))
	require.Equal(s.t, []string{"b"}, g.keys())
	s.settled(g.end(0, outbox.StateDelivered))
	s.claimedRuns(3, "c")
}

func (s *stand[Tx]) runOfSuspect() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("x", "U-2"), push("y", "U-2"))
	s.lose(1, []string{"a", "b", "x", "y"}, runs(5))
	s.lose(1, []string{"a", "x"}, runs(5))
	g := s.claimedRuns(5)
	require.True(s.t, g.Suspects)
	for _, keys := range [][2]string{{"a", "b"}, {"x", "y"}} {
		g = s.claim(alone, runs(5))
		require.Equal(s.t, []string{keys[0]}, g.keys())
		require.Equal(s.t, outbox.SuspectAfter, g.Leased[0].Lost)
		s.settled(g.end(0, outbox.StateDelivered))
		g = s.claimedRuns(5, keys[1])
		require.Equal(s.t, 1, g.Leased[0].Lost)
		s.settled(g.end(0, outbox.StateDelivered))
	}
	require.False(s.t, s.claim(runs(5)).Suspects)
}

func (s *stand[Tx]) skipped() {
	var msgs []outbox.Message
	var lanes []int64
	for _, person := range awkward {
		m := push(person, person)
		msgs, lanes = append(msgs, m), append(lanes, m.OrderingKey())
	}
	s.insert(msgs...)
	skip := func(lanes ...int64) func(*outbox.ClaimRequest) {
		return func(r *outbox.ClaimRequest) { r.Skip = lanes }
	}
	s.nothing(skip(lanes...))
	last := len(lanes) - 1
	g := s.claim(skip(append(lanes[:last:last], 1, 2, 3)...))
	require.Equal(s.t, []string{awkward[last]}, g.keys())
	require.Len(s.t, s.claim(skip(1<<62, -1<<62)).Leased, last)
}

func (s *stand[Tx]) busyTold() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("c", "U-2"), push("d", "U-2", to("notified")))
	g := s.claim()
	require.Equal(s.t, []string{"a", "c", "d"}, g.keys())
	s.settled(g.end(1, outbox.StatePending), g.end(2, outbox.StatePending, delay(0)))
	busy := g.Leased[0].OrderingKey()
	g = s.claimed("d")
	for _, lane := range g.Busy {
		require.Equal(s.t, busy, lane)
	}
}
