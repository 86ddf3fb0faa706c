package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func afterClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"a follower waits while its predecessor is in the queue", (*stand[Tx]).followerWaits},
		{"what is not in the queue, or in another destination, holds nothing back", (*stand[Tx]).followerGoes},
		{"a follower waits for a held predecessor", (*stand[Tx]).followerOfHeld},
		{"a follower is parked with its predecessor", (*stand[Tx]).followerParked},
		{"a follower inserted later is parked by the next claim", (*stand[Tx]).laterFollowerParked},
		{"a follower is parked with a predecessor that kills its worker", (*stand[Tx]).followerOfPoison},
		{"a follower is pending again when its predecessor is sent again", (*stand[Tx]).releasedBySendAgain},
		{"a follower is released when its predecessor leaves the queue", (*stand[Tx]).releasedByLeaving},
		{"a follower parked for its own sake stays parked", (*stand[Tx]).ownReasonStays},
		{"a chain is parked and delivered in its order", (*stand[Tx]).chain},
	}
}

func (s *stand[Tx]) followerWaits() {
	s.insert(push("x", "U-1"), push("f", "U-2", after("x")), push("other", "U-2"))
	g := s.claimed("x", "other")
	s.nothing()
	s.settled(g.end(0, outbox.StatePending, delay(time.Hour)), g.end(1, outbox.StateDelivered))
	s.nothing()
	s.Advance(61 * time.Minute)
	s.deliver("x")
	s.deliver("f")
}

func (s *stand[Tx]) followerGoes() {
	s.insert(push("x", "U-1", born(outbox.StateParked), to("notified")), push("done", "U-1"))
	s.deliver("done")
	s.insert(push("f1", "U-2", after("x")), push("f2", "U-3", after("done")), push("f3", "U-4", after("absent")),
		push("X", "U-5", born(outbox.StateParked)))
	s.claimed("f1", "f2", "f3")
}

func (s *stand[Tx]) followerOfHeld() {
	held := s.add(push("x", "", born(outbox.StateHeld)))
	f := s.add(push("f", "U-2", after("x")))
	s.nothing()
	s.requireState(f, outbox.StatePending)
	require.NoError(s.t, s.act(outbox.VerbMarkDone, held))
	s.claimed("f")
}

func (s *stand[Tx]) followerParked() {
	s.add(push("x", "U-1"))
	f := s.add(push("f", "U-2", after("x")))
	other := s.add(push("other", "U-2", after("y")))
	s.requireParkedWith(f, "x", func() {
		g := s.claimed("x", "other")
		s.settled(g.end(0, outbox.StateParked), g.end(1, outbox.StatePending))
	})
	s.requireState(other, outbox.StatePending)
}

// requireParkedWith requires that a follower is parked for its predecessor's
// sake by what f does, and not claimed.
func (s *stand[Tx]) requireParkedWith(follower outbox.ID, key string, f func()) {
	s.t.Helper()
	s.requireState(follower, outbox.StatePending)
	f()
	rec := s.one(follower)
	require.Equal(s.t, outbox.StateParked, rec.State)
	require.Equal(s.t, outbox.ReasonWaitsFor+key, rec.Reason)
	s.Advance(24 * time.Hour)
	require.NotContains(s.t, s.claim().keys(), rec.Key)
}

func (s *stand[Tx]) laterFollowerParked() {
	x := s.add(push("x", "U-1"))
	s.park("x")
	f := s.add(push("f", "U-2", after("x")))
	s.nothing()
	rec := s.one(f)
	require.Equal(s.t, outbox.StateParked, rec.State)
	require.Equal(s.t, outbox.ReasonWaitsFor+"x", rec.Reason)
	require.NoError(s.t, s.act(outbox.VerbDiscard, x))
	s.claimed("f")
}

func (s *stand[Tx]) followerOfPoison() {
	s.add(push("x", "U-1"))
	f := s.add(push("f", "U-2", after("x")))
	s.lose(outbox.SuspectAfter, []string{"x"})
	s.lose(outbox.PoisonAfter-outbox.SuspectAfter, []string{"x"}, alone)
	require.Len(s.t, s.claim(alone).Poisoned, 1)
	s.nothing()
	rec := s.one(f)
	require.Equal(s.t, outbox.StateParked, rec.State)
	require.Equal(s.t, outbox.ReasonWaitsFor+"x", rec.Reason)
}

// parkedPair returns a parked message and a follower parked with it.
func (s *stand[Tx]) parkedPair() (x, f outbox.ID) {
	s.t.Helper()
	x = s.add(push("x", "U-1"))
	f = s.add(push("f", "U-2", after("x")))
	s.park("x")
	s.requireState(f, outbox.StateParked)
	return x, f
}

func (s *stand[Tx]) releasedBySendAgain() {
	x, f := s.parkedPair()
	s.Advance(time.Hour)
	require.NoError(s.t, s.act(outbox.VerbSendAgain, x))
	rec := s.one(f)
	require.Equal(s.t, outbox.StatePending, rec.State)
	require.Empty(s.t, rec.Reason)
	s.deliver("x")
	s.deliver("f")
}

func (s *stand[Tx]) releasedByLeaving() {
	x, f := s.parkedPair()
	other := s.add(push("other", "U-3", born(outbox.StateParked)))
	ways := []func(){
		func() { require.NoError(s.t, s.act(outbox.VerbDiscard, x)) },
		func() { require.NoError(s.t, s.act(outbox.VerbMarkDone, x)) },
		func() { s.add(push("new", "U-4", replaces(x), born(outbox.StateParked))) },
		func() {
			s.inTx(func(tx Tx) {
				became, err := s.Store.WithdrawTx(s.t.Context(), tx, x)
				require.NoError(s.t, err)
				require.Equal(s.t, []outbox.Withdrawal{outbox.Withdrawn}, became)
			})
		},
	}
	for i, leave := range ways {
		leave()
		rec := s.one(f)
		require.Equal(s.t, outbox.StatePending, rec.State, "way %d", i)
		require.Empty(s.t, rec.Reason, "way %d", i)
		s.deliver(rec.Key)
		s.requireState(other, outbox.StateParked)

		next := string(rune('1' + i))
		x = s.add(push("x"+next, "U-1"))
		f = s.add(push("f"+next, "U-2", after("x"+next)))
		s.park("x" + next)
		s.requireState(f, outbox.StateParked)
	}
}

func (s *stand[Tx]) ownReasonStays() {
	f := s.add(push("f", "U-2", after("x")))
	s.park("f")
	x := s.add(push("x", "U-1"))
	s.park("x")
	require.NoError(s.t, s.act(outbox.VerbDiscard, x))
	rec := s.one(f)
	require.Equal(s.t, outbox.StateParked, rec.State)
	require.Equal(s.t, "unknown product", rec.Reason)
}

func (s *stand[Tx]) chain() {
	x := s.add(push("x", "U-1"))
	links := []outbox.ID{s.add(push("f", "U-2", after("x"))), s.add(push("g", "U-3", after("f")))}
	s.park("x")
	for range links {
		s.nothing()
	}
	for _, id := range links {
		s.requireState(id, outbox.StateParked)
	}
	require.NoError(s.t, s.act(outbox.VerbSendAgain, x))
	for _, key := range []string{"x", "f", "g"} {
		s.deliver(key)
	}
	s.nothing()
}
