package outboxtest

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func sessionClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"each session has an ID of its own, and all are told of", (*env[Tx]).sessionsTold},
		{"a sender's name is made valid and cut", (*env[Tx]).senderNameCut},
		{"a beat is counted", (*env[Tx]).beatsCounted},
		{"free shards are taken, as many as asked for", (*env[Tx]).shardsTaken},
		{"what is given back is free for others", (*env[Tx]).shardsGiven},
		{"what another session owns is neither taken nor given back", (*env[Tx]).shardsOfOthers},
		{"of sessions that take at one moment no two own one shard", (*env[Tx]).shardsAtOnce},
		{"a session that left is over, and its shards are free", (*env[Tx]).leaves},
		{"a session that left unsettled messages leaves them as if it had died", (*env[Tx]).leavesUnsettled},
		{"a session that never was is over", (*env[Tx]).neverJoined},
		{"a beat tells of destinations that are closed", (*env[Tx]).closedTold},
		{"a beat tells the time", (*env[Tx]).beatTellsTime},
		{"a beat tells of the queue", (*env[Tx]).queueTold},
		{"a beat bounds what commits late", (*env[Tx]).lateCommits},
	}
}

// sessionIDs are those that a beat tells of.
func sessionIDs(p *outbox.Pulse) (ids []outbox.SessionID) {
	for _, b := range p.Sessions {
		ids = append(ids, b.ID)
	}
	return ids
}

func (s *env[Tx]) sessionsTold() {
	a, b := s.join("one"), s.join("two")
	require.Positive(s.t, a)
	require.Positive(s.t, b)
	require.NotEqual(s.t, a, b)
	pulse := s.beat(outbox.Beat{Session: a})
	require.ElementsMatch(s.t, []outbox.SessionID{a, b}, sessionIDs(&pulse))
	for _, told := range pulse.Sessions {
		require.Equal(s.t, map[outbox.SessionID]string{a: "one", b: "two"}[told.ID], told.By)
		require.Equal(s.t, time.Minute, told.Length)
	}
	require.NoError(s.t, s.Store.Leave(s.t.Context(), b))
	pulse = s.beat(outbox.Beat{Session: a})
	require.Equal(s.t, []outbox.SessionID{a}, sessionIDs(&pulse))
	c := s.join("one")
	require.NotContains(s.t, []outbox.SessionID{a, b}, c, "no ID is given out twice")
}

func (s *env[Tx]) senderNameCut() {
	hostile := "\x00\xff\x1b[31m" + strings.Repeat("\u20ac", 3000)
	id := s.join(hostile)
	require.Equal(s.t, outbox.CutText(hostile, 64), s.beat(outbox.Beat{Session: id}).Sessions[0].By)
}

func (s *env[Tx]) beatsCounted() {
	a, b := s.join("one"), s.join("two")
	first := s.beats(a, b)[0].Beats
	require.Equal(s.t, first, s.beats(a, b)[0].Beats, "another's beat is not counted")
	for range 3 {
		s.beat(outbox.Beat{Session: b})
	}
	require.Equal(s.t, first+3, s.beats(a, b)[0].Beats)
}

func (s *env[Tx]) queueTold() {
	id := s.join("one")
	tell := func() outbox.Pulse { return s.beat(outbox.Beat{Session: id}) }
	pulse := tell()
	require.Zero(s.t, pulse.Newest)
	require.Equal(s.t, outbox.MaxNextDue, pulse.NextDue)
	inserted := s.insert(push("a", "U-1"), push("b", "U-2"))
	pulse = tell()
	require.Equal(s.t, inserted[1].ID, pulse.Newest, "whoever owns its shard")
	require.Equal(s.t, outbox.MaxNextDue, pulse.NextDue)
	s.putOff(map[string]time.Duration{"a": 5 * time.Minute, "b": 10 * time.Minute})
	require.InDelta(s.t, 5*time.Minute, tell().NextDue, float64(time.Minute))
	s.Advance(6 * time.Minute)
	pulse = tell()
	require.Zero(s.t, pulse.NextDue, "one is due already")
	require.Equal(s.t, inserted[1].ID, pulse.Newest)
}

// requireOver requires that nothing can be done in the name of a session.
func (s *env[Tx]) requireOver(id outbox.SessionID, w *outbox.Waiting) {
	s.t.Helper()
	ctx := s.t.Context()
	_, err := s.Store.Beat(ctx, outbox.Beat{Session: id, Take: 1})
	require.ErrorIs(s.t, err, outbox.ErrNoSession)
	_, err = s.Store.Record(ctx, outbox.Flight{Session: id, N: 1, Messages: []outbox.Queued{queued(w)}})
	require.ErrorIs(s.t, err, outbox.ErrNoSession)
	_, err = s.Store.Settle(ctx, outbox.Settling{Session: id, Over: []int64{1}, Batch: []outbox.Settlement{delivered(w.Message)}})
	require.ErrorIs(s.t, err, outbox.ErrNoSession)
	require.ErrorIs(s.t, s.Store.Leave(ctx, id), outbox.ErrNoSession)
}

