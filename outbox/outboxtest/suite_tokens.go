package outboxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func tokenClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"a settlement after a take-over changes nothing", (*stand[Tx]).lateAfterTakeOver},
		{"a settlement after the lease ended is taken, if no one took over", (*stand[Tx]).lateButCurrent},
		{"a lease is settled once", (*stand[Tx]).settledOnce},
		{"a late settlement beside the current one in a batch changes nothing", (*stand[Tx]).lateBesideCurrent},
		{"a token that is not the lease's changes nothing", (*stand[Tx]).wrongToken},
		{"a message ended meanwhile cannot be settled", (*stand[Tx]).endedMeanwhile},
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
func (s *stand[Tx]) requireUntouched(id outbox.ID, logged int) {
	s.t.Helper()
	s.requireState(id, outbox.StatePending)
	require.Len(s.t, s.attempts(id), logged)
	require.Empty(s.t, s.find(outbox.Query{Person: "U-then"}))
	state := s.destination("elevate")
	require.Equal(s.t, outbox.NotPaused, state.Pausing)
	require.True(s.t, state.HeldUntil.IsZero())
	require.True(s.t, state.BrokenUntil.IsZero())
	rec := s.one(id)
	require.Empty(s.t, rec.Receipt)
	require.Zero(s.t, rec.Seq)
	require.Zero(s.t, rec.Doubt&outbox.DoubtPartly)
}

func (s *stand[Tx]) lateAfterTakeOver() {
	id := s.add(push("a", "U-1"))
	late := s.claimed("a")
	s.Advance(lease + time.Minute)
	current := s.claimed("a")
	for _, state := range []outbox.State{outbox.StateDelivered, outbox.StateParked, outbox.StatePending} {
		require.Empty(s.t, s.settle(late.end(0, state, everything)))
		s.requireUntouched(id, 1)
		require.True(s.t, s.one(id).InFlight)
		s.nothing()
	}
	s.settled(current.end(0, outbox.StateDelivered))
	require.Empty(s.t, s.settle(late.end(0, outbox.StateParked, everything)))
	s.requireState(id, outbox.StateDelivered)
	require.Len(s.t, s.attempts(id), 2)
	require.Empty(s.t, s.find(outbox.Query{Person: "U-then"}))
}

func (s *stand[Tx]) lateButCurrent() {
	id := s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.Advance(24 * time.Hour)
	s.settled(g.end(0, outbox.StateDelivered))
	s.requireState(id, outbox.StateDelivered)
	s.nothing()
}

func (s *stand[Tx]) settledOnce() {
	id := s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StatePending))
	require.Empty(s.t, s.settle(g.end(0, outbox.StateDelivered, everything)))
	s.requireUntouched(id, 1)
	s.Advance(2 * time.Minute)
	s.deliver("a")
	require.Empty(s.t, s.settle(g.end(0, outbox.StateDelivered, everything)))
	require.Len(s.t, s.attempts(id), 2)
}

// lateBesideCurrent is of a sender that lost a lease, took it again, and
// records both answers at once.
func (s *stand[Tx]) lateBesideCurrent() {
	for n, order := range [][2]int{{0, 1}, {1, 0}} {
		key := fmt.Sprint(n)
		id := s.add(push(key, "U-1"))
		late := s.claimed(key)
		s.Advance(lease + time.Minute)
		current := s.claimed(key)
		batch := []outbox.Settlement{
			late.end(0, outbox.StateDelivered, then(push("then", "U-then"))),
			current.end(0, outbox.StatePending, delay(time.Hour)),
		}
		require.Equal(s.t, []outbox.ID{id}, s.settle(batch[order[0]], batch[order[1]]))
		s.requireState(id, outbox.StatePending)
		require.Empty(s.t, s.find(outbox.Query{Person: "U-then"}))
		log := s.attempts(id)
		require.Equal(s.t, outbox.OutcomeUnavailable, log[len(log)-1].Outcome)
		s.nothing()
	}
}

func (s *stand[Tx]) wrongToken() {
	id, idle := s.add(push("a", "U-1")), s.add(push("b", "U-1"))
	g := s.claimed("a")
	for name, token := range map[string]outbox.Token{"zero": {}, "another": outbox.NewToken()} {
		wrong := func(e *outbox.Settlement) { e.Token = token }
		notLeased := func(e *outbox.Settlement) { e.Token, e.Message.ID = token, idle }
		unknown := func(e *outbox.Settlement) { e.Message.ID = 1 << 40 }
		require.Empty(s.t, s.settle(
			g.end(0, outbox.StateDelivered, everything, wrong),
			g.end(0, outbox.StateDelivered, everything, notLeased),
			g.end(0, outbox.StateDelivered, everything, unknown),
		), name)
		s.requireUntouched(id, 0)
		s.requireUntouched(idle, 0)
	}
	swapped := g.end(0, outbox.StateDelivered, everything)
	swapped.Message.ID = idle
	require.Empty(s.t, s.settle(swapped), "another message's token")
	s.requireUntouched(idle, 0)
	s.settled(g.end(0, outbox.StateDelivered))
}

func (s *stand[Tx]) endedMeanwhile() {
	id := s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.Advance(lease + time.Minute)
	require.NoError(s.t, s.act(outbox.VerbDiscard, id), "its lease has ended")
	require.Empty(s.t, s.settle(g.end(0, outbox.StatePending, everything)))
	s.requireState(id, outbox.StateDiscarded)
	require.Empty(s.t, s.find(outbox.Query{Person: "U-then"}))
	s.nothing()
}
