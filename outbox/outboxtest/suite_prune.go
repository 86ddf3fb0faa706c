package outboxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func pruneClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"old attempts go, the last one stays without the platform's words", (*env[Tx]).prunesReplies},
		{"numbers of attempts go on after a pruning", (*env[Tx]).pruneKeepsNumbers},
		{"what ended long ago is forgotten, what stands in the queue never", (*env[Tx]).forgets},
		{"a forgotten key is free", (*env[Tx]).forgottenIsFree},
		{"what was sent again is not forgotten", (*env[Tx]).sentAgainIsKept},
		{"a pruning goes on where its limit stopped it", (*env[Tx]).prunesInParts},
		{"a pruning of nothing does nothing", (*env[Tx]).prunesNothing},
	}
}

const day = 24 * time.Hour

// prune prunes until nothing is left of it.
func (s *env[Tx]) prune(p outbox.Pruning) (replies, forgotten int) {
	s.t.Helper()
	for range 1000 {
		pruned, err := s.Store.Prune(s.t.Context(), p)
		require.NoError(s.t, err)
		replies, forgotten = replies+pruned.Replies, forgotten+pruned.Forgotten
		if !pruned.More {
			return replies, forgotten
		}
	}
	require.Fail(s.t, "a thousand parts did not prune it")
	return 0, 0
}

func worded(e *outbox.Settlement) {
	e.Detail, e.Receipt, e.Delay = "the platform's words", []byte("receipt"), 0
}

// tried settles a message's next attempts, each with the platform's words.
func (s *env[Tx]) tried(key string, states ...outbox.State) {
	s.t.Helper()
	for _, state := range states {
		s.settled(s.begin(key).end(0, state, worded))
	}
}

func (s *env[Tx]) prunesReplies() {
	const again = outbox.StatePending
	ended, parked := s.add(push("ended", "U-1")), s.add(push("parked", "U-2"))
	waiting, young := s.add(push("waiting", "U-3")), s.add(push("young", "U-4"))
	s.tried("ended", again, again, outbox.StateDelivered)
	s.tried("parked", again, outbox.StateParked)
	s.tried("waiting", again, again)
	s.Advance(31 * day)
	s.tried("young", again, outbox.StateAlreadyDone)

	replies, forgotten := s.prune(outbox.Pruning{Replies: 30 * day})
	require.Equal(s.t, 3+2+2, replies)
	require.Zero(s.t, forgotten)
	for range 2 {
		for id, state := range map[outbox.ID]outbox.State{ended: outbox.StateDelivered, parked: outbox.StateParked, waiting: again} {
			log := s.attempts(id)
			require.Len(s.t, log, 1, state.String())
			require.Equal(s.t, state, log[0].State)
			require.Empty(s.t, log[0].Detail)
			require.Equal(s.t, "receipt", string(log[0].Receipt))
			rec := s.one(id)
			require.Equal(s.t, state, rec.State)
			require.Equal(s.t, "receipt", string(rec.Receipt))
			require.Equal(s.t, log[0].Outcome, rec.Outcome)
			require.NotEmpty(s.t, rec.Facts)
		}
		log := s.attempts(young)
		require.Len(s.t, log, 2)
		require.Equal(s.t, "the platform's words", log[0].Detail)
		require.Equal(s.t, "the platform's words", log[1].Detail)
		replies, _ = s.prune(outbox.Pruning{Replies: 30 * day})
		require.Zero(s.t, replies, "there is nothing left to remove")
	}
	require.True(s.t, s.insert(push("ended", "U-1"))[0].Duplicate)
}

func (s *env[Tx]) pruneKeepsNumbers() {
	id := s.add(push("a", "U-1"))
	s.tried("a", outbox.StatePending, outbox.StatePending, outbox.StatePending)
	s.Advance(31 * day)
	s.prune(outbox.Pruning{Replies: 30 * day})
	f := s.sends("a")
	require.Equal(s.t, 3, f.sent[0].Attempts)
	s.settled(f.end(0, outbox.StateDelivered))
	log := s.attempts(id)
	require.Len(s.t, log, 2)
	require.Less(s.t, log[0].N, log[1].N)
	require.Equal(s.t, outbox.StateDelivered, log[1].State)
	require.Equal(s.t, outbox.OutcomeDelivered, s.one(id).Outcome)
}