func (s *env[Tx]) leaves() {
	id := s.add(push("a", "U-1"))
	w := s.waiting()[0]
	left := s.own()
	require.NoError(s.t, s.Store.Leave(s.t.Context(), left))
	s.requireOver(left, &w)
	s.requireState(id, outbox.StatePending)
	s.session = 0
	s.own() // it takes all shards
	require.Len(s.t, s.read(), 1)
	s.deliver("a")
}

func (s *env[Tx]) leavesUnsettled() {
	a, b := s.add(push("a", "U-1")), s.add(push("b", "U-2"))
	s.begin("a")
	require.NoError(s.t, s.Store.Leave(s.t.Context(), s.session))
	s.session = 0
	require.Equal(s.t, 1, s.one(a).Lost)
	require.Equal(s.t, outbox.DoubtLost, s.one(a).Doubt)
	require.Zero(s.t, s.one(b).Lost)
	require.Zero(s.t, s.one(b).Doubt)
	s.sends("a", "b")
}

func (s *env[Tx]) neverJoined() {
	s.add(push("a", "U-1"))
	w := s.waiting()[0]
	for _, id := range []outbox.SessionID{0, -1, 1 << 40} {
		s.requireOver(id, &w)
	}
	s.deliver("a")
}

// closed returns what a beat tells of a destination that is closed.
func (s *env[Tx]) closed(name string) (outbox.Closed, bool) {
	s.t.Helper()
	for _, c := range s.beat(outbox.Beat{Session: s.own()}).Closed {
		if c.Destination == name {
			return c, true
		}
	}
	return outbox.Closed{}, false
}

func (s *env[Tx]) closedTold() {
	for name, edit := range map[string]func(*outbox.Settlement){"itself": pause, "held": hold(time.Hour), "broken": breaks(time.Hour)} {
		s.add(push("a", "U-1", to(name)))
		f := s.begin("a")
		s.settled(f.end(0, outbox.StateDelivered, edit))
		c, closed := s.closed(name)
		require.True(s.t, closed, name)
		require.Equal(s.t, name != "held", c.Probing, name)
		require.False(s.t, c.ByOperator, name)
		require.Greater(s.t, c.For, 10*time.Minute, name)
		require.LessOrEqual(s.t, c.For, time.Hour, name)
	}
	s.add(push("a", "U-1", to("open")))
	s.deliver("a")
	_, closed := s.closed("open")
	require.False(s.t, closed)
	s.steer(outbox.VerbPause, "paused")
	c, closed := s.closed("paused")
	require.True(s.t, closed)
	require.Equal(s.t, outbox.Closed{Destination: "paused", ByOperator: true}, c)

	s.Advance(2 * time.Hour)
	_, closed = s.closed("held")
	require.False(s.t, closed)
	for _, name := range []string{"itself", "broken"} {
		c, closed = s.closed(name)
		require.True(s.t, closed, name)
		require.Equal(s.t, outbox.Closed{Destination: name, Probing: true}, c)
	}
}

func (s *env[Tx]) beatTellsTime() {
	id := s.own()
	before := s.beat(outbox.Beat{Session: id}).Now
	s.Advance(time.Hour)
	require.WithinDuration(s.t, before.Add(time.Hour), s.beat(outbox.Beat{Session: id}).Now, time.Minute)
	require.WithinDuration(s.t, before.Add(time.Hour), s.one(s.add(push("a", "U-1"))).Created, time.Minute)
}

func (s *env[Tx]) lateCommits() {
	s.needsConcurrency()
	session := s.own()
	s.add(push("first", "U-1"))
	var begun uint64
	s.inTx(func(tx Tx) {
		_, err := s.Store.InsertTx(s.t.Context(), tx, push("late", "U-2"))
		require.NoError(s.t, err)
		s.add(push("between", "U-3"))
		begun = s.beat(outbox.Beat{Session: session}).Begun
		require.Less(s.t, s.beat(outbox.Beat{Session: session}).Ended, begun)
	})
	ended := func() bool { return s.beat(outbox.Beat{Session: session}).Ended >= begun }
	s.Advance(time.Minute)
	require.Eventually(s.t, ended, time.Minute, 10*time.Millisecond)
	require.Len(s.t, s.read(), 3)
}
