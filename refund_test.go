package amsbridge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestRefundOfWhatWasNeverSentWithdrawsIt(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := order(line("1", "course"), line("2", "other"), line("3", "course-2"))
	s.complete(o)
	require.Equal(t, []string{"withdrawn 1 elevate U-1", "withdrawn 2 notified U-1"}, taken(s.refund(refundOf("R-1", "1", "2"))))
	stored := s.stored()
	require.Equal(t, []string{"withdrawn 1 elevate U-1 (duplicate)", "withdrawn 2 notified U-1 (duplicate)"},
		taken(s.refund(refundOf("R-1", "1", "2"))))
	require.Equal(t, stored, s.stored(), "the same refund twice writes nothing")
	for _, m := range s.complete(o).Messages {
		require.True(t, m.Duplicate)
	}
	require.Equal(t, stored, s.stored(), "nor does the order again")
	require.Empty(t, s.rebuild(o).Messages)
	pending := s.stored(outbox.StatePending)
	require.Len(t, pending, 1)
	require.Equal(t, []string{"3"}, pending[0].Items)

	places := s.places(ada)
	require.Len(t, places, 1, "the member is shown what is left")
	require.Equal(t, []string{"3"}, places[0].LineIDs)
}

// A shop may report an order and its refund in one transaction.
func TestRefundInTheTransactionOfItsOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	tx := s.store.Begin()
	_, err := s.hook.OrderCompleted(t.Context(), tx, order(line("1", "workshop"), line("2", "dinner"), line("3", "course")))
	require.NoError(t, err)
	done, err := s.hook.OrderRefunded(t.Context(), tx, refundOf("R-1", "2", "3"))
	require.NoError(t, err)
	require.Equal(t, []string{"withdrawn 2 notified U-1", "withdrawn 3 elevate U-1", "requeued 1 notified U-1"}, taken(done))
	require.NoError(t, tx.Commit())
	require.Len(t, s.stored(outbox.StatePending), 1)
	s.deliver()
	require.Len(t, s.places(ada), 1)
}

// A push for several lines is cut by making it anew.
func TestRefundOfALineLeavesTheOtherLinesOfItsPush(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := order(line("1", "workshop"), line("2", "dinner"), line("3", "bundle", bob))
	s.complete(o)
	require.Equal(t, []string{"withdrawn 2 notified U-1", "requeued 1 notified U-1"}, taken(s.refund(refundOf("R-1", "2"))))
	require.Equal(t, []string{"withdrawn 2 notified U-1 (duplicate)", "requeued 1 notified U-1 (duplicate)"},
		taken(s.refund(refundOf("R-1", "2"))))
	s.complete(o)
	var rest []outbox.Record
	for _, r := range s.stored(outbox.StatePending) {
		if r.Person == string(ada.ID) {
			rest = append(rest, r)
		}
	}
	require.Len(t, rest, 1)
	require.JSONEq(t, `{"user_id":"U-1","show_key":7,"add_ons":[{"line_id":"1","keys":[9985]}]}`, string(rest[0].Facts))
	require.Contains(t, string(rest[0].Profile), ada.Email)
	require.Equal(t, []string{"withdrawn 1 notified U-1"}, taken(s.refund(refundOf("R-2", "1"))))
	require.Len(t, s.stored(outbox.StatePending), 2, "bob's two")
}

func TestRefundOfARefusedPushParksTheRestAndAsksToLook(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := order(line("1", "workshop"), line("2", "dinner"))
	s.complete(o)
	s.lease()(outbox.StateParked, outbox.OutcomeRejected)
	done := s.refund(refundOf("R-1", "2"))
	require.Equal(t, []string{"withdrawn 2 notified U-1", "task 2 notified U-1", "requeued 1 notified U-1"}, taken(done))
	require.Equal(t, "as told", done.Withdrawn[0].Reason)
	require.Contains(t, done.Tasks[0].Reason, "add-ons 10342, and end it by hand", "not 9985, which line 1 brings")
	parked := s.stored(outbox.StateParked)
	require.Len(t, parked, 2)
	require.Equal(t, "as told", parked[0].Reason)
	s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
		return amsbridge.Product{ID: id, ShowKey: 7, AddOnKeys: []int64{77}}, amsbridge.Offered, nil
	}
	q := s.rebuild(o)
	require.Len(t, q.Messages, 1)
	require.Equal(t, []string{"1"}, q.Messages[0].LineIDs)
	require.Empty(t, q.Parked, "a refund's task is not for rebuilding")
}

