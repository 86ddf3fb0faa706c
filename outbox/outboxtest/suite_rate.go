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
		{"a rate lets a burst through, and then one after another", (*env[Tx]).rateEven},
		{"it is told when the rate lets through again", (*env[Tx]).rateTold},
		{"a rate is shared by senders that record at one moment", (*env[Tx]).rateShared},
		{"each destination has a rate of its own, or none", (*env[Tx]).ratePerDestination},
		{"only what began has used its share, even what is deferred", (*env[Tx]).rateSpent},
		{"a probe has its share, and none is taken where the rate is used up", (*env[Tx]).rateOfProbe},
	}
}

// everyTenMinutes is slow beside what a slow database takes for a clause.
var everyTenMinutes = outbox.Rate{Count: 6, Per: time.Hour, Burst: 3}

func limited(rates map[string]outbox.Rate) func(*outbox.Flight) {
	return func(f *outbox.Flight) { f.Rates = rates }
}

func slowly(f *outbox.Flight) { f.Rates = map[string]outbox.Rate{"elevate": everyTenMinutes} }

// insertMany adds messages of as many persons.
func (s *env[Tx]) insertMany(n int, prefix, destination string) {
	s.t.Helper()
	msgs := make([]outbox.Message, n)
	for i := range msgs {
		name := fmt.Sprintf("%s%04d", prefix, i)
		msgs[i] = push(name, "U-"+name, to(destination))
	}
	s.insert(msgs...)
}

func (s *env[Tx]) rateEven() {
	s.insertMany(40, "k", "elevate")
	require.Len(s.t, s.sendAll(slowly).sent, 3)
	s.nothing(slowly)
	begun := 3
	for elapsed := 7; elapsed <= 140; elapsed += 7 {
		s.Advance(7 * time.Minute)
		begun += len(s.sendAll(slowly).sent)
		require.Equal(s.t, 3+elapsed/10, begun, "after %d minutes", elapsed)
	}
	s.Advance(6 * time.Hour)
	require.Len(s.t, s.sendAll(slowly).sent, 3, "a rest saves no more than a burst")
	s.nothing(slowly)
}

func (s *env[Tx]) rateTold() {
	s.insertMany(5, "k", "elevate")
	s.insertMany(5, "n", "notified")
	f, recorded := s.fly(s.waiting(), slowly)
	require.Len(s.t, f.sent, 3+5, "in the order of the flight, and others go on")
	require.Equal(s.t, []string{"k0000", "k0001", "k0002"}, f.keys()[:3])
	require.Len(s.t, recorded.Closed, 1)
	c := recorded.Closed[0]
	require.Equal(s.t, outbox.Closed{Destination: "elevate", For: c.For, Limited: true}, c)
	require.Greater(s.t, c.For, 9*time.Minute)
	require.LessOrEqual(s.t, c.For, 10*time.Minute)
	_, closed := s.closed("elevate")
	require.False(s.t, closed, "a beat does not know of rates")
	s.Advance(c.For + time.Second)
	require.Len(s.t, s.sendAll(slowly).sent, 1)
}

func (s *env[Tx]) rateShared() {
	s.insertMany(40, "k", "elevate")
	waiting := s.waiting()
	for round := range 3 {
		var begun atomic.Int64
		ids := []outbox.SessionID{s.join("s"), s.join("s"), s.join("s"), s.join("s")}
		require.NoError(s.t, atOnce(4, func(i int) error {
			for n := range 3 {
				f := outbox.Flight{Session: ids[i], N: int64(n + 1), Rates: map[string]outbox.Rate{"elevate": everyTenMinutes}}
				for j := range 3 {
					f.Messages = append(f.Messages, queued(&waiting[i*10+n*3+j]))
				}
				recorded, err := s.Store.Record(s.t.Context(), f)
				if err != nil {
					return err
				}
				begun.Add(int64(len(recorded.Begun)))
			}
			return nil
		}))
		require.EqualValues(s.t, 3, begun.Load(), "round %d", round)
		s.Advance(time.Hour)
	}
}

func (s *env[Tx]) ratePerDestination() {
	s.insertMany(5, "a", "elevate")
	s.insertMany(5, "b", "elevate/acme")
	s.insertMany(5, "c", "notified")
	rates := limited(map[string]outbox.Rate{"elevate": everyTenMinutes, "elevate/acme": {Count: 1, Per: time.Hour}, "else": {Count: 1}})
	count := func() map[string]int {
		by := map[string]int{}
		for _, m := range s.sendAll(rates).sent {
			by[m.Destination]++
		}
		return by
	}
	require.Equal(s.t, map[string]int{"elevate": 3, "elevate/acme": 1, "notified": 5}, count())
	s.Advance(31 * time.Minute)
	require.Equal(s.t, map[string]int{"elevate": 2}, count())
}

func (s *env[Tx]) rateSpent() {
	s.add(push("a", "U-1"))
	f := s.sendAll(slowly)
	require.Len(s.t, f.sent, 1)
	waiting := append([]outbox.Waiting{}, f.sent[0].Waiting)
	s.settled(f.end(0, outbox.StatePending, deferred, delay(time.Hour), func(e *outbox.Settlement) { e.Unlogged = true }))
	f, _ = s.fly(waiting, slowly)
	require.Empty(s.t, f.sent, "it is not due")
	s.insertMany(5, "k", "elevate")
	require.Len(s.t, s.sendAll(slowly).sent, 2)
	s.nothing(slowly)
}

func (s *env[Tx]) rateOfProbe() {
	s.breakElevate("a", 20*time.Minute)
	s.insertMany(5, "k", "elevate")
	s.Advance(21 * time.Minute)
	one := limited(map[string]outbox.Rate{"elevate": {Count: 1, Per: time.Hour, Burst: 1}})
	f := s.probes("k0000", one)
	s.settled(f.end(0, outbox.StatePending, breaks(10*time.Minute)))
	s.Advance(11 * time.Minute)
	require.True(s.t, s.refuses("k0001", probing, one).Limited)
	s.probes("k0001")
}
