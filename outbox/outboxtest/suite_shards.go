package outboxtest

import (
	"slices"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func (s *env[Tx]) shardsTaken() {
	a, b := s.join("one"), s.join("two")
	pulse := s.beat(outbox.Beat{Session: a})
	require.Empty(s.t, pulse.Owned)
	require.Equal(s.t, outbox.Shards, pulse.Free)
	pulse = s.beat(outbox.Beat{Session: a, Take: 40})
	require.Len(s.t, pulse.Owned, 40)
	require.True(s.t, slices.IsSorted(pulse.Owned))
	require.Equal(s.t, outbox.Shards-40, pulse.Free)
	owned := pulse.Owned
	pulse = s.beat(outbox.Beat{Session: b, Take: 40})
	require.Len(s.t, pulse.Owned, outbox.Shards-40, "no more than there are")
	require.Zero(s.t, pulse.Free)
	require.ElementsMatch(s.t, everyShard(), slices.Concat(owned, pulse.Owned))
	require.Equal(s.t, owned, s.beat(outbox.Beat{Session: a, Take: 10}).Owned)
}

func (s *env[Tx]) shardsGiven() {
	a, b := s.join("one"), s.join("two")
	owned := s.beat(outbox.Beat{Session: a, Take: outbox.Shards}).Owned
	require.Equal(s.t, everyShard(), owned)
	pulse := s.beat(outbox.Beat{Session: a, Give: []int{0, 7, 63}})
	require.Equal(s.t, 3, pulse.Free)
	require.Len(s.t, pulse.Owned, outbox.Shards-3)
	require.Equal(s.t, []int{0, 7, 63}, s.beat(outbox.Beat{Session: b, Take: 10}).Owned)
	pulse = s.beat(outbox.Beat{Session: b, Give: []int{7}, Take: 1})
	require.Equal(s.t, []int{0, 7, 63}, pulse.Owned, "it gives back before it takes")
}

func (s *env[Tx]) shardsOfOthers() {
	a, b := s.join("one"), s.join("two")
	owned := s.beat(outbox.Beat{Session: a, Take: 32}).Owned
	pulse := s.beat(outbox.Beat{Session: b, Give: owned})
	require.Equal(s.t, outbox.Shards-32, pulse.Free)
	require.Empty(s.t, pulse.Owned)
	pulse = s.beat(outbox.Beat{Session: b, Give: everyShard(), Take: outbox.Shards})
	require.Len(s.t, pulse.Owned, outbox.Shards-32)
	require.Equal(s.t, owned, s.beat(outbox.Beat{Session: a}).Owned)
}

func (s *env[Tx]) shardsAtOnce() {
	const sessions = 6
	for range 5 {
		var mu sync.Mutex
		var owned []int
		ids := make([]outbox.SessionID, sessions)
		for i := range ids {
			ids[i] = s.join("s")
		}
		require.NoError(s.t, atOnce(sessions, func(i int) error {
			var pulse outbox.Pulse
			var err error
			for range 20 { // a busy database may refuse
				pulse, err = s.Store.Beat(s.t.Context(), outbox.Beat{Session: ids[i], Take: 16 - len(pulse.Owned)})
				if err == nil && (len(pulse.Owned) == 16 || pulse.Free == 0) {
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			owned = append(owned, pulse.Owned...)
			return err
		}))
		require.ElementsMatch(s.t, everyShard(), owned)
		for _, id := range ids {
			require.NoError(s.t, s.Store.Leave(s.t.Context(), id))
		}
	}
}
