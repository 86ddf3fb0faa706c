package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func reapingClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"what a dead session had in flight falls due, is counted and doubted", (*env[Tx]).reapedFallsDue},
		{"what it had not recorded stays as it is", (*env[Tx]).unrecordedStays},
		{"what it had settled stays settled", (*env[Tx]).settledStays},
		{"what of an open flight is put off is in flight no more, and is not lost", (*env[Tx]).putOffIsNotLost},
		{"what another session has in flight since is left to it", (*env[Tx]).leftToOther},
		{"its shards are free", (*env[Tx]).reapedFreesShards},
		{"a session that has beaten since is left alone", (*env[Tx]).beatenSince},
		{"a session is reaped once", (*env[Tx]).reapedOnce},
		{"several are reaped at once", (*env[Tx]).severalReaped},
		{"seven sessions lost in a row park a message", (*env[Tx]).poison},
		{"any settlement ends the row of lost sessions", (*env[Tx]).settlementResetsLost},
		{"a message sent again is counted anew, and still doubted", (*env[Tx]).sendAgainAfterPoison},
		{"large flights are reaped whole", (*env[Tx]).manyReaped},
	}
}

func (s *env[Tx]) reapedFallsDue() {
	a, b := s.add(push("a", "U-1")), s.add(push("b", "U-2"))
	s.begin("a")
	s.begin("b")
	pulse := s.die()
	require.Equal(s.t, 2, pulse.Reaped)
	require.Empty(s.t, pulse.Poisoned)
	require.Empty(s.t, s.read(), "they are fresh no more")
	read := s.read(due)
	require.Len(s.t, read, 2)
	for i, id := range []outbox.ID{a, b} {
		require.Equal(s.t, id, read[i].ID)
		require.Equal(s.t, 1, read[i].Lost)
		require.False(s.t, read[i].Due.IsZero())
		rec := s.one(id)
		require.Equal(s.t, outbox.StatePending, rec.State)
		require.Equal(s.t, 1, rec.Lost)
		require.Equal(s.t, outbox.DoubtLost, rec.Doubt)
		require.True(s.t, rec.PossibleDuplicate())
	}
	f := s.sends("a", "b")
	for _, m := range f.sent {
		require.Zero(s.t, m.Attempts, "nobody knows whether it was tried")
		require.Equal(s.t, outbox.DoubtLost, m.Doubt)
		require.False(s.t, m.Alone)
	}
	s.settled(f.end(0, outbox.StateDelivered), f.end(1, outbox.StateDelivered))
	log := s.attempts(a)
	require.True(s.t, log[len(log)-1].PossibleDuplicate)
}

func (s *env[Tx]) unrecordedStays() {
	fresh, later, parked := s.add(push("fresh", "U-1")), s.add(push("later", "U-2")), s.addParked(push("parked", "U-3"))
	f := s.begin("later")
	s.settled(f.end(0, outbox.StatePending, delay(time.Hour)))
	s.add(push("a", "U-4"))
	s.begin("a")
	until := s.one(later).Due
	require.Equal(s.t, 1, s.die().Reaped)
	for _, id := range []outbox.ID{fresh, later, parked} {
		require.Zero(s.t, s.one(id).Lost)
		require.Zero(s.t, s.one(id).Doubt)
	}
	require.True(s.t, s.one(later).Due.Equal(until))
	s.requireState(parked, outbox.StateParked)
	f = s.sends("fresh", "a")
	require.True(s.t, f.sent[0].Due.IsZero())
}

func (s *env[Tx]) settledStays() {
	s.insert(push("delivered", "U-1"), push("parked", "U-2"), push("retried", "U-3"), push("lost", "U-4"))
	f := s.begin("retried")
	s.settled(f.end(0, outbox.StatePending, delay(time.Hour)))
	f = s.begin("delivered", "parked", "lost")
	s.settled(f.end(0, outbox.StateDelivered), f.end(1, outbox.StateParked))
	require.Equal(s.t, 1, s.die().Reaped)
	for key, state := range map[string]outbox.State{
		"delivered": outbox.StateDelivered, "parked": outbox.StateParked, "retried": outbox.StatePending,
	} {
		rec := s.one(s.idOf(key))
		require.Equal(s.t, state, rec.State, key)
		require.Zero(s.t, rec.Lost, key)
		require.Zero(s.t, rec.Doubt, key)
	}
	s.sends("lost")
}

