package amsbridge_test

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// turns plays turns one by one, without a sender.
type turns struct {
	t     *testing.T
	store *outboxtest.Memory
	now   time.Time
	hook  *amsbridge.Hook[*outboxtest.Tx]
	*platform
	to      outbox.Destination
	session outbox.SessionID
	flights int64
	begun   map[outbox.ID]bool // and not settled
}

func newTurns(t *testing.T) *turns {
	t.Helper()
	s := &turns{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), platform: &platform{has: map[string]bool{}}}
	s.store = outboxtest.NewMemory(outboxtest.MemoryConfig{Now: func() time.Time { return s.now }})
	var err error
	s.hook, err = amsbridge.NewHook(s.store, amsbridge.HookConfig{Catalog: catalogue()})
	require.NoError(t, err)
	s.restart()
	return s
}

// restart is another program's destination, which knows nothing of what this one sent. A session that was
// there before is reaped.
func (s *turns) restart() {
	s.t.Helper()
	var err error
	s.to, err = amsbridge.NewDestination(s.store, s.platform, amsbridge.DestinationConfig{})
	require.NoError(s.t, err)
	s.rejoin()
}

// rejoin begins another session of the same program, and reaps the one before.
func (s *turns) rejoin() {
	s.t.Helper()
	id, err := s.store.Join(s.t.Context(), outbox.Joining{By: "turns", Length: time.Minute})
	require.NoError(s.t, err)
	pulse, err := s.store.Beat(s.t.Context(), outbox.Beat{Session: id})
	require.NoError(s.t, err)
	dead := slices.DeleteFunc(pulse.Sessions, func(b outbox.SessionBeats) bool { return b.ID == id })
	pulse, err = s.store.Beat(s.t.Context(), outbox.Beat{Session: id, Take: outbox.Shards, Dead: dead})
	require.NoError(s.t, err)
	require.Len(s.t, pulse.Owned, outbox.Shards)
	s.session, s.begun = id, map[outbox.ID]bool{}
}

func (s *turns) do(call func(tx *outboxtest.Tx) error) {
	s.t.Helper()
	tx := s.store.Begin()
	require.NoError(s.t, call(tx))
	require.NoError(s.t, tx.Commit())
}

func (s *turns) report(id string, products ...string) {
	s.t.Helper()
	s.do(func(tx *outboxtest.Tx) error {
		_, err := s.hook.OrderCompleted(s.t.Context(), tx, order(id, products...))
		return err
	})
}

func (s *turns) refund(id, of string) {
	s.t.Helper()
	s.do(func(tx *outboxtest.Tx) error {
		_, err := s.hook.OrderRefunded(s.t.Context(), tx, amsbridge.Refund{ID: id, OrderID: of, All: true})
		return err
	})
}

// begin records all that is due, in one flight, and returns it in the order of IDs.
func (s *turns) begin() []outbox.Message {
	s.t.Helper()
	f := outbox.Flight{Session: s.session}
	all := map[outbox.ID]outbox.Message{}
	for _, due := range []bool{true, false} {
		read, err := s.store.Read(s.t.Context(), outbox.Reading{Session: s.session, Shards: everyShard(), Due: due, Limit: 100})
		require.NoError(s.t, err)
		for _, w := range read.Messages {
			if !s.begun[w.ID] {
				all[w.ID] = w.Message
				f.Messages = append(f.Messages, outbox.Queued{ID: w.ID, Key: w.Key, Destination: w.Destination})
			}
		}
	}
	slices.SortFunc(f.Messages, func(a, b outbox.Queued) int { return cmp.Compare(a.ID, b.ID) })
	s.flights++
	f.N = s.flights
	recorded, err := s.store.Record(s.t.Context(), f)
	require.NoError(s.t, err)
	var begun []outbox.Message
	for _, b := range recorded.Begun {
		m := all[b.ID]
		m.Attempt, m.Doubt, m.Alone = b.Attempts+1, b.Doubt, b.Alone
		begun = append(begun, m)
		s.begun[m.ID] = true
	}
	return begun
}

