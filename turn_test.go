package amsbridge_test

import (
	"context"
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
	to outbox.Destination
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

// restart is another program's destination, which knows nothing of what this one sent.
func (s *turns) restart() {
	var err error
	s.to, err = amsbridge.NewDestination(s.store, s.platform, amsbridge.DestinationConfig{})
	require.NoError(s.t, err)
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

// claim leases what is due for a minute.
func (s *turns) claim() (outbox.Token, []outbox.Message) {
	s.t.Helper()
	token := outbox.NewToken()
	c, err := s.store.Claim(s.t.Context(), outbox.ClaimRequest{Token: token, Lease: time.Minute, Limit: 100, DestinationLimit: 100, KeyLimit: 100})
	require.NoError(s.t, err)
	var all []outbox.Message
	for _, l := range c.Leased {
		all = append(all, l.Message)
	}
	return token, all
}

// deliver plays a turn and returns its settlement.
func (s *turns) deliver(token outbox.Token, m outbox.Message) outbox.Settlement {
	s.t.Helper()
	res, err := s.to.Deliver(s.t.Context(), m)
	st := outbox.Settlement{
		Message: m, Token: token, State: outbox.StateDelivered, Outcome: outbox.OutcomeOf(res, err), Seq: res.Seq, Ends: res.Ends,
		Receipt: res.Receipt, Reason: res.Detail, Releases: res.Releases, Then: res.Then,
	}
	switch {
	case err == nil && res.Ended != 0:
		st.State = res.Ended
	case err == nil:
	case st.Outcome == outbox.OutcomeRejected:
		st.State, st.Reason = outbox.StateParked, err.Error()
	default:
		st.State = outbox.StatePending
	}
	return st
}

func (s *turns) settle(all ...outbox.Settlement) {
	s.t.Helper()
	acked, err := s.store.Settle(s.t.Context(), all)
	require.NoError(s.t, err)
	require.Len(s.t, acked, len(all))
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
	token, all := s.claim()
	require.Len(t, all, 8)
	var settled []outbox.Settlement
	for _, m := range all {
		settled = append(settled, s.deliver(token, m))
	}
	require.Empty(t, s.took(), "every seat was given back before its turn")
	s.settle(settled...)
	require.Empty(t, s.everything())

	s.report("1005", "course")
	s.report("1006", "gala")
	token, all = s.claim()
	require.Len(t, all, 2)
	given := []outbox.Settlement{s.deliver(token, all[0]), s.deliver(token, all[1])}
	s.settle(given...)
	require.Len(t, s.took(), 2)
	s.report("1007", "course")
	s.refund("R-5", "1005")
	s.refund("R-7", "1007")
	token, all = s.claim()
	settled = nil
	for _, m := range all {
		settled = append(settled, s.deliver(token, m))
	}
	s.settle(settled...)
	parked, err := s.store.Find(t.Context(), outbox.Query{States: []outbox.State{outbox.StateParked}})
	require.NoError(t, err)
	require.Len(t, parked, 1, "one task, though neither take knew the other's record")
}

// What a sender that died had sent may be there: nobody knows until it is sent again.
func TestATakeMindsWhatALostLeaseMayHaveBrought(t *testing.T) {
	t.Parallel()
	s := newTurns(t)
	s.report("1001", "gala")
	token, all := s.claim()
	s.deliver(token, all[0]) // and dies
	require.Equal(t, []string{"anna 7/1"}, s.everything())
	s.restart()
	s.refund("R-1", "1001")
	s.now = s.now.Add(2 * time.Minute)
	for range 3 {
		token, all = s.claim()
		for _, m := range all {
			s.settle(s.deliver(token, m))
		}
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
			token, all := s.claim()
			s.settle(s.deliver(token, all[0]))
			s.refund("R-1", "1001")
			s.answer = func(string) (bool, error) { return !late, noAnswer }
			token, all = s.claim()
			s.settle(s.deliver(token, all[0]))
			s.answer = nil
			s.report("1002", "gala")
			token, all = s.claim()
			for _, m := range all {
				if m.Subject == "1002" {
					s.settle(s.deliver(token, m))
				}
			}
			if late {
				delete(s.has, "anna 7/1")
				delete(s.has, "anna 7/2")
			}
			s.now = s.now.Add(2 * time.Minute)
			for range 3 {
				token, all = s.claim()
				for _, m := range all {
					s.settle(s.deliver(token, m))
				}
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
	token, all := s.claim()
	s.settle(s.deliver(token, all[0]))
	odd := all[0]
	odd.Key, odd.Subject, odd.Facts = "odd", "1002", []byte("{")
	s.do(func(tx *outboxtest.Tx) error {
		_, err := s.store.InsertTx(t.Context(), tx, odd)
		return err
	})
	s.refund("R-1", "1001")
	_, all = s.claim()
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
	_, all := s.claim()
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
	token, all := s.claim()
	s.deliver(token, all[0]) // and dies
	s.restart()
	s.now = s.now.Add(2 * time.Minute)
	operator, err := outbox.NewOperator(s.store, outbox.OperatorConfig{})
	require.NoError(t, err)
	require.NoError(t, operator.Discard(t.Context(), staff, all[0].ID, "so"))
	token, all = s.claim()
	require.Len(t, all, 1)
	require.Equal(t, amsbridge.KindEnded, all[0].Kind)
	s.settle(s.deliver(token, all[0]))
	require.Empty(t, s.everything())
}
