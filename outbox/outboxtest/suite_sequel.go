package outboxtest

import (
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

func sequelClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"an action's follow-ups are inserted with it", (*env[Tx]).actionFollowUps},
		{"an action's follow-up that exists is left out", (*env[Tx]).actionFollowUpExists},
		{"an action that is refused has no follow-ups", (*env[Tx]).refusedFollowUps},
		{"a message with a sequel is not forgotten by age", (*env[Tx]).sequelKept},
		{"what a settlement releases is forgotten with it", (*env[Tx]).releasedForgotten},
		{"a settlement that releases forgets by its own age", (*env[Tx]).releasedByAge},
		{"what is released and stands in the queue is kept", (*env[Tx]).releasedInQueue},
		{"who releases last counts", (*env[Tx]).releasesOfLast},
	}
}

func sequel(m *outbox.Message) { m.Sequel = "take" }

func releases(ids ...outbox.ID) func(*outbox.Settlement) {
	return func(e *outbox.Settlement) { e.Releases = ids }
}

// actThen is an operator's action with follow-ups.
func (s *env[Tx]) actThen(verb outbox.Verb, id outbox.ID, then ...outbox.Message) error {
	return s.Store.Act(s.t.Context(), outbox.Action{
		Verb: verb, ID: id, Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "was asked to", Then: then,
	})
}

func (s *env[Tx]) actionFollowUps() {
	for verb, key := range map[outbox.Verb]string{outbox.VerbDiscard: "a", outbox.VerbMarkDone: "b"} {
		id := s.addParked(push(key, "U-1"))
		next := push("then "+key, "U-1", sequel)
		next.Kind, next.Scope, next.Profile = "take", "p", nil
		require.NoError(s.t, s.actThen(verb, id, next, push("beside "+key, "U-2")))
		require.True(s.t, s.one(id).State.Final())
		f := s.sends("then "+key, "beside "+key)
		require.Equal(s.t, "take", f.sent[0].Kind)
		require.Equal(s.t, "p", f.sent[0].Scope)
		require.Equal(s.t, "take", f.sent[0].Sequel)
		require.Equal(s.t, next.Facts, f.sent[0].Facts)
		s.settled(f.end(0, outbox.StateDelivered), f.end(1, outbox.StateDelivered))
		entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{Limit: 1})
		require.NoError(s.t, err)
		require.Equal(s.t, key, entries[0].Key)
		require.Empty(s.t, entries[0].Then)
	}
}

func (s *env[Tx]) actionFollowUpExists() {
	known := s.add(push("known", "U-1"))
	s.deliver("known")
	id := s.add(push("a", "U-1"))
	require.NoError(s.t, s.actThen(outbox.VerbDiscard, id, push("known", "U-1", facts("other")), push("new", "U-1")))
	s.requireState(id, outbox.StateDiscarded)
	s.requireState(known, outbox.StateDelivered)
	require.Equal(s.t, "facts of known", string(s.one(known).Facts))
	s.sends("new")
	require.Len(s.t, s.all(), 3)
}

func (s *env[Tx]) refusedFollowUps() {
	delivered := s.add(push("delivered", "U-1"))
	s.deliver("delivered")
	s.add(push("flying", "U-1"))
	s.sends("flying")
	waiting := s.add(push("waiting", "U-1"))
	next := push("then", "U-1")
	require.ErrorAs(s.t, s.actThen(outbox.VerbDiscard, delivered, next), new(*outbox.RefusedError))
	require.ErrorIs(s.t, s.actThen(outbox.VerbDiscard, s.idOf("flying"), next), outbox.ErrInFlight)
	require.ErrorIs(s.t, s.actThen(outbox.VerbDiscard, 1<<40, next), outbox.ErrNotFound)
	bad := push("bad", "U-1", to("Not A Name"))
	require.ErrorAs(s.t, s.actThen(outbox.VerbDiscard, waiting, next, bad), new(*check.InputError))
	s.requireState(waiting, outbox.StatePending)
	require.Len(s.t, s.all(), 3)
	entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{Limit: 10})
	require.NoError(s.t, err)
	require.Empty(s.t, entries)
}

