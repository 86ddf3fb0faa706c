package outboxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func endClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"a message ends as withdrawn or replaced, unsent", (*stand[Tx]).endsUnsent},
		{"a settlement ends others of its ordering key", (*stand[Tx]).endsOthers},
		{"a settlement that is tried again ends others too", (*stand[Tx]).retryEndsOthers},
		{"what is of another ordering key, or has ended, is left as it is", (*stand[Tx]).endsNoOthers},
		{"what is leased is left as it is", (*stand[Tx]).endsNoneLeased},
		{"a settlement that is not acknowledged ends nothing", (*stand[Tx]).lostEndsNothing},
		{"what two settlements end is ended once", (*stand[Tx]).endedOnce},
		{"what was ended keeps its doubt and its count", (*stand[Tx]).endedKeepsDoubt},
		{"many are ended at once", (*stand[Tx]).endsMany},
	}
}

// ends ends messages with a settlement.
func ends(state outbox.State, ids ...outbox.ID) func(*outbox.Settlement) {
	return func(e *outbox.Settlement) {
		for _, id := range ids {
			e.Ends = append(e.Ends, outbox.End{ID: id, State: state, Reason: "given back meanwhile"})
		}
	}
}

func (s *stand[Tx]) endsUnsent() {
	for _, state := range []outbox.State{outbox.StateWithdrawn, outbox.StateReplaced} {
		key := state.String()
		id := s.add(push(key, "U-1"))
		g := s.claimed(key)
		s.settled(g.end(0, state))
		rec := s.one(id)
		require.Equal(s.t, state, rec.State)
		require.Equal(s.t, outbox.OutcomeNone, rec.Outcome)
		require.False(s.t, rec.Settled.IsZero())
		require.False(s.t, rec.Unsettled)
		require.Empty(s.t, rec.Profile)
		require.Equal(s.t, "facts of "+key, string(rec.Facts))
		log := s.attempts(id)
		require.Len(s.t, log, 1)
		require.Equal(s.t, state, log[0].State)
		require.Equal(s.t, "nothing is left to be sent", log[0].Reason)
		require.True(s.t, s.insert(push(key, "U-1"))[0].Duplicate, "its key stays taken")
	}
	s.Advance(day)
	s.nothing()
}

func (s *stand[Tx]) endsOthers() {
	parked := s.addParked(push("parked", "U-1"))
	s.insert(push("a", "U-1"), push("retried", "U-1"), push("fresh", "U-1"), push("kept", "U-1"), push("other", "U-2"))
	g := s.claimedRuns(2, "a", "retried", "other")
	s.settled(g.end(0, outbox.StatePending, delay(0)),
		g.end(1, outbox.StatePending, delay(time.Hour)), g.end(2, outbox.StatePending, delay(time.Hour)))
	g = s.claimed("a")
	retried, fresh := s.idOf("retried"), s.idOf("fresh")
	s.settled(g.end(0, outbox.StateDelivered,
		ends(outbox.StateWithdrawn, retried, parked), ends(outbox.StateReplaced, fresh), then(push("then", "U-3"))))
	for id, state := range map[outbox.ID]outbox.State{
		retried: outbox.StateWithdrawn, parked: outbox.StateWithdrawn, fresh: outbox.StateReplaced,
	} {
		rec := s.one(id)
		require.Equal(s.t, state, rec.State, rec.Key)
		require.False(s.t, rec.Settled.IsZero())
		require.Empty(s.t, rec.Profile)
		require.Zero(s.t, rec.Doubt)
		log := s.attempts(id)
		require.NotEmpty(s.t, log)
		last := log[len(log)-1]
		require.Equal(s.t, state, last.State)
		require.Equal(s.t, outbox.OutcomeNone, last.Outcome)
		require.Equal(s.t, "given back meanwhile", last.Reason)
		require.Equal(s.t, "sender-1", last.By)
		require.False(s.t, last.PossibleDuplicate)
		require.ErrorAs(s.t, s.act(outbox.VerbSendAgain, id), new(*outbox.RefusedError))
	}
	require.Equal(s.t, outbox.StateDelivered, s.one(s.idOf("a")).State)
	s.claimed("kept", "then")
	s.Advance(61 * time.Minute)
	require.NotContains(s.t, s.claim().keys(), "retried")
}

func (s *stand[Tx]) retryEndsOthers() {
	for i, state := range []outbox.State{outbox.StatePending, outbox.StateParked, outbox.StateWithdrawn} {
		a, b := fmt.Sprint("a", i), fmt.Sprint("b", i)
		s.insert(push(a, fmt.Sprint("U-", i)), push(b, fmt.Sprint("U-", i)))
		g := s.claimed(a)
		s.settled(g.end(0, state, ends(outbox.StateReplaced, s.idOf(b)), delay(time.Hour)))
		s.requireState(s.idOf(a), state)
		s.requireState(s.idOf(b), outbox.StateReplaced)
	}
}

