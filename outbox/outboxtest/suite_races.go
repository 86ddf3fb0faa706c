package outboxtest

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func raceClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"of a discarding and a sender at one moment one gets the message", (*env[Tx]).discardBesideSending},
		{"of a settlement and a reaping at one moment one wins, whole", (*env[Tx]).settleBesideReaping},
		{"of two who reap a session at one moment one does", (*env[Tx]).reapBesideReaping},
	}
}

// discardBesideSending is what a plain read of the flights gets wrong: the sender
// records the message between the operator's look and the operator's write.
func (s *env[Tx]) discardBesideSending() {
	const many = 150
	s.insertMany(many, "k", "elevate")
	waiting := s.waiting()
	session := s.own()
	var begun, discarded [many]bool
	require.NoError(s.t, atOnce(2, func(i int) error {
		if i == 0 {
			return s.discardEach(waiting, discarded[:])
		}
		for j := 0; j < many; j += 3 {
			if err := s.sendThree(session, waiting[j:j+3], begun[j:j+3], int64(j+1)); err != nil {
				return err
			}
		}
		return nil
	}))
	for i := range waiting {
		require.False(s.t, begun[i] && discarded[i], "%s was discarded, and sent all the same", waiting[i].Message.Key)
		require.True(s.t, begun[i] || discarded[i], "neither got %s", waiting[i].Message.Key)
		want := outbox.StateDelivered
		if discarded[i] {
			want = outbox.StateDiscarded
		}
		s.requireState(waiting[i].ID, want)
	}
}

func (s *env[Tx]) discardEach(waiting []outbox.Waiting, discarded []bool) error {
	for n := range waiting {
		i := len(waiting) - 1 - n // the two meet halfway
		for {
			var refused *outbox.RefusedError
			err := s.act(outbox.VerbDiscard, waiting[i].ID)
			if errors.Is(err, outbox.ErrInFlight) {
				continue
			}
			if discarded[i] = err == nil; err != nil && !errors.As(err, &refused) {
				return err
			}
			break
		}
	}
	return nil
}

// sendThree sends what may be sent of some messages. What somebody else has
// locked is tried again.
func (s *env[Tx]) sendThree(session outbox.SessionID, waiting []outbox.Waiting, begun []bool, n int64) error {
	for range 1000 {
		f := outbox.Flight{Session: session, N: n}
		for i := range waiting {
			f.Messages = append(f.Messages, queued(&waiting[i]))
		}
		recorded, err := s.Store.Record(s.t.Context(), f)
		if err != nil {
			return err
		}
		settling := outbox.Settling{Session: session, Over: []int64{n}}
		for _, b := range recorded.Begun {
			for i := range waiting {
				if waiting[i].ID == b.ID {
					begun[i] = true
					settling.Batch = append(settling.Batch, delivered(waiting[i].Message))
				}
			}
		}
		for len(settling.Batch) > 0 {
			settled, err := s.Store.Settle(s.t.Context(), settling)
			if err != nil {
				return err
			}
			if len(settled.Acked)+len(settled.Locked) < len(settling.Batch) {
				return fmt.Errorf("of %d that were recorded %d were there to be settled", len(settling.Batch), len(settled.Acked))
			}
			settling.Batch = keepLocked(settling.Batch, settled.Locked)
		}
		left, err := s.Store.Find(s.t.Context(), outbox.Query{IDs: idsOf(waiting), States: []outbox.State{outbox.StatePending}})
		if err != nil || len(left) == 0 {
			return err
		}
	}
	return errors.New("what is pending was not to be had a thousand times")
}

func idsOf(waiting []outbox.Waiting) (ids []outbox.ID) {
	for i := range waiting {
		ids = append(ids, waiting[i].ID)
	}
	return ids
}

func (s *env[Tx]) settleBesideReaping() {
	const rounds, each = 20, 8
	won := 0
	for round := range rounds {
		dead, reaper := s.join("dead"), s.join("reaper")
		s.insertMany(each, fmt.Sprint("r", round, "-"), "elevate")
		s.own()
		waiting := s.read()
		require.Len(s.t, waiting, each)
		f, settling := outbox.Flight{Session: dead, N: 1}, outbox.Settling{Session: dead, Over: []int64{1}}
		for i := range waiting {
			f.Messages = append(f.Messages, queued(&waiting[i]))
			settling.Batch = append(settling.Batch, delivered(waiting[i].Message))
		}
		require.Len(s.t, s.record(f).Begun, each)
		seen := s.beats(reaper, dead)
		var settled outbox.Settled
		var pulse outbox.Pulse
		var late error
		require.NoError(s.t, atOnce(2, func(i int) (err error) {
			if i == round%2 {
				settled, late = s.Store.Settle(s.t.Context(), settling)
				return nil
			}
			pulse, err = s.Store.Beat(s.t.Context(), outbox.Beat{Session: reaper, Dead: seen})
			return err
		}))
		for range 100 { // a session that is just settling something is passed over
			if !slices.Contains(sessionIDs(&pulse), dead) {
				break
			}
			pulse = s.beat(outbox.Beat{Session: reaper, Dead: seen})
		}
		state, lost := outbox.StateDelivered, 0
		if late != nil {
			require.ErrorIs(s.t, late, outbox.ErrNoSession)
			state, lost = outbox.StatePending, 1
		} else {
			require.Len(s.t, settled.Acked, each)
			won++
		}
		require.Equal(s.t, lost*each, pulse.Reaped)
		require.NotContains(s.t, sessionIDs(&pulse), dead)
		for i := range waiting {
			s.requireState(waiting[i].ID, state)
			require.Equal(s.t, lost, s.one(waiting[i].ID).Lost)
		}
		require.NoError(s.t, s.Store.Leave(s.t.Context(), reaper))
		for _, w := range s.read(due) {
			require.NoError(s.t, s.act(outbox.VerbDiscard, w.ID))
		}
	}
	s.t.Logf("the settlement won %d of %d times", won, rounds)
}

func (s *env[Tx]) reapBesideReaping() {
	for round := range 10 {
		id := s.add(push(fmt.Sprint(round), "U-1"))
		s.begin(fmt.Sprint(round))
		dead := s.own()
		reapers := []outbox.SessionID{s.join("one"), s.join("two"), s.join("three")}
		seen := s.beats(reapers[0], dead)
		var reaped, owned atomic.Int64
		require.NoError(s.t, atOnce(len(reapers), func(i int) error {
			pulse, err := s.Store.Beat(s.t.Context(), outbox.Beat{Session: reapers[i], Dead: seen, Take: 20})
			reaped.Add(int64(pulse.Reaped))
			owned.Add(int64(len(pulse.Owned)))
			return err
		}))
		require.EqualValues(s.t, 1, reaped.Load())
		require.LessOrEqual(s.t, owned.Load(), int64(outbox.Shards))
		require.Equal(s.t, 1, s.one(id).Lost)
		for _, reaper := range reapers {
			require.NoError(s.t, s.Store.Leave(s.t.Context(), reaper))
		}
		s.session = 0
		s.deliver(fmt.Sprint(round))
	}
}
