package amsbridge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestRefundOfWhatWasDeliveredRemovesWhatNoOtherLineBrings(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := order(line("1", "workshop"), line("2", "dinner"), line("3", "course"))
	s.complete(o)
	s.deliver()
	done := s.refund(refundOf("R-1", "2"))
	require.Equal(t, []string{"removal 2 notified U-1", "kept 2 notified U-1"}, taken(done))
	require.Contains(t, done.Kept[0].Reason, "add-ons 9985")
	pending := s.stored(outbox.StatePending)
	require.Len(t, pending, 1)
	a, err := amsbridge.DecodeRemoveAddOns(pending[0].Message)
	require.NoError(t, err)
	require.Equal(t, []int64{10342}, a.Keys())
	require.Equal(t, []string{"2"}, pending[0].Items)
	require.Equal(t, done.Kept[0].Key, pending[0].After)

	places := s.places(ada)
	require.Len(t, places, 2)
	require.Equal(t, []string{"1"}, places[0].LineIDs)
	require.Equal(t, []int64{9985}, places[0].AddOnKeys)

	s.deliver()
	last := s.refund(refundOf("R-2"))
	require.Equal(t, []string{"removal 1 notified U-1", "task 3 elevate U-1", "nothing 2 notified U-1"}, taken(last))
	require.Contains(t, last.Tasks[0].Reason, "refund R-2: cancel the registration for product C-1 in Elevate by hand")
	require.Empty(t, s.places(ada))
	stored := s.stored()
	require.Equal(t, []string{"removal 1 notified U-1 (duplicate)", "task 3 elevate U-1 (duplicate)", "nothing 2 notified U-1"},
		taken(s.refund(refundOf("R-2"))))
	require.Equal(t, []string{"nothing 1 notified U-1"}, taken(s.refund(refundOf("R-3", "1"))))
	require.Equal(t, stored, s.stored())
}

// The complaint: two orders for one course, and cancelling one revokes both.
func TestRefundOfOneOfTwoOrdersForTheSame(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := order(line("1", "course"), line("2", "workshop"))
	s.complete(o)
	other := o
	other.ID = "1002"
	s.complete(other)
	s.deliver()
	require.Equal(t, []string{"kept 1 elevate U-1", "kept 2 notified U-1"}, taken(s.refund(refundOf("R-1"))))
	require.Len(t, s.places(ada), 2)
	second := amsbridge.Refund{ID: "R-2", OrderID: "1002"}
	require.Equal(t, []string{"removal 2 notified U-1", "task 1 elevate U-1"}, taken(s.refund(second)))
	before := len(s.all(ada))
	require.Equal(t, []string{"nothing 1 elevate U-1", "nothing 2 notified U-1"}, taken(s.refund(refundOf("R-1"))),
		"the other refund took it back for both")
	require.Len(t, s.all(ada), before)
	third := o
	third.ID = "1003"
	s.complete(third)
	s.refund(refundOf("R-1"))
	s.refund(second)
	require.Len(t, s.places(ada), 2, "bought again")
	require.Len(t, s.all(ada), before+2)
}

// What was kept at one refund, because of another order, goes with that order:
// also when that one's push was never sent, or the first still has no answer and
// could bring back what this refund removes.
func TestRefundTakesBackWhatAnEarlierOneKept(t *testing.T) {
	t.Parallel()
	second := amsbridge.Refund{ID: "R-2", OrderID: "1002"}
	lines := []amsbridge.Line{line("1", "workshop"), line("2", "course")}
	other := order(lines...)
	other.ID = "1002"
	for name, c := range map[string]struct {
		before func(s *shop) // the first order is stored, and no more
		want   []string
	}{
		"never sent beside delivered": {func(s *shop) {
			s.deliver()
			s.complete(other)
		}, []string{"withdrawn 1 notified U-1", "withdrawn 2 elevate U-1", "removal 1 notified U-1", "task 2 elevate U-1"}},
		"never sent beside one in doubt": {func(s *shop) {
			s.lease()(outbox.StatePending, outbox.OutcomeUnknown)
			s.complete(other)
		}, []string{"withdrawn 1 notified U-1", "withdrawn 2 elevate U-1", "removal 1 notified U-1", "task 2 elevate U-1"}},
		"both delivered": {func(s *shop) {
			s.complete(other)
			s.deliver()
		}, []string{"removal 1 notified U-1", "task 2 elevate U-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.complete(order(lines...))
			c.before(s)
			require.Equal(t, []string{"kept 1 notified U-1", "kept 2 elevate U-1"}, taken(s.refund(refundOf("R-1"))))
			require.Equal(t, c.want, taken(s.refund(second)))
			before := s.all(ada)
			s.refund(refundOf("R-1"))
			s.refund(second)
			require.Equal(t, before, s.all(ada), "nothing is taken back twice")
		})
	}
	t.Run("delivered beside one under way", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.complete(other)
		s.deliver()
		s.complete(order(lines...))
		end := s.lease()
		s.refund(refundOf("R-1"))
		done := s.refund(second)
		require.Equal(t, []string{"removal 1 notified U-1", "task 2 elevate U-1"}, taken(done))
		removal, err := s.store.Find(t.Context(), outbox.Query{IDs: []outbox.ID{done.Removals[0].ID}})
		require.NoError(t, err)
		require.Equal(t, s.stored()[0].Key, removal[0].After, "it waits for what may still arrive")
		end(outbox.StateDelivered, outbox.OutcomeDelivered)
		s.deliver()
		before := s.all(ada)
		s.refund(refundOf("R-1"))
		s.refund(second)
		require.Equal(t, before, s.all(ada))
	})
}