func everyShard() (all []int) {
	for n := range outbox.Shards {
		all = append(all, n)
	}
	return all
}

// deliver plays a turn and returns its settlement.
func (s *turns) deliver(m outbox.Message) outbox.Settlement {
	s.t.Helper()
	st, _ := s.delivered(m)
	return st
}

// delivered returns what is to be called when the settlement is acknowledged, too.
func (s *turns) delivered(m outbox.Message) (outbox.Settlement, func()) {
	s.t.Helper()
	res, err := s.to.Deliver(s.t.Context(), m)
	st := outbox.Settlement{
		Message: m, State: outbox.StateDelivered, Outcome: outbox.OutcomeOf(res, err), Seq: res.Seq, Ends: res.Ends,
		Receipt: res.Receipt, Reason: res.Detail, Releases: res.Releases, Then: res.Then,
	}
	switch {
	case err == nil && res.Ended != 0:
		st.State = res.Ended
	case err == nil:
	case st.Outcome == outbox.OutcomeRejected:
		st.State, st.Reason = outbox.StateParked, err.Error()
	default:
		st.State, st.Deferred = outbox.StatePending, st.Outcome == outbox.OutcomeThrottled
	}
	return st, res.Settled
}

// settle records outcomes, and leaves out, as a sender does, ends of what is in flight.
func (s *turns) settle(all ...outbox.Settlement) {
	s.t.Helper()
	for i := range all {
		all[i].Ends = slices.DeleteFunc(all[i].Ends, func(e outbox.End) bool { return s.begun[e.ID] })
	}
	settling := outbox.Settling{Session: s.session, Batch: all}
	for _, st := range all {
		delete(s.begun, st.Message.ID)
	}
	if len(s.begun) == 0 {
		for n := range s.flights {
			settling.Over = append(settling.Over, n+1)
		}
	}
	settled, err := s.store.Settle(s.t.Context(), settling)
	require.NoError(s.t, err)
	require.Len(s.t, settled.Acked, len(all))
}

// drop takes out of flight what was not begun.
func (s *turns) drop() {
	s.t.Helper()
	clear(s.begun)
	s.settle()
}

// play plays the turns of all that is due, each recorded before the next.
func (s *turns) play() {
	s.t.Helper()
	for _, m := range s.begin() {
		s.settle(s.deliver(m))
	}
}

// A sender delivers several messages of a person before it records the first.
func TestATurnKnowsWhatWasNotAcknowledged(t *testing.T) {
	t.Parallel()
	s := newTurns(t)
	s.report("1001", "gala")
	s.refund("R-1", "1001")
	s.report("1002", "gala")
	s.refund("R-2", "1002")
	s.report("1003", "course")
	s.report("1004", "course")
	s.refund("R-3", "1003")
	s.refund("R-4", "1004")
	all := s.begin()
	require.Len(t, all, 8)
	var settled []outbox.Settlement
	for _, m := range all {
		settled = append(settled, s.deliver(m))
	}
	require.Empty(t, s.took(), "every seat was given back before its turn")
	s.settle(settled...)
	require.Empty(t, s.everything())

	s.report("1005", "course")
	s.report("1006", "gala")
	all = s.begin()
	require.Len(t, all, 2)
	given := []outbox.Settlement{s.deliver(all[0]), s.deliver(all[1])}
	s.settle(given...)
	require.Len(t, s.took(), 2)
	s.report("1007", "course")
	s.refund("R-5", "1005")
	s.refund("R-7", "1007")
	all = s.begin()
	settled = nil
	for _, m := range all {
		settled = append(settled, s.deliver(m))
	}
	s.settle(settled...)
	parked, err := s.store.Find(t.Context(), outbox.Query{States: []outbox.State{outbox.StateParked}})
	require.NoError(t, err)
	require.Len(t, parked, 1, "one task, though neither take knew the other's record")
}

