package outboxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func recordingClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"what was recorded is in flight until it is settled", (*env[Tx]).recordedInFlight},
		{"what is gone, parked, not due or unknown is left out, and the others begin", (*env[Tx]).recordLeavesOut},
		{"what somebody else has locked is left out", (*env[Tx]).recordLocked},
		{"what begins keeps the order of the flight", (*env[Tx]).recordOrder},
		{"attempts that were settled are counted", (*env[Tx]).attemptsCounted},
		{"a person's first message is alone", (*env[Tx]).recordAlone},
		{"a flight that is over is forgotten", (*env[Tx]).flightOver},
		{"a flight stays where not all of the batch was acknowledged", (*env[Tx]).flightStays},
		{"a flight of nothing records nothing", (*env[Tx]).recordNothing},
		{"a large flight begins whole", (*env[Tx]).recordLarge},
	}
}

// inFlight tells what the store says of a message, and of its destination.
func (s *env[Tx]) inFlight(id outbox.ID) bool {
	s.t.Helper()
	found := s.find(outbox.Query{IDs: []outbox.ID{id}, InFlight: true})
	require.Len(s.t, found, 1)
	return found[0].InFlight
}

func (s *env[Tx]) recordedInFlight() {
	id := s.add(push("a", "U-1"))
	s.waiting()
	require.False(s.t, s.inFlight(id), "it was only read")
	f := s.begin("a")
	require.True(s.t, s.inFlight(id))
	require.False(s.t, s.one(id).InFlight, "nobody asked")
	s.requireState(id, outbox.StatePending)
	require.Empty(s.t, s.attempts(id))
	s.Advance(day)
	require.True(s.t, s.inFlight(id), "its session lives")
	s.settled(f.end(0, outbox.StatePending))
	require.False(s.t, s.inFlight(id))
	s.Advance(2 * time.Minute)
	s.begin("a")
	require.True(s.t, s.inFlight(id))
	s.die()
	require.False(s.t, s.inFlight(id))
	s.deliver("a")
	require.False(s.t, s.inFlight(id))
}

func (s *env[Tx]) recordLeavesOut() {
	s.insert(push("delivered", "U-1"), push("parked", "U-2"), push("later", "U-3"), push("discarded", "U-4"),
		push("a", "U-5"), push("b", "U-5"))
	waiting := s.waiting()
	s.deliver("delivered")
	s.park("parked")
	s.putOff(map[string]time.Duration{"later": time.Hour})
	require.NoError(s.t, s.act(outbox.VerbDiscard, s.idOf("discarded")))
	waiting = append(waiting, outbox.Waiting{Message: outbox.Message{ID: 1 << 40, Destination: "elevate"}})
	f, recorded := s.fly(waiting)
	require.Equal(s.t, []string{"a", "b"}, f.keys())
	require.Empty(s.t, recorded.Closed)
	require.False(s.t, s.inFlight(s.idOf("later")))
	require.Equal(s.t, 2, s.die().Reaped)
	s.sends("a", "b")
}

func (s *env[Tx]) needsLocks() {
	if s.Lock == nil || !s.Concurrent {
		s.t.Skip("NOT TESTED: the harness says that the store locks no rows")
	}
}

func (s *env[Tx]) recordLocked() {
	s.needsLocks()
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	waiting := s.waiting()
	s.inTx(func(tx Tx) {
		require.NoError(s.t, s.Lock(tx, waiting[1].ID))
		recorded, err := s.Store.Record(s.soon(), outbox.Flight{
			Session: s.own(), N: 1, Messages: []outbox.Queued{queued(&waiting[0]), queued(&waiting[1]), queued(&waiting[2])},
		})
		require.NoError(s.t, err)
		require.Len(s.t, recorded.Begun, 2)
		require.Equal(s.t, waiting[0].ID, recorded.Begun[0].ID)
		require.Equal(s.t, waiting[2].ID, recorded.Begun[1].ID)
		require.Empty(s.t, recorded.Closed)
	})
	require.Equal(s.t, 2, s.die().Reaped)
}

func (s *env[Tx]) recordOrder() {
	s.insertMany(30, "k", "elevate")
	waiting := s.waiting()
	for i := range waiting {
		j := (i * 7) % len(waiting)
		waiting[i], waiting[j] = waiting[j], waiting[i]
	}
	want := waitingKeys(waiting)
	f, _ := s.fly(waiting)
	require.Equal(s.t, want, f.keys())
}