// A push in doubt is parked after its refund: rebuilding it leaves the refunded
// line out.
func TestRebuildLeavesRefundedLinesOut(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := order(line("1", "other"), line("2", "course", ada, bob))
	o.Lines = append(o.Lines, amsbridge.Line{ID: "3", ProductID: "other", Quantity: 1})
	s.complete(o)
	end := s.lease()
	s.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", LineIDs: []string{"1", "2"}, Attendees: []amsbridge.UserID{ada.ID}})
	end(outbox.StateParked, outbox.OutcomeRejected)
	s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
		p, answer, err := mapped(id)
		if p.OnElevate() {
			p.RemoteProductID += "-mended"
		} else {
			p.AddOnKeys = []int64{99}
		}
		return p, answer, err
	}
	q := s.rebuild(o)
	require.Len(t, q.Messages, 2)
	require.Equal(t, bob.ID, q.Messages[1].UserID)
	require.Equal(t, []string{"3"}, q.Messages[0].LineIDs)
	require.Len(t, q.Parked, 1, "ada's registration has nothing left to rebuild")
	require.Equal(t, []string{"2"}, q.Parked[0].LineIDs)
}

func TestRefundOfParkedLines(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	long := strings.Repeat("x", 300)
	o := order(line("1", "nowhere"), line(long, "course"), line(long+"y", "course"), amsbridge.Line{ID: "4", ProductID: "course", Quantity: 2, Attendees: []amsbridge.User{bob}})
	require.Len(t, s.complete(o).Parked, 4)
	done := s.refund(refundOf("R-1", "1", long, "4"))
	require.Len(t, done.Withdrawn, 4)
	require.Contains(t, done.Withdrawn[0].Reason, "unknown mapping")
	parked := s.stored(outbox.StateParked)
	require.Len(t, parked, 1, "the other over-long line, which looks the same when cut")
	s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
		if id == "nowhere" {
			return amsbridge.Product{ID: id, RemoteProductID: "C-9"}, amsbridge.Offered, nil
		}
		return mapped(id)
	}
	before := s.stored()
	require.Empty(t, s.rebuild(o).Messages)
	again := s.complete(o)
	require.Len(t, again.Messages, 2)
	require.Len(t, again.Parked, 3)
	require.Equal(t, before, s.stored(), "mended, and yet not brought back")
	require.Len(t, s.refund(refundOf("R-1", "1", long, "4")).Nothing, 1, "the over-long line has no record of its own")
	require.Len(t, s.refund(refundOf("R-2", "1")).Nothing, 1)
	require.Empty(t, s.places(bob))
}

func TestRefundOfWhatWasDoneByHandIsATask(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.complete(order(line("1", "nowhere"), line("2", "course"), line("3", "other"), line("4", "course-2")))
	op, err := outbox.NewOperator(s.store, outbox.OperatorConfig{})
	require.NoError(t, err)
	for i, r := range s.stored() {
		if i < 3 {
			require.NoError(t, op.MarkDone(t.Context(), outbox.Actor{Name: "pat"}, r.ID, "by hand"))
		} else {
			require.NoError(t, op.Discard(t.Context(), outbox.Actor{Name: "pat"}, r.ID, "not wanted"))
		}
	}
	done := s.refund(refundOf("R-1"))
	require.Equal(t, []string{"removal 3 notified U-1", "task 1 unmapped U-1", "task 2 elevate U-1", "nothing 4 elevate U-1"}, taken(done))
	require.Contains(t, done.Tasks[0].Reason, "undo by hand")
	require.Contains(t, done.Nothing[0].Reason, "discarded")
	before := s.stored()
	s.refund(refundOf("R-1"))
	s.refund(refundOf("R-2"))
	require.Equal(t, before, s.stored())
}

func TestRefundOfOneAttendeesPlace(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	bad := eve
	bad.ID = "null"
	o := order(line("1", "course", ada, bob, bad), line("2", "workshop", ada, bob))
	s.complete(o)
	s.deliver()
	r := amsbridge.Refund{ID: "R-1", OrderID: "1001", Attendees: []amsbridge.UserID{bob.ID}}
	done := s.refund(r)
	require.Equal(t, []string{"removal 2 notified U-2", "task 1 elevate U-2", "nothing 1 elevate U-1"}, taken(done))
	require.Contains(t, done.Nothing[0].Reason, "cannot be told")
	require.Len(t, s.places(ada), 3)
	require.Empty(t, s.places(bob))
	o.Lines[0].Attendees[2] = bob // once the third is known, it is he
	require.Empty(t, s.rebuild(o).Messages)
	o.Lines[0].Attendees[2] = eve
	require.Len(t, s.rebuild(o).Messages, 1)
}

