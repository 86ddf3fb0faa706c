package outboxtest

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func rateClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"a rate lets a burst through, and then one after another", (*stand[Tx]).rateEven},
		{"the next due time tells when the rate lets through again", (*stand[Tx]).rateNextDue},
		{"a rate is shared by senders that claim at one moment", (*stand[Tx]).rateShared},
		{"each destination has a rate of its own, or none", (*stand[Tx]).ratePerDestination},
		{"only what was claimed has used its share, even what is given back", (*stand[Tx]).rateSpent},
		{"a rate cuts a run", (*stand[Tx]).rateCutsRun},
	}
}

// everyTenMinutes is slow beside what a slow database takes for a clause.
var everyTenMinutes = outbox.Rate{Count: 6, Per: time.Hour, Burst: 3}

func limited(rates map[string]outbox.Rate) func(*outbox.ClaimRequest) {
	return func(r *outbox.ClaimRequest) { r.Rate = func(name string) outbox.Rate { return rates[name] } }
}

func slowly(r *outbox.ClaimRequest) {
	limited(map[string]outbox.Rate{"elevate": everyTenMinutes})(r)
}

// insertMany adds messages of as many persons.
func (s *stand[Tx]) insertMany(n int, prefix, destination string) {
	s.t.Helper()
	msgs := make([]outbox.Message, n)
	for i := range msgs {
		name := fmt.Sprintf("%s%04d", prefix, i)
		msgs[i] = push(name, "U-"+name, to(destination))
	}
	s.insert(msgs...)
}

func (s *stand[Tx]) rateEven() {
	s.insertMany(40, "k", "elevate")
	require.Len(s.t, s.claim(slowly).Leased, 3)
	s.nothing(slowly)
	claimed := 3
	for elapsed := 7; elapsed <= 140; elapsed += 7 {
		s.Advance(7 * time.Minute)
		claimed += len(s.claim(slowly).Leased)
		require.Equal(s.t, 3+elapsed/10, claimed, "after %d minutes", elapsed)
	}
	s.Advance(6 * time.Hour)
	require.Len(s.t, s.claim(slowly).Leased, 3, "a rest saves no more than a burst")
	s.nothing(slowly)
}

func (s *stand[Tx]) rateNextDue() {
	s.insertMany(5, "k", "elevate")
	next := s.claim(slowly).NextDue
	require.Greater(s.t, next, 9*time.Minute)
	require.LessOrEqual(s.t, next, 10*time.Minute)
	next = s.claim(slowly).NextDue
	require.Greater(s.t, next, 9*time.Minute)
	s.Advance(next + time.Second)
	require.Len(s.t, s.claim(slowly).Leased, 1)
}

func (s *stand[Tx]) rateShared() {
	s.insertMany(40, "k", "elevate")
	for round := range 3 {
		var claimed atomic.Int64
		require.NoError(s.t, atOnce(4, func(int) error {
			for range 3 {
				c, err := s.Store.Claim(s.t.Context(), outbox.ClaimRequest{
					Token: outbox.NewToken(), By: "s", Lease: 24 * time.Hour, Limit: 10, DestinationLimit: 10,
					Rate: func(string) outbox.Rate { return everyTenMinutes },
				})
				if err != nil {
					return err
				}
				claimed.Add(int64(len(c.Leased)))
			}
			return nil
		}))
		require.EqualValues(s.t, 3, claimed.Load(), "round %d", round)
		s.Advance(time.Hour)
	}
}

func (s *stand[Tx]) ratePerDestination() {
	s.insertMany(5, "a", "elevate")
	s.insertMany(5, "b", "elevate/acme")
	s.insertMany(5, "c", "notified")
	rates := limited(map[string]outbox.Rate{"elevate": everyTenMinutes, "elevate/acme": {Count: 1, Per: time.Hour}})
	count := func() map[string]int {
		by := map[string]int{}
		for _, l := range s.claim(rates).Leased {
			by[l.Destination]++
		}
		return by
	}
	require.Equal(s.t, map[string]int{"elevate": 3, "elevate/acme": 1, "notified": 5}, count())
	s.Advance(31 * time.Minute) // the leases have ended: each may be claimed once more
	by := count()
	require.Equal(s.t, 3, by["elevate"])
	require.Zero(s.t, by["elevate/acme"])
}

func (s *stand[Tx]) rateSpent() {
	s.add(push("a", "U-1"))
	g := s.claim(slowly)
	require.Len(s.t, g.Leased, 1)
	s.settled(g.end(0, outbox.StatePending, deferred, delay(time.Hour), func(e *outbox.Settlement) { e.Unlogged = true }))
	s.nothing(slowly)
	s.insertMany(5, "k", "elevate")
	require.Len(s.t, s.claim(slowly).Leased, 2)
	s.nothing(slowly)
}

func (s *stand[Tx]) rateCutsRun() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("c", "U-1"), push("d", "U-1"))
	g := s.claim(slowly, runs(10))
	require.Equal(s.t, []string{"a", "b", "c"}, g.keys())
	for i := range g.Leased {
		s.settled(g.end(i, outbox.StateDelivered))
	}
	s.nothing(slowly, runs(10))
	s.Advance(11 * time.Minute)
	require.Equal(s.t, []string{"d"}, s.claim(slowly, runs(10)).keys())
}