func (s *env[Tx]) attemptsCounted() {
	s.add(push("a", "U-1"))
	for n := range 4 {
		f := s.begin("a")
		require.Equal(s.t, n, f.sent[0].Attempts)
		require.Equal(s.t, n, f.sent[0].Attempt)
		require.Zero(s.t, f.sent[0].Begun.Lost)
		require.Zero(s.t, f.sent[0].Doubt)
		require.True(s.t, f.sent[0].NotReadySince.IsZero())
		require.Zero(s.t, f.sent[0].Waited)
		s.settled(f.end(0, outbox.StatePending, delay(0)))
	}
}

func (s *env[Tx]) recordAlone() {
	s.insert(push("a", "U-1"), push("b", "U-2", to("notified")), push("two", "U-2"), push("three", "U-2"),
		push("other", "U-1", to("elevate/acme")))
	alone := map[string]bool{}
	f := s.sendAll()
	for _, m := range f.sent {
		alone[m.Message.Key] = m.Alone
	}
	require.Equal(s.t, map[string]bool{"a": true, "b": true, "two": false, "three": false, "other": true}, alone)
	s.settled(f.end(0, outbox.StateDelivered), f.end(1, outbox.StatePending, delay(0)))
	s.add(push("again", "U-1"))
	require.False(s.t, s.begin("again").sent[0].Alone, "what ended counts")
	require.False(s.t, s.begin("b").sent[0].Alone, "it was tried")

	id := s.addParked(push("parked", "U-5"))
	require.NoError(s.t, s.act(outbox.VerbSendAgain, id))
	require.False(s.t, s.begin("parked").sent[0].Alone, "it was tried")
	s.add(push("lost", "U-6"))
	s.lose(1, "lost")
	require.False(s.t, s.begin("lost").sent[0].Alone, "it may have been tried")
}

func (s *env[Tx]) flightOver() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	a, b := s.begin("a"), s.begin("b", "c")
	settled, err := s.Store.Settle(s.t.Context(), outbox.Settling{
		Session: s.own(), Over: []int64{1, 99}, Batch: []outbox.Settlement{a.end(0, outbox.StatePending, delay(0))},
	})
	require.NoError(s.t, err)
	require.Equal(s.t, []outbox.ID{a.sent[0].Begun.ID}, settled.Acked)
	require.False(s.t, s.inFlight(a.sent[0].Begun.ID))
	require.True(s.t, s.inFlight(b.sent[0].Begun.ID))
	settled, err = s.Store.Settle(s.t.Context(), outbox.Settling{
		Session: s.own(), Batch: []outbox.Settlement{b.end(0, outbox.StateDelivered)},
	})
	require.NoError(s.t, err)
	require.Len(s.t, settled.Acked, 1)
	require.True(s.t, s.inFlight(b.sent[1].Begun.ID), "its flight is not over")

	require.Equal(s.t, 1, s.die().Reaped)
	require.Zero(s.t, s.one(a.sent[0].Begun.ID).Lost)
	require.Equal(s.t, 1, s.one(b.sent[1].Begun.ID).Lost)
	f := s.begin("a")
	_, err = s.Store.Settle(s.t.Context(), outbox.Settling{Session: s.own(), Over: []int64{1}})
	require.NoError(s.t, err)
	require.False(s.t, s.inFlight(f.sent[0].Begun.ID), "nothing of it is left to be settled, as it was told")
}

func (s *env[Tx]) flightStays() {
	s.insert(push("gone", "U-1"), push("a", "U-2"), push("b", "U-3"))
	gone := s.begin("gone")
	s.settled(gone.end(0, outbox.StateDelivered))
	settling := outbox.Settling{Session: s.own(), Over: []int64{2}, Batch: []outbox.Settlement{
		s.begin("a", "b").end(0, outbox.StatePending, delay(0)), gone.end(0, outbox.StateDelivered),
	}}
	for _, inFlight := range []bool{true, false} {
		_, err := s.Store.Settle(s.t.Context(), settling)
		require.NoError(s.t, err)
		require.Equal(s.t, inFlight, s.inFlight(s.idOf("b")))
		settling.Batch = nil
	}
}

func (s *env[Tx]) recordNothing() {
	s.add(push("a", "U-1"))
	f, recorded := s.fly(nil)
	require.Empty(s.t, f.sent)
	require.Empty(s.t, recorded.Closed)
	require.Zero(s.t, s.die().Reaped)
}

func (s *env[Tx]) recordLarge() {
	s.insertMany(500, "k", "elevate")
	f := s.sendAll()
	require.Len(s.t, f.sent, 500)
	for i := range f.sent {
		require.Equal(s.t, fmt.Sprintf("k%04d", i), f.sent[i].Message.Key)
	}
	require.Equal(s.t, 500, s.die().Reaped)
}
