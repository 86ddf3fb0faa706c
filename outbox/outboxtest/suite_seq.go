package outboxtest

import (
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func seqClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"the greatest count of a message's settlements is kept", (*env[Tx]).seqKept},
		{"the count and the doubt outlast the log", (*env[Tx]).seqOutlastsLog},
		{"a part that took effect is a doubt", (*env[Tx]).partlyIsDoubt},
		{"what has left the queue tells its doubt", (*env[Tx]).endedTellsDoubt},
		{"a lost session is a doubt of what is ended by hand or erased", (*env[Tx]).lostIsEndedByHand},
	}
}

func seq(n int64) func(*outbox.Settlement) {
	return func(e *outbox.Settlement) { e.Seq = n }
}

func partly(e *outbox.Settlement) { e.Partly = true }

func unknown(e *outbox.Settlement) { e.Outcome = outbox.OutcomeUnknown }

func (s *env[Tx]) seqKept() {
	id := s.add(push("a", "U-1"))
	require.Zero(s.t, s.one(id).Seq)
	for _, c := range []struct{ seq, want int64 }{{0, 0}, {3, 3}, {0, 3}, {1 << 60, 1 << 60}, {5, 1 << 60}} {
		f := s.sends("a")
		s.settled(f.end(0, outbox.StatePending, seq(c.seq), delay(0)))
		require.Equal(s.t, c.want, s.one(id).Seq)
	}
	s.lose(1, "a")
	f := s.sends("a")
	s.settled(f.end(0, outbox.StateParked))
	require.NoError(s.t, s.act(outbox.VerbSendAgain, id))
	s.deliver("a")
	require.EqualValues(s.t, 1<<60, s.one(id).Seq)

	last := s.add(push("b", "U-1"))
	f = s.sends("b")
	s.settled(f.end(0, outbox.StateDelivered, seq(7)))
	require.EqualValues(s.t, 7, s.one(last).Seq)

	for verb, key := range map[outbox.Verb]string{outbox.VerbDiscard: "c", outbox.VerbMarkDone: "d"} {
		id := s.add(push(key, "U-1"))
		f := s.sends(key)
		s.settled(f.end(0, outbox.StateParked, seq(9)))
		require.NoError(s.t, s.act(verb, id))
		require.EqualValues(s.t, 9, s.one(id).Seq)
	}
}

func (s *env[Tx]) seqOutlastsLog() {
	waiting, ended := s.add(push("a", "U-1")), s.add(push("b", "U-2"))
	f := s.sends("a", "b")
	s.settled(f.end(0, outbox.StatePending, seq(4), unknown, delay(0)),
		f.end(1, outbox.StatePending, seq(5), unknown, delay(0)))
	f = s.sends("a", "b")
	s.settled(f.end(0, outbox.StatePending, delay(0)), f.end(1, outbox.StateDelivered))
	s.Advance(31 * day)
	s.prune(outbox.Pruning{Replies: 30 * day})
	for id, want := range map[outbox.ID]int64{waiting: 4, ended: 5} {
		rec := s.one(id)
		require.Len(s.t, s.attempts(id), 1)
		require.Equal(s.t, want, rec.Seq)
		require.Equal(s.t, outbox.DoubtUnknown, rec.Doubt)
	}
}

func (s *env[Tx]) partlyIsDoubt() {
	id := s.add(push("a", "U-1"))
	f := s.sends("a")
	s.settled(f.end(0, outbox.StateParked, partly))
	require.Equal(s.t, outbox.DoubtPartly, s.one(id).Doubt)
	require.False(s.t, s.attempts(id)[0].PossibleDuplicate, "it is about the next one")
	require.NoError(s.t, s.act(outbox.VerbSendAgain, id))
	f = s.sends("a")
	require.Equal(s.t, outbox.DoubtPartly, f.sent[0].Doubt)
	s.settled(f.end(0, outbox.StatePending, unknown, delay(0)))
	require.Equal(s.t, outbox.DoubtPartly|outbox.DoubtUnknown, s.sends("a").sent[0].Doubt)
}

func (s *env[Tx]) endedTellsDoubt() {
	s.add(push("none", "U-1"))
	s.deliver("none")
	require.Zero(s.t, s.one(s.idOf("none")).Doubt)
	for name, end := range map[string]func(id outbox.ID){
		"delivered": func(outbox.ID) { s.deliver("delivered") },
		"done":      func(outbox.ID) { s.settled(s.sends("done").end(0, outbox.StateAlreadyDone)) },
		"withdrawn": func(outbox.ID) { s.settled(s.sends("withdrawn").end(0, outbox.StateWithdrawn)) },
		"discarded": func(id outbox.ID) { require.NoError(s.t, s.act(outbox.VerbDiscard, id)) },
		"marked":    func(id outbox.ID) { require.NoError(s.t, s.act(outbox.VerbMarkDone, id)) },
	} {
		id := s.add(push(name, "U-1"))
		f := s.sends(name)
		s.settled(f.end(0, outbox.StatePending, unknown, delay(0)))
		end(id)
		rec := s.one(id)
		require.True(s.t, rec.State.Final())
		require.Equal(s.t, outbox.DoubtUnknown, rec.Doubt, name)
	}
	last := s.add(push("last", "U-1"))
	f := s.sends("last")
	s.settled(f.end(0, outbox.StateDelivered, partly))
	require.Equal(s.t, outbox.DoubtPartly, s.one(last).Doubt)
}

func (s *env[Tx]) lostIsEndedByHand() {
	discarded, marked := s.add(push("discarded", "U-1")), s.add(push("marked", "U-2"))
	erased := s.add(theirs("erased"))
	s.lose(1, "discarded", "marked", "erased")
	require.NoError(s.t, s.act(outbox.VerbDiscard, discarded))
	require.NoError(s.t, s.act(outbox.VerbMarkDone, marked))
	s.erased(1)
	for _, id := range []outbox.ID{discarded, marked, erased} {
		rec := s.one(id)
		require.Equal(s.t, outbox.DoubtLost, rec.Doubt, rec.State.String())
	}
}
