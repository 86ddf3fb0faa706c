package amsbridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestARefundKeepsWhatAnotherOrderPays(t *testing.T) {
	for name, c := range map[string]struct{ product, unit string }{"Notified": {"gala", "anna 7/1"}, "Elevate": {"course", "anna r1"}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				e.report(order("1001", c.product))
				e.pass(time.Minute)
				down := true
				e.platform.answer = func(string) (bool, error) {
					if down {
						down = false
						return false, &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable, Code: "503"}
					}
					return true, nil
				}
				e.refundLine("R-1", "1001", "1")
				e.report(order("1002", c.product))
				e.pass(time.Hour)
				require.Equal(t, []string{c.unit}, e.platform.everything())
				require.Empty(t, e.queue(), "nothing is parked, and no task asks to cancel what is paid for")
				e.refundLine("R-2", "1002", "1")
				e.pass(time.Hour)
				if c.product == "gala" {
					require.Empty(t, e.platform.everything())
					require.Empty(t, e.queue())
				} else {
					require.Equal(t, []string{"parked take anna product r1"}, e.queue())
				}
			})
		})
	}
}

func TestTwoRefundsLeaveNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.pass(time.Minute)
		e.platform.answer = func(string) (bool, error) { return false, &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable} }
		e.report(order("1002", "gala"))
		e.pass(time.Minute)
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Minute)
		e.refundLine("R-2", "1002", "1")
		e.pass(time.Minute)
		e.platform.answer = nil
		e.pass(24 * time.Hour)
		require.Empty(t, e.platform.everything())
		require.Empty(t, e.queue())
	})
}

func TestARefundDuringAnOutageSendsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.platform.answer = func(string) (bool, error) { return false, &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable} }
		e.report(order("1001", "gala", "course"))
		e.pass(24 * time.Hour)
		e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
		e.pass(48 * time.Hour)
		e.platform.took()
		e.platform.answer = nil
		e.pass(24 * time.Hour)
		require.Empty(t, e.platform.took())
		require.Empty(t, e.queue())
	})
}

func TestATakeWithoutAnAnswerAndItsReversal(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.pass(time.Minute)
		e.platform.answer = func(call string) (bool, error) {
			if call == "take anna 7/1" {
				return true, noAnswer
			}
			return true, nil
		}
		e.refundLine("R-1", "1001", "1")
		e.pass(3 * time.Second)
		require.Empty(t, e.platform.everything())
		require.Equal(t, []string{"1 anna queued"}, did(e.reverse("R-1", order("1001", "gala"))))
		e.pass(24 * time.Hour)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
		require.Empty(t, e.queue())
	})
}

func TestOverlappingAddOns(t *testing.T) {
	for name, both := range map[string]bool{"both refunded": true, "one kept": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				e.report(order("1001", "gala-and-tour"))
				e.pass(time.Minute)
				e.platform.answer = func(string) (bool, error) { return false, &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable} }
				e.report(order("1002", "tour-and-talk"))
				e.pass(time.Minute)
				e.refundLine("R-1", "1001", "1")
				if both {
					e.refundLine("R-2", "1002", "1")
				}
				e.pass(time.Minute)
				e.platform.answer = nil
				e.pass(24 * time.Hour)
				if both {
					require.Empty(t, e.platform.everything())
				} else {
					require.Equal(t, []string{"anna 7/2", "anna 7/3"}, e.platform.everything())
				}
				require.Empty(t, e.queue())
			})
		})
	}
}

func TestARefundTakesEffectOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala", "course"))
		e.pass(time.Minute)
		require.Equal(t, []string{"1 refunded", "1 anna taking back"}, did(e.refundLine("R-1", "1001", "1")))
		e.pass(time.Minute)
		e.platform.took()
		require.Equal(t, []string{"1 refunded"}, did(e.refundLine("R-1", "1001", "1", "2")))
		require.Equal(t, []string{"1 refunded"}, did(e.refundLine("R-2", "1001", "1")))
		e.pass(time.Hour)
		require.Empty(t, e.platform.took())
		require.Equal(t, []string{"anna r1"}, e.platform.everything())
	})
}

