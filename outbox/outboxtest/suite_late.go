package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func lateClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"a settlement of a session that is over changes nothing", (*env[Tx]).lateAfterReaping},
		{"a late settlement beside another sender's changes nothing", (*env[Tx]).lateBesideCurrent},
		{"a session that is over records nothing", (*env[Tx]).lateRecord},
		{"what has left the queue is not settled again", (*env[Tx]).settledOnce},
		{"a message ended meanwhile cannot be settled", (*env[Tx]).endedMeanwhile},
		{"a settlement long after is taken, if its session lives", (*env[Tx]).lateButAlive},
		{"what somebody else has locked is told, and the others are settled", (*env[Tx]).settleLocked},
	}
}

// everything is a settlement with each of the effects that there are.
func everything(e *outbox.Settlement) {
	e.Then = []outbox.Message{push("then", "U-then")}
	e.Hold, e.Pause, e.ProbeEvery, e.Resume = time.Hour, "credentials refused", time.Hour, true
	e.Break = time.Hour
	e.Receipt, e.Detail = []byte("receipt"), "detail"
	e.Seq, e.Partly = 7, true
}

// requireUntouched requires that none of everything happened.
func (s *env[Tx]) requireUntouched(id outbox.ID, state outbox.State, logged int) {
	s.t.Helper()
	s.requireState(id, state)
	require.Len(s.t, s.attempts(id), logged)
	require.Empty(s.t, s.find(outbox.Query{Person: "U-then"}))
	at := s.destination("elevate")
	require.Equal(s.t, outbox.NotPaused, at.Pausing)
	require.True(s.t, at.HeldUntil.IsZero())
	require.True(s.t, at.BrokenUntil.IsZero())
	rec := s.one(id)
	require.Empty(s.t, rec.Receipt)
	require.Zero(s.t, rec.Seq)
	require.Zero(s.t, rec.Doubt&outbox.DoubtPartly)
}

// settleOver settles in the name of a session that is over.
func (s *env[Tx]) settleOver(session outbox.SessionID, batch ...outbox.Settlement) {
	s.t.Helper()
	settled, err := s.Store.Settle(s.t.Context(), outbox.Settling{Session: session, Batch: batch, Over: []int64{1}})
	require.ErrorIs(s.t, err, outbox.ErrNoSession)
	require.Empty(s.t, settled)
}

func (s *env[Tx]) lateAfterReaping() {
	id := s.add(push("a", "U-1"))
	late, dead := s.begin("a"), s.own()
	s.die()
	logged := len(s.attempts(id))
	for _, state := range []outbox.State{outbox.StateDelivered, outbox.StateParked, outbox.StatePending, outbox.StateWithdrawn} {
		s.settleOver(dead, late.end(0, state, everything))
		s.requireUntouched(id, outbox.StatePending, logged)
	}
	f := s.begin("a")
	s.settleOver(dead, late.end(0, outbox.StateDelivered, everything))
	require.True(s.t, s.inFlight(id), "it is another session's flight that goes by this number")
	s.settled(f.end(0, outbox.StateDelivered))
	s.settleOver(dead, late.end(0, outbox.StateParked, everything))
	s.requireUntouched(id, outbox.StateDelivered, logged+1)
}

func (s *env[Tx]) lateBesideCurrent() {
	id := s.add(push("a", "U-1"))
	late, dead := s.begin("a"), s.own()
	s.die()
	s.settled(s.begin("a").end(0, outbox.StatePending, delay(time.Hour)))
	until := s.one(id).Due
	s.settleOver(dead, late.end(0, outbox.StatePending, delay(0)))
	require.True(s.t, s.one(id).Due.Equal(until))
	s.nothing()
}

func (s *env[Tx]) lateRecord() {
	id := s.add(push("a", "U-1"))
	waiting := s.waiting()
	dead := s.own()
	s.die()
	_, err := s.Store.Record(s.t.Context(), outbox.Flight{Session: dead, N: 1, Messages: []outbox.Queued{queued(&waiting[0])}})
	require.ErrorIs(s.t, err, outbox.ErrNoSession)
	require.False(s.t, s.inFlight(id))
}

func (s *env[Tx]) settledOnce() {
	id := s.add(push("a", "U-1"))
	other := s.add(push("b", "U-2"))
	f := s.begin("a")
	s.settled(f.end(0, outbox.StateDelivered))
	g := s.begin("b")
	acked := s.settle(f.end(0, outbox.StateParked, everything), g.end(0, outbox.StatePending), f.end(0, outbox.StatePending, everything))
	require.Equal(s.t, []outbox.ID{other}, acked)
	s.requireUntouched(id, outbox.StateDelivered, 1)
	unknown := f.end(0, outbox.StateDelivered, everything)
	unknown.Message.ID = 1 << 40
	require.Empty(s.t, s.settle(unknown))
	s.requireUntouched(id, outbox.StateDelivered, 1)
}

func (s *env[Tx]) endedMeanwhile() {
	id := s.add(push("a", "U-1"))
	late, dead := s.begin("a"), s.own()
	s.die()
	require.NoError(s.t, s.act(outbox.VerbDiscard, id), "nobody has it in flight")
	s.settleOver(dead, late.end(0, outbox.StatePending, everything))
	require.Empty(s.t, s.settle(late.end(0, outbox.StatePending, everything)))
	s.requireUntouched(id, outbox.StateDiscarded, len(s.attempts(id)))
	require.Equal(s.t, outbox.DoubtLost, s.one(id).Doubt)
	s.nothing()
}

func (s *env[Tx]) lateButAlive() {
	id := s.add(push("a", "U-1"))
	f := s.begin("a")
	s.Advance(day)
	s.settled(f.end(0, outbox.StateDelivered))
	s.requireState(id, outbox.StateDelivered)
}

func (s *env[Tx]) settleLocked() {
	s.needsLocks()
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"), push("mate", "U-1"))
	f := s.begin("a", "b", "c")
	mate := s.idOf("mate")
	batch := []outbox.Settlement{
		f.end(0, outbox.StateDelivered, ends(outbox.StateWithdrawn, mate)),
		f.end(1, outbox.StateDelivered, then(push("then", "U-then")), hold(time.Hour)), f.end(2, outbox.StateParked),
	}
	s.inTx(func(tx Tx) {
		require.NoError(s.t, s.Lock(tx, f.sent[1].Begun.ID))
		require.NoError(s.t, s.Lock(tx, mate))
		settled, err := s.Store.Settle(s.soon(), outbox.Settling{Session: s.own(), Batch: batch})
		require.NoError(s.t, err)
		require.ElementsMatch(s.t, []outbox.ID{f.sent[0].Begun.ID, f.sent[2].Begun.ID}, settled.Acked)
		require.Equal(s.t, []outbox.ID{f.sent[1].Begun.ID}, settled.Locked)
	})
	s.requireUntouched(f.sent[1].Begun.ID, outbox.StatePending, 0)
	s.requireState(mate, outbox.StatePending)
	require.Empty(s.t, s.attempts(mate))
	s.settled(batch[1])
	require.Len(s.t, s.find(outbox.Query{Person: "U-then"}), 1)
}