func (s *env[Tx]) putOffIsNotLost() {
	for name, end := range map[string]func(){
		"reaped": func() { require.Equal(s.t, 1, s.die().Reaped) },
		"left": func() {
			require.NoError(s.t, s.Store.Leave(s.t.Context(), s.own()))
			s.session = 0
		},
	} {
		s.insert(push("later "+name, "U-1"), push("discarded "+name, "U-2"), push("lost "+name, "U-3"))
		later, discarded, lost := s.idOf("later "+name), s.idOf("discarded "+name), s.idOf("lost "+name)
		f := s.begin("later "+name, "discarded "+name, "lost "+name)
		s.Advance(time.Second)
		s.settled(f.end(0, outbox.StatePending, delay(time.Hour)), f.end(1, outbox.StatePending, delay(time.Hour)))
		require.Equal(s.t, []bool{false, false, true}, []bool{s.inFlight(later), s.inFlight(discarded), s.inFlight(lost)}, name)
		counts, err := s.Store.Counts(s.t.Context())
		require.NoError(s.t, err)
		require.Equal(s.t, 1, counts[0].InFlight, name)
		require.NoError(s.t, s.act(outbox.VerbDiscard, discarded), name)
		require.ErrorIs(s.t, s.act(outbox.VerbDiscard, lost), outbox.ErrInFlight, name)

		until := s.one(later).Due
		end()
		rec := s.one(later)
		require.True(s.t, rec.Due.Equal(until), name)
		require.Zero(s.t, rec.Lost, name)
		require.Zero(s.t, rec.Doubt, name)
		s.requireState(discarded, outbox.StateDiscarded)
		rec = s.one(lost)
		require.Equal(s.t, 1, rec.Lost, name)
		require.Equal(s.t, outbox.DoubtLost, rec.Doubt, name)
		s.deliver("lost " + name)
	}
}

func (s *env[Tx]) leftToOther() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	f := s.begin("a", "b")
	s.Advance(time.Second)
	s.settled(f.end(0, outbox.StatePending, delay(0)))
	waiting := s.waiting()
	other := s.join("two")
	recorded := s.record(outbox.Flight{Session: other, N: 1, Messages: []outbox.Queued{queued(&waiting[0])}})
	require.Len(s.t, recorded.Begun, 1)
	require.Equal(s.t, 1, s.reap(other, s.own()).Reaped)
	rec := s.one(waiting[0].ID)
	require.Equal(s.t, "a", rec.Key)
	require.Zero(s.t, rec.Lost)
	require.Zero(s.t, rec.Doubt)
	require.True(s.t, s.inFlight(rec.ID))
	require.Equal(s.t, 1, s.one(s.idOf("b")).Lost)
	require.Equal(s.t, 1, s.reap(s.join("three"), other).Reaped)
	require.Equal(s.t, 1, s.one(rec.ID).Lost)
}

func (s *env[Tx]) reapedFreesShards() {
	a, b := s.join("one"), s.join("two")
	owned := s.beat(outbox.Beat{Session: a, Take: 40}).Owned
	pulse := s.beat(outbox.Beat{Session: b, Dead: s.beats(b, a), Take: 0})
	require.Equal(s.t, outbox.Shards, pulse.Free)
	require.Equal(s.t, []outbox.SessionID{b}, sessionIDs(&pulse))
	pulse = s.beat(outbox.Beat{Session: b, Take: outbox.Shards})
	require.Subset(s.t, pulse.Owned, owned)

	c := s.join("three")
	pulse = s.reap(c, b)
	require.Equal(s.t, everyShard(), pulse.Owned, "it reaps before it takes")
}

func (s *env[Tx]) beatenSince() {
	id := s.add(push("a", "U-1"))
	f := s.begin("a")
	lives, reaper := s.own(), s.join("two")
	dead := s.beats(reaper, lives)
	s.beat(outbox.Beat{Session: lives})
	dead = append(dead, outbox.SessionBeats{ID: 1 << 40, Beats: 1})
	pulse := s.beat(outbox.Beat{Session: reaper, Dead: dead, Take: outbox.Shards})
	require.Zero(s.t, pulse.Reaped)
	require.Empty(s.t, pulse.Owned)
	require.ElementsMatch(s.t, []outbox.SessionID{lives, reaper}, sessionIDs(&pulse))
	require.Zero(s.t, s.one(id).Lost)
	require.Zero(s.t, s.one(id).Doubt)
	s.settled(f.end(0, outbox.StateDelivered))
}

