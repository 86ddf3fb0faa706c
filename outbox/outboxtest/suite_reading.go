package outboxtest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func readingClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"fresh messages come by ID", (*env[Tx]).readFresh},
		{"due messages come by due time, and none before its time", (*env[Tx]).readDue},
		{"nothing but what is pending is read", (*env[Tx]).readPending},
		{"only the shards that are asked for are read", (*env[Tx]).readShards},
		{"fresh messages are read after one ID and up to another", (*env[Tx]).readAfter},
		{"due messages are read after a due time and ID", (*env[Tx]).readAfterDue},
		{"pages follow each other and miss none", (*env[Tx]).readPages},
		{"one ordering key is read by ID, fresh and due alike", (*env[Tx]).readKey},
		{"one destination is read, or all but some", (*env[Tx]).readDestination},
		{"what the sender has is left out", (*env[Tx]).readKnown},
		{"the time until the next message falls due is told", (*env[Tx]).readNextDue},
		{"a reading changes nothing", (*env[Tx]).readChangesNothing},
		{"a damaged message is told of, and no other is the worse for it", (*env[Tx]).readDamaged},
	}
}

func waitingKeys(waiting []outbox.Waiting) []string {
	keys := []string{}
	for i := range waiting {
		keys = append(keys, waiting[i].Message.Key)
	}
	return keys
}

// requireRead requires what a reading leads to, in this order.
func (s *env[Tx]) requireRead(want []string, edits ...func(*outbox.Reading)) []outbox.Waiting {
	s.t.Helper()
	read := s.read(edits...)
	require.Equal(s.t, want, waitingKeys(read))
	return read
}

func limit(n int) func(*outbox.Reading) {
	return func(r *outbox.Reading) { r.Limit = n }
}

func (s *env[Tx]) readFresh() {
	s.requireRead([]string{})
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-1", to("notified")))
	s.Advance(time.Minute)
	s.insert(push("d", "U-1"))
	read := s.requireRead([]string{"a", "b", "c", "d"})
	for i := range read {
		require.True(s.t, read[i].Due.IsZero())
		require.Zero(s.t, read[i].Lost)
		require.Empty(s.t, read[i].Broken)
		require.Equal(s.t, read[i].OrderingKey(), read[i].Key)
		require.Equal(s.t, "facts of "+read[i].Message.Key, string(read[i].Facts))
		require.Equal(s.t, "profile of "+read[i].Person, string(read[i].Profile))
		require.Zero(s.t, read[i].Attempt)
	}
	s.requireRead([]string{}, due)
}

// putOff has messages wait, each for a time of its own.
func (s *env[Tx]) putOff(delays map[string]time.Duration) {
	s.t.Helper()
	for key, d := range delays {
		s.settled(s.begin(key).end(0, outbox.StatePending, delay(d)))
	}
}

func (s *env[Tx]) readDue() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"), push("d", "U-4"), push("fresh", "U-5"))
	s.putOff(map[string]time.Duration{"a": 30 * time.Minute, "b": 20 * time.Minute, "c": 10 * time.Minute, "d": 2 * time.Hour})
	s.requireRead([]string{}, due)
	s.requireRead([]string{"fresh"})
	s.Advance(21 * time.Minute)
	read := s.requireRead([]string{"c", "b"}, due)
	for i := range read {
		require.True(s.t, read[i].Due.Equal(s.one(read[i].ID).Due))
		require.Equal(s.t, 1, read[i].Attempt)
	}
	s.Advance(10 * time.Minute)
	s.requireRead([]string{"c", "b", "a"}, due)
}

func (s *env[Tx]) readPending() {
	s.addParked(push("parked", "U-1"))
	s.add(push("delivered", "U-1"))
	s.deliver("delivered")
	require.NoError(s.t, s.act(outbox.VerbDiscard, s.add(push("discarded", "U-1"))))
	s.add(push("waits", "U-1"))
	s.Advance(day)
	s.requireRead([]string{"waits"})
	s.requireRead([]string{}, due)
	s.requireRead([]string{"waits"}, ofKey(push("", "U-1")))
}

