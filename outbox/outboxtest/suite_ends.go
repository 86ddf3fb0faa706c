package outboxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func endClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"a message ends as withdrawn or replaced, unsent", (*env[Tx]).endsUnsent},
		{"a settlement ends others of its ordering key", (*env[Tx]).endsOthers},
		{"a settlement that is tried again ends others too", (*env[Tx]).retryEndsOthers},
		{"what is of another ordering key, or has ended, is left as it is", (*env[Tx]).endsNoOthers},
		{"a settlement of a session that is over ends nothing", (*env[Tx]).lateEndsNothing},
		{"what a dead sender had in flight is ended with its doubt", (*env[Tx]).lostIsEnded},
		{"what two settlements end is ended once", (*env[Tx]).endedOnce},
		{"what was ended keeps its doubt and its count", (*env[Tx]).endedKeepsDoubt},
		{"many are ended at once", (*env[Tx]).endsMany},
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

func (s *env[Tx]) endsUnsent() {
	for _, state := range []outbox.State{outbox.StateWithdrawn, outbox.StateReplaced} {
		key := state.String()
		id := s.add(push(key, "U-1"))
		f := s.begin(key)
		s.settled(f.end(0, state))
		rec := s.one(id)
		require.Equal(s.t, state, rec.State)
		require.Equal(s.t, outbox.OutcomeNone, rec.Outcome)
		require.False(s.t, rec.Settled.IsZero())
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

func (s *env[Tx]) endsOthers() {
	parked := s.addParked(push("parked", "U-1"))
	s.insert(push("a", "U-1"), push("retried", "U-1"), push("fresh", "U-1"), push("kept", "U-1"), push("other", "U-2"))
	f := s.begin("a", "retried", "other")
	s.settled(f.end(0, outbox.StatePending, delay(0)),
		f.end(1, outbox.StatePending, delay(time.Hour)), f.end(2, outbox.StatePending, delay(time.Hour)))
	f = s.begin("a")
	retried, fresh := s.idOf("retried"), s.idOf("fresh")
	s.settled(f.end(0, outbox.StateDelivered,
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
	s.sends("kept", "then")
	s.Advance(61 * time.Minute)
	require.NotContains(s.t, waitingKeys(s.waiting()), "retried")
}

func (s *env[Tx]) retryEndsOthers() {
	for i, state := range []outbox.State{outbox.StatePending, outbox.StateParked, outbox.StateWithdrawn} {
		a, b := fmt.Sprint("a", i), fmt.Sprint("b", i)
		s.insert(push(a, fmt.Sprint("U-", i)), push(b, fmt.Sprint("U-", i)))
		f := s.begin(a)
		s.settled(f.end(0, state, ends(outbox.StateReplaced, s.idOf(b)), delay(time.Hour)))
		s.requireState(s.idOf(a), state)
		s.requireState(s.idOf(b), outbox.StateReplaced)
	}
}

func (s *env[Tx]) endsNoOthers() {
	delivered := s.add(push("delivered", "U-1"))
	s.deliver("delivered")
	parked := []outbox.ID{
		s.addParked(push("person", "U-2")), s.addParked(push("destination", "U-1", to("notified"))),
		s.addParked(push("association", "U-1", to("elevate/acme"))),
	}
	s.add(push("a", "U-1"))
	f := s.begin("a")
	s.settled(f.end(0, outbox.StateDelivered, ends(outbox.StateWithdrawn, append(parked, delivered, 1<<40)...)))
	for _, id := range parked {
		s.requireState(id, outbox.StateParked)
		require.Len(s.t, s.attempts(id), 1)
	}
	s.requireState(delivered, outbox.StateDelivered)
	require.Len(s.t, s.attempts(delivered), 1)
}

func (s *env[Tx]) lateEndsNothing() {
	s.insert(push("a", "U-1"), push("b", "U-1"))
	late, dead := s.begin("a"), s.own()
	b := s.idOf("b")
	s.die()
	s.settleOver(dead, late.end(0, outbox.StateDelivered, ends(outbox.StateWithdrawn, b)))
	s.requireState(b, outbox.StatePending)
	require.Empty(s.t, s.attempts(b))
}

func (s *env[Tx]) lostIsEnded() {
	s.insert(push("a", "U-1"), push("b", "U-1"))
	s.lose(1, "b")
	b := s.idOf("b")
	s.settled(s.begin("a").end(0, outbox.StateDelivered, ends(outbox.StateWithdrawn, b)))
	rec := s.one(b)
	require.Equal(s.t, outbox.StateWithdrawn, rec.State)
	require.Equal(s.t, outbox.DoubtLost, rec.Doubt)
	log := s.attempts(b)
	require.True(s.t, log[len(log)-1].PossibleDuplicate)
}

func (s *env[Tx]) endedOnce() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("c", "U-1"), push("d", "U-1"))
	f := s.begin("a", "b")
	c := s.idOf("c")
	s.settled(f.end(0, outbox.StateDelivered, ends(outbox.StateWithdrawn, c)),
		f.end(1, outbox.StateDelivered, ends(outbox.StateWithdrawn, c, c)))
	s.requireState(c, outbox.StateWithdrawn)
	require.Len(s.t, s.attempts(c), 1)
	f = s.begin("d")
	s.settled(f.end(0, outbox.StateDelivered, ends(outbox.StateReplaced, c)))
	s.requireState(c, outbox.StateWithdrawn)
	require.Len(s.t, s.attempts(c), 1)
}

func (s *env[Tx]) endedKeepsDoubt() {
	s.insert(push("a", "U-1"), push("b", "U-1"))
	f := s.begin("a", "b")
	s.settled(f.end(0, outbox.StatePending, delay(0)), f.end(1, outbox.StatePending, unknown, seq(7), delay(time.Hour)))
	f = s.begin("a")
	b := s.idOf("b")
	s.settled(f.end(0, outbox.StateDelivered, ends(outbox.StateWithdrawn, b), seq(8)))
	rec := s.one(b)
	require.Equal(s.t, outbox.DoubtUnknown, rec.Doubt)
	require.EqualValues(s.t, 7, rec.Seq)
	log := s.attempts(b)
	require.True(s.t, log[len(log)-1].PossibleDuplicate)
}

func (s *env[Tx]) endsMany() {
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
	f := s.begin("a")
	s.settled(f.end(0, outbox.StateDelivered, ends(outbox.StateReplaced, ids...)))
	require.Len(s.t, s.find(outbox.Query{States: []outbox.State{outbox.StateReplaced}}), many)
	s.nothing()
}