func (s *stand[Tx]) endsNoOthers() {
	delivered := s.add(push("delivered", "U-1"))
	s.deliver("delivered")
	parked := []outbox.ID{
		s.addParked(push("person", "U-2")), s.addParked(push("destination", "U-1", to("notified"))),
		s.addParked(push("association", "U-1", to("elevate/acme"))),
	}
	s.add(push("a", "U-1"))
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StateDelivered, ends(outbox.StateWithdrawn, append(parked, delivered, 1<<40)...)))
	for _, id := range parked {
		s.requireState(id, outbox.StateParked)
		require.Len(s.t, s.attempts(id), 1)
	}
	s.requireState(delivered, outbox.StateDelivered)
	require.Len(s.t, s.attempts(delivered), 1)
}

func (s *stand[Tx]) endsNoneLeased() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("c", "U-1"))
	g := s.claimedRuns(3, "a", "b", "c")
	b, c := s.idOf("b"), s.idOf("c")
	s.settled(g.end(0, outbox.StatePending, delay(0), ends(outbox.StateWithdrawn, c)))
	s.requireState(c, outbox.StatePending)
	s.settled(g.end(2, outbox.StatePending, delay(time.Hour)))
	s.Advance(lease + time.Minute)

	g = s.claimed("a")
	s.settled(g.end(0, outbox.StateDelivered, ends(outbox.StateWithdrawn, b, c)))
	rec := s.one(b)
	require.Equal(s.t, outbox.StatePending, rec.State, "nobody said what came of its lost lease")
	require.True(s.t, rec.Unsettled)
	require.Empty(s.t, s.attempts(b))
	s.requireState(c, outbox.StateWithdrawn)
	require.Equal(s.t, outbox.DoubtLostLease, s.claimed("b").Leased[0].Doubt)
}

func (s *stand[Tx]) lostEndsNothing() {
	s.insert(push("a", "U-1"), push("b", "U-1"))
	late := s.claimed("a")
	b := s.idOf("b")
	s.Advance(lease + time.Minute)
	s.claimed("a")
	require.Empty(s.t, s.settle(late.end(0, outbox.StateDelivered, ends(outbox.StateWithdrawn, b))))
	s.requireState(b, outbox.StatePending)
	require.Empty(s.t, s.attempts(b))
}

func (s *stand[Tx]) endedOnce() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("c", "U-1"), push("d", "U-1"))
	g := s.claimedRuns(2, "a", "b")
	c := s.idOf("c")
	s.settled(g.end(0, outbox.StateDelivered, ends(outbox.StateWithdrawn, c)),
		g.end(1, outbox.StateDelivered, ends(outbox.StateWithdrawn, c, c)))
	s.requireState(c, outbox.StateWithdrawn)
	require.Len(s.t, s.attempts(c), 1)
	g = s.claimed("d")
	s.settled(g.end(0, outbox.StateDelivered, ends(outbox.StateReplaced, c)))
	s.requireState(c, outbox.StateWithdrawn)
	require.Len(s.t, s.attempts(c), 1)
}

func (s *stand[Tx]) endedKeepsDoubt() {
	s.insert(push("a", "U-1"), push("b", "U-1"))
	g := s.claimedRuns(2, "a", "b")
	s.settled(g.end(0, outbox.StatePending, delay(0)), g.end(1, outbox.StatePending, unknown, seq(7), delay(time.Hour)))
	g = s.claimed("a")
	b := s.idOf("b")
	s.settled(g.end(0, outbox.StateDelivered, ends(outbox.StateWithdrawn, b), seq(8)))
	rec := s.one(b)
	require.Equal(s.t, outbox.DoubtUnknown, rec.Doubt)
	require.EqualValues(s.t, 7, rec.Seq)
	log := s.attempts(b)
	require.True(s.t, log[len(log)-1].PossibleDuplicate)
}

func (s *stand[Tx]) endsMany() {
	const many = 300
	msgs := []outbox.Message{push("a", "U-1")}
	for i := range many {
		msgs = append(msgs, push(fmt.Sprint(i), "U-1"))
	}
	inserted := s.insert(msgs...)
	var ids []outbox.ID
	for _, in := range inserted[1:] {
		ids = append(ids, in.ID)
	}
	g := s.claimed("a")
	s.settled(g.end(0, outbox.StateDelivered, ends(outbox.StateReplaced, ids...)))
	require.Len(s.t, s.find(outbox.Query{States: []outbox.State{outbox.StateReplaced}}), many)
	s.nothing()
}
