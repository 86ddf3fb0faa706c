package outboxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func fairnessClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"a loud destination does not hide fifty quiet ones", (*stand[Tx]).loudAndQuiet},
		{"the tour goes round and misses none", (*stand[Tx]).tourGoesRound},
		{"new names are met on the way, and one that is gone stops nothing", (*stand[Tx]).tourMeetsNewNames},
		{"suspects, however many, do not hide what may be sent", (*stand[Tx]).suspectsHideNone},
		{"a person with much to send does not hide another", (*stand[Tx]).busyLaneHidesNone},
		{"what cannot be sent to takes nothing from others", (*stand[Tx]).shutTakesNoRoom},
	}
}

// byDestination counts.
func (g grip) byDestination() map[string]int {
	by := map[string]int{}
	for _, l := range g.Leased {
		by[l.Destination]++
	}
	return by
}

func (s *stand[Tx]) loudAndQuiet() {
	s.insertMany(1000, "loud", "elevate/loud")
	for i := range 50 {
		s.add(push("quiet", "U-1", to(fmt.Sprintf("elevate/%c%02d", "aq"[i%2], i))))
	}
	g := s.claim(func(r *outbox.ClaimRequest) { r.Limit, r.DestinationLimit = 90, 40 })
	require.Len(s.t, g.Leased, 90)
	by := g.byDestination()
	require.Equal(s.t, 40, by["elevate/loud"])
	require.Len(s.t, by, 51)
}

// from is a claim of five that goes on where the last one ended, one of each
// destination.
func (s *stand[Tx]) from(last string) grip {
	s.t.Helper()
	return s.claim(func(r *outbox.ClaimRequest) { r.Limit, r.DestinationLimit, r.From, r.Lease = 5, 1, last, 24*time.Hour })
}

func (s *stand[Tx]) tourGoesRound() {
	const names, each = 12, 3
	for i := range names {
		s.insertMany(each, fmt.Sprint(i, "-"), fmt.Sprintf("elevate/n%02d", i))
	}
	claimed, last := map[string]int{}, ""
	for total := 0; total < names*each; {
		g := s.from(last)
		require.NotEmpty(s.t, g.Leased)
		for name, n := range g.byDestination() {
			require.Equal(s.t, 1, n)
			claimed[name]++
		}
		total += len(g.Leased)
		last = g.Last
		least := each
		for i := range names {
			least = min(least, claimed[fmt.Sprintf("elevate/n%02d", i)])
		}
		for name, n := range claimed {
			require.LessOrEqual(s.t, n, least+1, "%s had more than one turn more than another", name)
		}
	}
	g := s.from(last)
	require.Empty(s.t, g.Leased)
	require.Empty(s.t, g.Last, "all the way round")
}

func (s *stand[Tx]) tourMeetsNewNames() {
	for _, name := range []string{"b", "d", "f", "h", "j", "l", "n"} {
		s.insertMany(4, name, "elevate/"+name)
	}
	g := s.from("")
	require.Equal(s.t, map[string]int{"elevate/b": 1, "elevate/d": 1, "elevate/f": 1, "elevate/h": 1, "elevate/j": 1}, g.byDestination())
	require.Equal(s.t, "elevate/j", g.Last)
	for _, name := range []string{"a", "k", "z"} {
		s.insertMany(1, name, "elevate/"+name)
	}
	g = s.from("elevate/j9")
	require.Equal(s.t, map[string]int{"elevate/k": 1, "elevate/l": 1, "elevate/n": 1, "elevate/z": 1, "elevate/a": 1}, g.byDestination())
	require.Equal(s.t, "elevate/a", g.Last)
	g = s.claim(func(r *outbox.ClaimRequest) { r.From = "elevate/c" })
	require.Empty(s.t, g.Last, "there was room for all")
	require.Len(s.t, g.Leased, 7*4-5-2)
}

func (s *stand[Tx]) shutTakesNoRoom() {
	edits := map[string]func(*outbox.Settlement){"itself": pause, "held": hold(time.Hour), "broken": breaks(time.Hour)}
	for name, edit := range edits {
		s.add(push("a", "U-1", to(name)))
		g := s.claimed("a")
		s.settled(g.end(0, outbox.StatePending, delay(0), edit))
	}
	for _, name := range []string{"itself", "held", "broken", "paused", "full", "spent", "zz"} {
		s.insertMany(5, "k", name)
	}
	s.steer(outbox.VerbPause, "paused")
	spent := limited(map[string]outbox.Rate{"spent": {Count: 1, Per: time.Hour, Burst: 1}})
	g := s.claim(spent, func(r *outbox.ClaimRequest) { r.From, r.Limit, r.DestinationLimit = "paused", 1, 1 })
	require.Equal(s.t, map[string]int{"spent": 1}, g.byDestination())
	for _, from := range []string{"", "full", "zz"} {
		g = s.claim(spent, func(r *outbox.ClaimRequest) {
			r.Limit, r.DestinationLimit, r.From, r.InFlight = 1, 5, from, map[string]int{"full": 5}
		})
		require.Equal(s.t, map[string]int{"zz": 1}, g.byDestination())
	}
}

func (s *stand[Tx]) suspectsHideNone() {
	s.insertMany(6, "s", "elevate")
	for range outbox.SuspectAfter {
		require.Len(s.t, s.claim().Leased, 6)
		s.Advance(lease + time.Minute)
	}
	s.insert(push("a", "U-1"), push("b", "U-2", to("notified")))
	room := func(r *outbox.ClaimRequest) { r.Limit, r.DestinationLimit = 2, 2 }
	g := s.claim(room)
	require.Equal(s.t, []string{"a", "b"}, g.keys())
	require.True(s.t, g.Suspects)
}

// busyLaneHidesNone lets a store tell of a busy lane before it looks further.
func (s *stand[Tx]) busyLaneHidesNone() {
	for i := range 12 {
		s.add(push(fmt.Sprint("l", i), "U-loud"))
	}
	s.claimedRuns(2, "l0", "l1")
	s.add(push("a", "U-quiet"))
	two := func(r *outbox.ClaimRequest) { r.Limit, r.DestinationLimit, r.KeyLimit = 2, 2, 2 }
	g := s.claim(two)
	if len(g.Leased) == 0 {
		require.NotEmpty(s.t, g.Busy, "nothing was leased, and no reason told")
		g = s.claim(two, func(r *outbox.ClaimRequest) { r.Skip = g.Busy })
	}
	require.Equal(s.t, []string{"a"}, g.keys())
}