// Two pushes of one order for one show share an add-on: the removal that waits
// for the later one serves for both.
func TestRefundRemovesOnceWhatTwoPushesOfItsOrderBrought(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
		if id == "gala" {
			return amsbridge.Product{ID: id, ShowKey: 7, ShowPackageKey: 70, AddOnKeys: []int64{9985, 5}}, amsbridge.Offered, nil
		}
		return mapped(id)
	}
	s.complete(order(line("1", "dinner"), line("2", "gala")))
	s.lease()(outbox.StateDelivered, outbox.OutcomeDelivered)
	end := s.lease()
	done := s.refund(refundOf("R-1"))
	end(outbox.StateDelivered, outbox.OutcomeDelivered)
	got := map[string][]int64{}
	for _, r := range s.stored(outbox.StatePending) {
		a, err := amsbridge.DecodeRemoveAddOns(r.Message)
		require.NoError(t, err)
		got[r.After] = a.Keys()
	}
	require.Len(t, done.Removals, 2)
	adding := s.stored()
	require.Equal(t, map[string][]int64{adding[1].Key: {5, 9985}, adding[0].Key: {10342}}, got)
}

// Two lines register one person for one product, and neither has an answer: the
// task is for both.
func TestRefundAsksOnceToCancelWhatTwoLinesRegistered(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.complete(order(line("1", "course"), line("2", "course")))
	for range 2 {
		s.lease()(outbox.StateParked, outbox.OutcomeUnknown)
	}
	require.Equal(t, []string{"kept 1 elevate U-1"}, taken(s.refund(refundOf("R-1", "1"))))
	require.Equal(t, []string{"task 2 elevate U-1"}, taken(s.refund(refundOf("R-2", "2"))))
	op, err := outbox.NewOperator(s.store, outbox.OperatorConfig{})
	require.NoError(t, err)
	for _, r := range s.stored(outbox.StateParked)[:2] {
		require.NoError(t, op.SendAgain(t.Context(), outbox.Actor{Name: "pat"}, r.ID, "a look"))
	}
	s.deliver()
	before := s.stored()
	require.Equal(t, []string{"nothing 1 elevate U-1"}, taken(s.refund(refundOf("R-1", "1"))))
	require.Equal(t, []string{"task 2 elevate U-1 (duplicate)"}, taken(s.refund(refundOf("R-2", "2"))))
	require.Equal(t, before, s.stored())
}

func TestRemovalWaitsForItsAdding(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.complete(order(line("1", "workshop"), line("2", "course")))
	end := s.lease()
	done := s.refund(refundOf("R-1"))
	require.Equal(t, []string{"removal 1 notified U-1", "task 2 elevate U-1"}, taken(done))
	require.Contains(t, done.Tasks[0].Reason, "may still arrive")
	require.Contains(t, string(s.stored(outbox.StatePending)[2].Profile), ada.Email, "for a look-up by e-mail, while it is known")
	end(outbox.StateParked, outbox.OutcomeRejected)
	removal := func() outbox.Record {
		found, err := s.store.Find(t.Context(), outbox.Query{IDs: []outbox.ID{done.Removals[0].ID}})
		require.NoError(t, err)
		return found[0]
	}
	require.Equal(t, outbox.StateParked, removal().State)
	require.Equal(t, outbox.ReasonWaitsFor+removal().After, removal().Reason)
	op, err := outbox.NewOperator(s.store, outbox.OperatorConfig{})
	require.NoError(t, err)
	adding := s.stored()[0]
	require.Equal(t, removal().After, adding.Key)
	require.NoError(t, op.Discard(t.Context(), outbox.Actor{Name: "pat"}, adding.ID, "refunded"))
	require.Equal(t, outbox.StatePending, removal().State)
}

func TestRefundOfARegistrationForAShow(t *testing.T) {
	t.Parallel()
	tickets := map[string]amsbridge.Product{
		"ticket": {ID: "ticket", ShowKey: 7, ShowPackageKey: 70},
		"gala":   {ID: "gala", ShowKey: 7, ShowPackageKey: 70, AddOnKeys: []int64{5}},
	}
	for name, c := range map[string]struct {
		lines  []amsbridge.Line
		refund []string
		want   []string
	}{
		"alone":             {[]amsbridge.Line{line("1", "ticket")}, nil, []string{"task 1 notified U-1"}},
		"beside an add-on":  {[]amsbridge.Line{line("1", "ticket"), line("2", "gala")}, []string{"1"}, []string{"kept 1 notified U-1"}},
		"with its add-on":   {[]amsbridge.Line{line("1", "ticket"), line("2", "gala")}, nil, []string{"removal 2 notified U-1", "task 1 notified U-1"}},
		"an add-on alone":   {[]amsbridge.Line{line("1", "gala")}, nil, []string{"removal 1 notified U-1"}},
		"add-on of another": {[]amsbridge.Line{line("1", "ticket"), line("2", "workshop")}, []string{"1"}, []string{"kept 1 notified U-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
				if p, ok := tickets[id]; ok {
					return p, amsbridge.Offered, nil
				}
				return mapped(id)
			}
			s.complete(order(c.lines...))
			s.deliver()
			done := s.refund(refundOf("R-1", c.refund...))
			require.Equal(t, c.want, taken(done))
			for _, task := range done.Tasks {
				require.Contains(t, task.Reason, "the registration for show 7 stays")
			}
			before := s.stored()
			s.refund(refundOf("R-1", c.refund...))
			require.Equal(t, before, s.stored())
		})
	}
}