func (s *env[Tx]) readPages() {
	s.insertMany(25, "k", "elevate")
	want := waitingKeys(s.read())
	require.Len(s.t, want, 25)
	for _, n := range []int{1, 7, 25, 26} {
		s.requireRead(want, limit(n))
		s.requireRead([]string{}, due, limit(n))
	}
	f := s.sendAll()
	for i := range f.sent {
		s.settled(f.end(i, outbox.StatePending, delay(time.Duration(25-i)*time.Minute)))
	}
	s.Advance(time.Hour)
	slices.Reverse(want)
	for _, n := range []int{1, 7, 25, 26} {
		s.requireRead(want, due, limit(n))
		s.requireRead([]string{}, limit(n))
	}
	page, err := s.Store.Read(s.t.Context(), outbox.Reading{Session: s.own(), Shards: everyShard(), Limit: 7})
	require.NoError(s.t, err)
	require.False(s.t, page.More)
}

func (s *env[Tx]) readNextDue() {
	r := outbox.Reading{Session: s.own(), Shards: everyShard(), Due: true, Limit: 1}
	next := func() time.Duration {
		s.t.Helper()
		page, err := s.Store.Read(s.t.Context(), r)
		require.NoError(s.t, err)
		require.GreaterOrEqual(s.t, page.NextDue, time.Duration(0))
		require.LessOrEqual(s.t, page.NextDue, outbox.MaxNextDue)
		return page.NextDue
	}
	next()
	a, b := push("a", "U-1"), push("b", "U-2")
	require.NotEqual(s.t, outbox.ShardOf(a.OrderingKey()), outbox.ShardOf(b.OrderingKey()))
	s.insert(a, b)
	s.putOff(map[string]time.Duration{"a": 5 * time.Minute, "b": 48 * time.Hour})
	require.InDelta(s.t, 5*time.Minute, next(), float64(time.Minute))
	r.Shards = []int{outbox.ShardOf(b.OrderingKey())}
	require.InDelta(s.t, outbox.MaxNextDue, next(), float64(time.Minute), "another shard's is nothing to it")
	r.Shards = everyShard()
	s.Advance(next() + time.Second)
	s.requireRead([]string{"a"}, due)
	require.Zero(s.t, next(), "one is due already")
}

func (s *env[Tx]) readChangesNothing() {
	id := s.add(push("a", "U-1"))
	before := s.one(id)
	for range 3 {
		s.requireRead([]string{"a"})
	}
	require.Equal(s.t, before, s.one(id))
	require.Empty(s.t, s.attempts(id))
	require.Zero(s.t, s.die().Reaped, "what was only read is not in flight")
}

func (s *env[Tx]) readDamaged() {
	if s.Corrupt == nil {
		s.t.Skip("NOT TESTED: the harness cannot damage a message")
	}
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-2"))
	f := s.sends("a", "b", "c")
	s.settled(f.end(2, outbox.StatePending, delay(0)))
	s.die()
	ids := []outbox.ID{f.sent[0].Begun.ID, f.sent[1].Begun.ID, f.sent[2].Begun.ID}
	s.add(push("d", "U-2"))
	fresh := s.add(push("e", "U-2"))
	s.Corrupt(ids[1])
	s.Corrupt(fresh)

	read := slices.Concat(s.read(due), s.read())
	require.Len(s.t, read, 5)
	for _, w := range read {
		if w.ID != ids[1] && w.ID != fresh {
			require.Empty(s.t, w.Broken)
			require.Contains(s.t, string(w.Facts), "facts of ")
			continue
		}
		require.NotEmpty(s.t, w.Broken)
		require.Equal(s.t, outbox.Message{ID: w.ID, Destination: "elevate"}, w.Message)
		require.Equal(s.t, push("", "U-2").OrderingKey(), w.Key)
	}
	require.Len(s.t, s.read(ofKey(push("", "U-2"))), 4)

	park := func(e *outbox.Settlement) { e.Outcome, e.Reason = outbox.OutcomeNone, "the stored message is damaged" }
	all := s.sendAll()
	require.Len(s.t, all.sent, 5)
	for i, m := range all.sent {
		if m.Broken != "" {
			s.settled(all.end(i, outbox.StateParked, park))
		} else {
			s.settled(all.end(i, outbox.StateDelivered))
		}
	}
	require.Empty(s.t, s.waiting())
}