// endEachWay returns messages that ended in each of the ways that there are.
func (s *env[Tx]) endEachWay() (ids []outbox.ID) {
	s.t.Helper()
	ids = append(ids, s.add(push("delivered", "U-1")), s.add(push("done", "U-2")))
	f := s.sends("delivered", "done")
	s.settled(f.end(0, outbox.StateDelivered), f.end(1, outbox.StateAlreadyDone))
	ids = append(ids, s.add(push("discarded", "U-3")), s.add(push("marked", "U-4")),
		s.add(push("replaced", "U-5")), s.add(push("withdrawn", "U-6")))
	require.NoError(s.t, s.act(outbox.VerbDiscard, ids[2]))
	require.NoError(s.t, s.act(outbox.VerbMarkDone, ids[3]))
	f = s.sends("replaced", "withdrawn")
	s.settled(f.end(0, outbox.StateReplaced), f.end(1, outbox.StateWithdrawn))
	for _, id := range ids {
		require.True(s.t, s.one(id).State.Final())
	}
	return ids
}

func (s *env[Tx]) forgets() {
	ended := s.endEachWay()
	waiting := []outbox.ID{s.addParked(push("parked", "U-1")), s.add(push("pending", "U-7"))}
	s.tried("pending", outbox.StatePending)
	s.Advance(11 * day)
	young := s.add(push("young", "U-8"))
	require.NoError(s.t, s.act(outbox.VerbMarkDone, young))

	_, forgotten := s.prune(outbox.Pruning{Forget: 12 * day})
	require.Zero(s.t, forgotten)
	_, forgotten = s.prune(outbox.Pruning{Forget: 10 * day})
	require.Equal(s.t, len(ended), forgotten)
	require.Empty(s.t, s.find(outbox.Query{IDs: ended}))
	s.requireState(young, outbox.StateMarkedDone)
	for _, id := range waiting {
		require.False(s.t, s.one(id).State.Final())
	}
	require.Len(s.t, s.attempts(waiting[1]), 1)
	require.Equal(s.t, "profile of U-7", string(s.sends("pending").sent[0].Profile))
}

func (s *env[Tx]) forgottenIsFree() {
	old := s.add(push("a", "U-1"))
	s.deliver("a")
	s.Advance(11 * day)
	_, forgotten := s.prune(outbox.Pruning{Replies: day, Forget: 10 * day})
	require.Equal(s.t, 1, forgotten)
	anew := s.add(push("a", "U-1", facts("other")))
	require.NotEqual(s.t, old, anew)
	require.Empty(s.t, s.attempts(anew))
	s.deliver("a")
	require.Len(s.t, s.attempts(anew), 1)
	require.True(s.t, s.insert(push("a", "U-1", facts("other")))[0].Duplicate)
}

func (s *env[Tx]) sentAgainIsKept() {
	id := s.add(push("a", "U-1"))
	s.deliver("a")
	s.Advance(11 * day)
	require.NoError(s.t, s.sendAgainLookedUp(id))
	_, forgotten := s.prune(outbox.Pruning{Forget: 10 * day, Replies: day})
	require.Zero(s.t, forgotten)
	require.Len(s.t, s.attempts(id), 1)
	s.deliver("a")
	_, forgotten = s.prune(outbox.Pruning{Forget: 10 * day})
	require.Zero(s.t, forgotten, "it was settled just now")
	require.Len(s.t, s.attempts(id), 2)
}

func (s *env[Tx]) prunesInParts() {
	ids := make([]outbox.ID, 7)
	for i := range ids {
		key := fmt.Sprint(i)
		ids[i] = s.add(push(key, "U-1"))
		s.tried(key, outbox.StatePending, outbox.StatePending, outbox.StateDelivered)
	}
	s.Advance(31 * day)
	p := outbox.Pruning{Replies: 30 * day, Limit: 4}
	pruned, err := s.Store.Prune(s.t.Context(), p)
	require.NoError(s.t, err)
	require.True(s.t, pruned.More)
	require.LessOrEqual(s.t, pruned.Replies, 4)
	replies, _ := s.prune(p)
	require.Equal(s.t, 7*3, pruned.Replies+replies)
	for _, id := range ids {
		require.Len(s.t, s.attempts(id), 1)
	}
	_, forgotten := s.prune(outbox.Pruning{Forget: 30 * day, Limit: 2})
	require.Equal(s.t, len(ids), forgotten)
	require.Empty(s.t, s.all())
}

func (s *env[Tx]) prunesNothing() {
	id := s.add(push("a", "U-1"))
	s.tried("a", outbox.StatePending, outbox.StateDelivered)
	s.Advance(1000 * day)
	pruned, err := s.Store.Prune(s.t.Context(), outbox.Pruning{})
	require.NoError(s.t, err)
	require.Equal(s.t, outbox.Pruned{}, pruned)
	require.Len(s.t, s.attempts(id), 2)
}