// What a sender that died had sent may be there: nobody knows until it is sent again.
func TestATakeMindsWhatALostSessionMayHaveBrought(t *testing.T) {
	t.Parallel()
	s := newTurns(t)
	s.report("1001", "gala")
	all := s.begin()
	s.deliver(all[0]) // and dies
	require.Equal(t, []string{"anna 7/1"}, s.everything())
	s.restart()
	s.refund("R-1", "1001")
	for range 3 {
		s.play()
	}
	require.Empty(t, s.everything())
	require.Equal(t, []string{"give anna 7/1", "take anna 7/1"}, s.took())
	pending, err := s.store.Find(t.Context(), outbox.Query{States: []outbox.State{outbox.StatePending, outbox.StateParked}})
	require.NoError(t, err)
	require.Empty(t, pending)
}

// A take that got no answer is followed by a purchase of the same: whatever became of the take, what is
// paid for is there in the end.
func TestATakeInDoubtGivesAgainWhatIsOwedByNow(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"it took effect at once": false, "it takes effect late": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTurns(t)
			s.report("1001", "gala-and-tour")
			all := s.begin()
			s.settle(s.deliver(all[0]))
			s.refund("R-1", "1001")
			s.answer = func(string) (bool, error) { return !late, noAnswer }
			all = s.begin()
			s.settle(s.deliver(all[0]))
			s.answer = nil
			s.report("1002", "gala")
			all = s.begin()
			for _, m := range all {
				if m.Subject == "1002" {
					s.settle(s.deliver(m))
				}
			}
			s.drop()
			if late {
				delete(s.has, "anna 7/1")
				delete(s.has, "anna 7/2")
			}
			for range 3 {
				s.play()
			}
			require.Equal(t, []string{"anna 7/1"}, s.everything())
			calls := s.took()
			require.Equal(t, []string{"give anna 7/1 quietly", "take anna 7/2 quietly"}, calls[len(calls)-2:])
			require.Empty(t, s.seen[len(s.seen)-1].FirstName, "by the add-ons alone")
		})
	}
}

func TestATakeWaitsForAPersonWhereARecordCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newTurns(t)
	s.report("1001", "gala")
	all := s.begin()
	s.settle(s.deliver(all[0]))
	odd := all[0]
	odd.Key, odd.Subject, odd.Facts = "odd", "1002", []byte("{")
	s.do(func(tx *outboxtest.Tx) error {
		_, err := s.store.InsertTx(t.Context(), tx, odd)
		return err
	})
	s.refund("R-1", "1001")
	all = s.begin()
	res, err := s.to.Deliver(t.Context(), all[len(all)-1])
	require.Equal(t, outbox.OutcomeRejected, outbox.OutcomeOf(res, err))
	require.Equal(t, []string{"anna 7/1"}, s.everything(), "it may be another purchase of the same")
	newer := odd
	newer.Key, newer.Version = "newer", 99
	s.do(func(tx *outboxtest.Tx) error {
		_, err := s.store.InsertTx(t.Context(), tx, newer)
		return err
	})
	_, err = s.to.Deliver(t.Context(), all[len(all)-1])
	require.ErrorIs(t, err, outbox.ErrNewerVersion)
}

// A store that does not answer keeps everything back, and says so.
func TestATurnNeedsItsLookUp(t *testing.T) {
	t.Parallel()
	s := newTurns(t)
	s.report("1001", "gala")
	s.report("1002", "gala")
	all := s.begin()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.to.Deliver(ctx, all[0])
	require.ErrorIs(t, err, outbox.ErrNotBegun)
	require.Empty(t, s.took())
}

// An operator discards what a sender may have delivered before it died.
func TestADiscardedGiveMayHaveArrived(t *testing.T) {
	t.Parallel()
	s := newTurns(t)
	s.report("1001", "gala")
	all := s.begin()
	s.deliver(all[0]) // and dies
	s.restart()
	operator, err := outbox.NewOperator(s.store, outbox.OperatorConfig{})
	require.NoError(t, err)
	require.NoError(t, operator.Discard(t.Context(), staff, all[0].ID, "so"))
	all = s.begin()
	require.Len(t, all, 1)
	require.Equal(t, amsbridge.KindEnded, all[0].Kind)
	s.settle(s.deliver(all[0]))
	require.Empty(t, s.everything())
}