func (s *env[Tx]) reapedOnce() {
	id := s.add(push("a", "U-1"))
	s.begin("a")
	dead := s.own()
	b, c := s.join("two"), s.join("three")
	seen := s.beats(b, dead)
	require.Equal(s.t, 1, s.beat(outbox.Beat{Session: b, Dead: seen}).Reaped)
	require.Zero(s.t, s.beat(outbox.Beat{Session: c, Dead: seen}).Reaped)
	require.Equal(s.t, 1, s.one(id).Lost)
}

func (s *env[Tx]) severalReaped() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	waiting := s.waiting()
	var dead []outbox.SessionBeats
	reaper := s.own()
	for i := range waiting {
		id := s.join("s")
		s.record(outbox.Flight{Session: id, N: 1, Messages: []outbox.Queued{queued(&waiting[i])}})
		dead = append(dead, s.beats(reaper, id)...)
	}
	pulse := s.beat(outbox.Beat{Session: reaper, Dead: dead})
	require.Equal(s.t, 2, pulse.Reaped)
	require.Equal(s.t, []outbox.SessionID{reaper}, sessionIDs(&pulse))
	s.sends("a", "b")
}

func (s *env[Tx]) poison() {
	id, neighbour := s.add(push("a", "U-1")), s.add(push("b", "U-2"))
	for lost := range outbox.PoisonAfter - 1 {
		f := s.begin("a")
		require.Equal(s.t, lost, f.sent[0].Begun.Lost)
		pulse := s.die()
		require.Equal(s.t, 1, pulse.Reaped)
		require.Empty(s.t, pulse.Poisoned)
		require.Equal(s.t, lost+1, s.one(id).Lost)
	}
	s.begin("a", "b")
	pulse := s.die()
	require.Equal(s.t, 1, pulse.Reaped, "the neighbour")
	require.Len(s.t, pulse.Poisoned, 1)
	require.Equal(s.t, id, pulse.Poisoned[0].ID)
	require.Equal(s.t, "a", pulse.Poisoned[0].Key)
	require.Equal(s.t, "elevate", pulse.Poisoned[0].Destination)

	rec := s.one(id)
	require.Equal(s.t, outbox.StateParked, rec.State)
	require.Equal(s.t, outbox.ReasonKillsWorker, rec.Reason)
	require.Equal(s.t, outbox.PoisonAfter, rec.Lost)
	require.Equal(s.t, outbox.DoubtLost, rec.Doubt)
	log := s.attempts(id)
	require.NotEmpty(s.t, log)
	last := log[len(log)-1]
	require.Equal(s.t, outbox.StateParked, last.State)
	require.Equal(s.t, outbox.OutcomeNone, last.Outcome)
	require.Equal(s.t, outbox.ReasonKillsWorker, last.Reason)
	require.Equal(s.t, 1, s.one(neighbour).Lost)
	require.Empty(s.t, s.die().Poisoned)
	s.sends("b")
}

func (s *env[Tx]) settlementResetsLost() {
	id := s.add(push("a", "U-1"))
	s.lose(outbox.SuspectAfter, "a")
	f := s.begin("a")
	s.settled(f.end(0, outbox.StatePending, deferred, delay(0)))
	require.Zero(s.t, s.one(id).Lost)
	f = s.begin("a")
	require.Zero(s.t, f.sent[0].Begun.Lost)
	require.Equal(s.t, outbox.DoubtLost, f.sent[0].Doubt, "what may have arrived may still have arrived")
}

func (s *env[Tx]) sendAgainAfterPoison() {
	id := s.add(push("a", "U-1"))
	s.lose(outbox.PoisonAfter, "a")
	s.requireState(id, outbox.StateParked)
	require.NoError(s.t, s.act(outbox.VerbSendAgain, id))
	f := s.sends("a")
	require.Zero(s.t, f.sent[0].Begun.Lost)
	require.Zero(s.t, f.sent[0].Attempts)
	require.Equal(s.t, outbox.DoubtLost, f.sent[0].Doubt)
}

func (s *env[Tx]) manyReaped() {
	const flights, each = 5, 300
	s.insertMany(flights*each, "k", "elevate")
	waiting := s.waiting()
	for i := range flights {
		f, _ := s.fly(waiting[i*each : (i+1)*each])
		require.Len(s.t, f.sent, each)
	}
	require.Equal(s.t, flights*each, s.die().Reaped)
	require.Len(s.t, s.sendAll().sent, flights*each)
}