func TestRebuildLeavesARefundedAttendeeOut(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := order(line("1", "late", ada, bob))
	require.Len(t, s.complete(o).Parked, 2)
	done := s.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", LineIDs: []string{"1"}, Attendees: []amsbridge.UserID{bob.ID}})
	require.Empty(t, done.Withdrawn)
	require.Len(t, done.Nothing, 2, "whose place is parked cannot be told")
	s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
		return amsbridge.Product{ID: id, RemoteProductID: "C-9"}, amsbridge.Offered, nil
	}
	q := s.rebuild(o)
	require.Len(t, q.Messages, 1)
	require.Equal(t, ada.ID, q.Messages[0].UserID)
	require.Len(t, q.Parked, 1)
}

// What a person has is read to the end, however much it is.
func TestRefundSeesWhatStandsFarBehind(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.complete(order(line("1", "workshop")))
	s.deliver()
	tx := s.store.Begin()
	many := make([]outbox.Message, outbox.MaxMessages)
	for i := range many {
		many[i] = outbox.Message{
			Destination: "mail", Key: fmt.Sprint(i), Kind: "mail", Person: string(ada.ID), Subject: "1002", Version: 1,
			Facts: []byte("a mail"), Born: outbox.StateParked, Reason: "a mail",
		}
	}
	_, err := s.store.InsertTx(t.Context(), tx, many...)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	other := order(line("1", "workshop"))
	other.ID = "1003"
	s.complete(other)
	require.Equal(t, []string{"kept 1 notified U-1"}, taken(s.refund(refundOf("R-1"))))
}

func TestRefundsMistakesNameTheFieldAndWriteNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.complete(order(line("1", "course")))
	before := s.stored()
	tx := s.store.Begin()
	for field, r := range map[string]amsbridge.Refund{
		"Refund.ID":           {OrderID: "1001"},
		"Refund.OrderID":      {ID: "R-1"},
		"Refund.Association":  {ID: "R-1", OrderID: "1001", Association: "a b"},
		"Refund.LineIDs":      {ID: "R-1", OrderID: "1001", LineIDs: make([]string, 10_001)},
		"Refund.LineIDs[1]":   refundOf("R-1", "1", ""),
		"Refund.LineIDs[2]":   refundOf("R-1", "1", "2", "1"),
		"Refund.Attendees":    {ID: "R-1", OrderID: "1001", Attendees: make([]amsbridge.UserID, 10_001)},
		"Refund.Attendees[0]": {ID: "R-1", OrderID: "1001", Attendees: []amsbridge.UserID{" U-1"}},
		"Refund.Attendees[1]": {ID: "R-1", OrderID: "1001", Attendees: []amsbridge.UserID{"U-1", "U-1"}},
	} {
		_, err := s.hook.OrderRefunded(t.Context(), tx, r)
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad, field)
		require.Equal(t, field, bad.Field)
	}
	done, err := s.hook.OrderRefunded(t.Context(), tx, amsbridge.Refund{ID: "R-1", OrderID: "unheard of"})
	require.NoError(t, err)
	require.Equal(t, []string{"nothing"}, taken(done))
	done, err = s.hook.OrderRefunded(t.Context(), tx, refundOf("R-1", "mug"))
	require.NoError(t, err)
	require.Equal(t, []string{"nothing mug"}, taken(done))
	require.NoError(t, tx.Commit())
	require.Equal(t, before, s.stored())
	_, err = s.hook.OrderRefunded(t.Context(), nil, refundOf("R-1"))
	require.ErrorIs(t, err, outbox.ErrNoTransaction)
}

func TestRefundLeavesAnotherAssociationsOrderAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	acme, beta := order(line("1", "workshop"), line("2", "nowhere")), order(line("1", "workshop"), line("2", "nowhere"))
	acme.Association, beta.Association = "acme", "beta"
	s.complete(acme)
	s.complete(beta)
	s.deliver()
	r := refundOf("R-1")
	r.Association = "acme"
	require.Equal(t, []string{"withdrawn 2 unmapped/acme U-1", "removal 1 notified/acme U-1"}, taken(s.refund(r)), "beta's is not the same show")
	require.Len(t, s.places(ada), 2)
	r.Association = "beta"
	require.Equal(t, []string{"withdrawn 2 unmapped/beta U-1", "removal 1 notified/beta U-1"}, taken(s.refund(r)))
}

// What a newer program wrote may bring anything: nothing is taken away.
func TestRefundBesideAMessageOfANewerProgram(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.complete(order(line("1", "workshop")))
	s.deliver()
	newer := s.stored()[0].Message
	newer.Key, newer.Subject, newer.Version, newer.Facts = "newer", "1002", 2, []byte("?")
	newer.Fingerprint = nil
	tx := s.store.Begin()
	_, err := s.store.InsertTx(t.Context(), tx, newer)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	tx = s.store.Begin()
	defer tx.Rollback()
	_, err = s.hook.OrderRefunded(t.Context(), tx, refundOf("R-1"))
	require.ErrorIs(t, err, outbox.ErrNewerVersion)
}