func TestADiscardedGiveIsTakenBack(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.platform.answer = func(string) (bool, error) { return true, noAnswer }
		e.report(order("1001", "gala"))
		e.pass(3 * time.Second)
		e.platform.answer = nil
		all, err := e.store.Find(t.Context(), outbox.Query{Subject: "1001"})
		require.NoError(t, err)
		require.NoError(t, e.operator.Discard(t.Context(), staff, all[0].ID, "a mistake"))
		e.pass(time.Minute)
		require.Empty(t, e.platform.everything())
		require.Empty(t, e.queue())
		places, err := e.standing.Of(t.Context(), "", "anna")
		require.NoError(t, err)
		require.Empty(t, places)
	})
}

func TestABuyerIsMailedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "course"))
		e.pass(time.Minute)
		e.report(order("1002", "course", "membership"))
		o := order("1003", "course-2")
		o.Backfill = true
		e.report(o)
		e.pass(time.Minute)
		require.ElementsMatch(t, []string{
			"give anna r1", "give anna r1 quietly", "give anna r1 quietly", "give anna 7/1", "give anna r2 quietly",
		}, e.platform.took())
	})
}

func TestRefundNamesTheBadField(t *testing.T) {
	t.Parallel()
	cases := []struct {
		field string
		r     amsbridge.Refund
	}{
		{"Refund.ID", amsbridge.Refund{OrderID: "1", All: true}},
		{"Refund.Lines", amsbridge.Refund{ID: "R", OrderID: "1"}},
		{"Refund.All", amsbridge.Refund{ID: "R", OrderID: "1", All: true, Lines: []amsbridge.RefundLine{{LineID: "1"}}}},
		{"Refund.Association", amsbridge.Refund{ID: "R", OrderID: "1", Association: "a b", All: true}},
		{"Refund.Lines[0].LineID", amsbridge.Refund{ID: "R", OrderID: "1", Lines: []amsbridge.RefundLine{{}}}},
		{"Refund.Lines[1].LineID", amsbridge.Refund{ID: "R", OrderID: "1", Lines: []amsbridge.RefundLine{{LineID: "1"}, {LineID: "1"}}}},
		{"Refund.Lines[0].Seats", amsbridge.Refund{ID: "R", OrderID: "1", Lines: []amsbridge.RefundLine{{LineID: "1", Seats: -1}}}},
		{"Refund.Lines[0].People[1]", amsbridge.Refund{ID: "R", OrderID: "1", Lines: []amsbridge.RefundLine{{LineID: "1", People: []amsbridge.UserID{"a", "a"}}}}},
		{"Refund.Lines[0].People[0]", amsbridge.Refund{ID: "R", OrderID: "1", Lines: []amsbridge.RefundLine{{LineID: "1", People: []amsbridge.UserID{""}}}}},
	}
	for _, c := range cases {
		t.Run(c.field, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				tx := e.store.Begin()
				defer tx.Rollback()
				_, err := e.hook.OrderRefunded(t.Context(), tx, c.r)
				var bad *amsbridge.InputError
				require.ErrorAs(t, err, &bad)
				require.Equal(t, c.field, bad.Field)
			})
		})
	}
}

// Probes of a platform that was down meet messages which are not sent any more: they do not delay those
// that are.
func TestRefundsDuringAnOutageDoNotDelayTheRest(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.platform.answer = func(string) (bool, error) { return false, &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable} }
		for i := range 60 {
			o := order(fmt.Sprint(1000+i), "gala")
			o.Buyer.ID = amsbridge.UserID(fmt.Sprint("U-", i))
			e.report(o)
		}
		e.pass(3 * time.Hour)
		for i := range 59 {
			e.refund(amsbridge.Refund{ID: "R", OrderID: fmt.Sprint(1000 + i), All: true})
		}
		e.platform.answer = nil
		e.pass(5 * time.Minute)
		require.Equal(t, []string{"U-59 7/1"}, e.platform.everything())
	})
}