func (s *env[Tx]) forgotten(want int) {
	s.t.Helper()
	_, forgotten := s.prune(outbox.Pruning{Forget: 10 * day})
	require.Equal(s.t, want, forgotten)
}

func (s *env[Tx]) sequelKept() {
	discarded := s.addParked(push("discarded", "U-3", sequel))
	s.insert(push("delivered", "U-1", sequel), push("withdrawn", "U-2", sequel), push("plain", "U-4"))
	f := s.sends("delivered", "withdrawn", "plain")
	s.settled(f.end(0, outbox.StateDelivered), f.end(1, outbox.StateWithdrawn), f.end(2, outbox.StateDelivered))
	require.NoError(s.t, s.act(outbox.VerbDiscard, discarded))
	s.Advance(1000 * day)
	s.forgotten(1)
	require.Len(s.t, s.all(), 3)
	require.True(s.t, s.insert(push("delivered", "U-1"))[0].Duplicate)
}

func (s *env[Tx]) releasedForgotten() {
	give, other := s.add(push("give", "U-1", sequel)), s.add(push("other", "U-1", sequel))
	f := s.begin("give", "other")
	s.settled(f.end(0, outbox.StateDelivered), f.end(1, outbox.StateDelivered))
	take := s.add(push("take", "U-1", sequel))
	f = s.sends("take")
	s.settled(f.end(0, outbox.StateWithdrawn, releases(give, take)))
	require.Len(s.t, s.all(), 3)
	s.Advance(11 * day)
	s.prune(outbox.Pruning{Replies: day})
	s.forgotten(2)
	require.Equal(s.t, []outbox.ID{other}, recordIDs(s.all()))
	s.forgotten(0)
	require.False(s.t, s.insert(push("give", "U-1", sequel))[0].Duplicate, "its key is free")
}

func (s *env[Tx]) releasedByAge() {
	give := s.add(push("give", "U-1", sequel))
	s.deliver("give")
	s.Advance(100 * day)
	take := s.add(push("take", "U-1"))
	f := s.sends("take")
	s.settled(f.end(0, outbox.StateDelivered, releases(take, give)))
	s.Advance(9 * day)
	s.forgotten(0)
	require.Len(s.t, s.all(), 2)
	s.Advance(2 * day)
	s.forgotten(2)
	require.Empty(s.t, s.all())
}

func (s *env[Tx]) releasedInQueue() {
	parked, take := s.addParked(push("parked", "U-1", sequel)), s.add(push("take", "U-1"))
	f := s.sends("take")
	s.settled(f.end(0, outbox.StateDelivered, releases(take, parked)))
	s.Advance(11 * day)
	s.prune(outbox.Pruning{Forget: 10 * day})
	s.requireState(parked, outbox.StateParked)
	require.NoError(s.t, s.act(outbox.VerbSendAgain, parked))
	require.Equal(s.t, "profile of U-1", string(s.sends("parked").sent[0].Profile))
}

// releasesOfLast is of a settlement that put its message back, and of two that
// an operator had sent again: one was delivered then, the other discarded.
func (s *env[Tx]) releasesOfLast() {
	retried, again := s.add(push("retried", "U-1", sequel)), s.add(push("again", "U-2", sequel))
	discarded := s.add(push("discarded", "U-3", sequel))
	f := s.sends("retried", "again", "discarded")
	s.settled(f.end(0, outbox.StatePending, releases(retried), delay(0)),
		f.end(1, outbox.StateDelivered, releases(again)), f.end(2, outbox.StateDelivered, releases(discarded)))
	s.deliver("retried")
	require.NoError(s.t, s.sendAgainLookedUp(again))
	require.NoError(s.t, s.sendAgainLookedUp(discarded))
	require.NoError(s.t, s.act(outbox.VerbDiscard, discarded))
	s.Advance(11 * day)
	s.forgotten(0)
	s.deliver("again")
	s.Advance(11 * day)
	s.forgotten(0)
	require.Len(s.t, s.all(), 3)
}
