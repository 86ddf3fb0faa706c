package amsbridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestAReversalGivesNothingToTheErased(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		e.report(o)
		e.pass(time.Minute)
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Minute)
		_, err := e.operator.Erase(t.Context(), staff, "", "anna", "request 17")
		require.NoError(t, err)
		e.platform.took()
		r := e.reverse("R-1", o)
		t.Log(did(r))
		e.pass(time.Hour)
		require.Empty(t, e.platform.took(), "an erased person is given nothing")
	})
}

func TestAReversalGivesWhatTheExchangeBrought(t *testing.T) {
	for name, change := range map[string]func(o *amsbridge.Order){
		"stale":       func(o *amsbridge.Order) { o.Version = 1 },
		"not named":   func(o *amsbridge.Order) { o.Lines[0].Quantity = 2 }, // its line has open seats by now
		"line absent": func(o *amsbridge.Order) { o.Lines = nil },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				o := order("1001", "gala")
				o.Version = 1
				e.report(o)
				e.pass(time.Minute)
				o = order("1001", "workshop")
				o.Version = 2
				e.report(o)
				e.pass(time.Minute)
				require.Equal(t, []string{"anna 7/9"}, e.platform.everything())
				e.refundLine("R-1", "1001", "1")
				e.pass(time.Minute)
				require.Empty(t, e.platform.everything())
				o.Version = 3
				change(&o)
				t.Log(did(e.reverse("R-1", o)))
				e.pass(time.Minute)
				require.Equal(t, []string{"anna 7/9"}, e.platform.everything())
			})
		})
	}
}

func TestAStaleReversalOfAGrantThatWaitsForItsProfile(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "course")
		o.Version, o.Buyer.Email = 5, "anna@"
		e.report(o)
		require.Len(t, e.tasks(), 1)
		e.refundLine("R-1", "1001", "1")
		o.Version = 4
		r := e.reverse("R-1", o)
		e.pass(time.Minute)
		t.Log(r.Entries, e.tasks(), e.platform.everything())
		require.True(t, len(e.tasks()) > 0 || len(e.platform.everything()) > 0, "it is owed")
	})
}

func TestAStaleReversalAfterAnExchangeWhileRefunded(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Version = 1
		e.report(o)
		e.pass(time.Minute)
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Minute)
		w := order("1001", "workshop")
		w.Version = 2
		e.report(w)
		r := e.reverse("R-1", o) // version 1 again
		require.True(t, r.Stale)
		e.pass(time.Minute)
		require.NotContains(t, e.platform.everything(), "anna 7/1", "the line is for the workshop by now")
	})
}

// Anna's workshop was refunded, and Berta named at the reversal. Later Anna comes back on another product.
func TestAReversalDoesNotGiveWhatAnEarlierRefundTook(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		at := func(version int64, product string, who amsbridge.User) amsbridge.Order {
			o := order("1001", product)
			o.Version, o.Lines[0].Attendees = version, []amsbridge.User{who}
			return o
		}
		e.report(at(1, "workshop", anna()))
		e.pass(time.Minute)
		e.refundLine("R-1", "1001", "1")
		e.reverse("R-1", at(2, "workshop", berta()))
		e.pass(time.Minute)
		require.Equal(t, []string{"berta 7/9"}, e.platform.everything())
		e.refundLine("R-2", "1001", "1")
		t.Log(did(e.reverse("R-2", at(3, "gala", anna()))))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
	})
}

func TestRefundAndReversalBeforeTheirTime(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
		require.Equal(t, []string{"1 refunded"}, did(e.report(order("1001", "gala"))))
		e.pass(time.Minute)
		require.Empty(t, e.platform.everything())
		require.Equal(t, []string{"1 refunded", "2 anna queued"}, did(e.report(order("1001", "gala", "workshop"))))
		e.reverse("R-1", order("1001", "gala", "workshop"))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1", "anna 7/9"}, e.platform.everything())

		e.reverse("R-2", order("1002", "course"))
		require.Equal(t, []string{"refunded"}, did(e.refundLine("R-2", "1002", "1")))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1", "anna 7/9", "anna r1"}, e.platform.everything())
	})
}

func TestAReversalGivesAgainEvenOverTheQuantity(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Version = 1
		e.report(o)
		e.pass(time.Minute)
		e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1", People: []amsbridge.UserID{"anna"}}}})
		o.Version, o.Lines[0].Quantity, o.Lines[0].Attendees = 2, 2, []amsbridge.User{berta()}
		e.report(o)
		e.pass(time.Minute)
		require.Equal(t, []string{"berta 7/1"}, e.platform.everything())
		o.Version, o.Lines[0].Quantity = 3, 1
		e.report(o)
		r := e.reverse("R-1", o)
		require.NotEmpty(t, r.NeedsStaff())
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1", "berta 7/1"}, e.platform.everything())
	})
}

func TestALateReversalStillGivesAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Version = 5
		e.report(o)
		e.pass(time.Minute)
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Minute)
		o.Version = 4
		require.True(t, e.reverse("R-1", o).Stale)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
	})
}

func TestAReversalBeforeTheTakesTurnSendsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "course")
		e.report(o)
		e.pass(time.Minute)
		e.platform.took()
		require.NoError(t, e.operator.Pause(t.Context(), staff, "elevate", "maintenance"))
		e.refundLine("R-1", "1001", "1")
		e.reverse("R-1", o)
		require.NoError(t, e.operator.Resume(t.Context(), staff, "elevate", "done"))
		e.pass(time.Hour)
		require.Empty(t, e.platform.took())
		require.Empty(t, e.queue())
		places, err := e.standing.Of(t.Context(), "", "anna")
		require.NoError(t, err)
		require.Len(t, places, 1)
		require.Equal(t, amsbridge.PlaceDelivered, places[0].State)
	})
}

func TestAReversalOpensTheSeatsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala", "course")
		o.Lines[0].Quantity, o.Lines[0].Attendees = 2, []amsbridge.User{anna()}
		e.report(o)
		require.Len(t, e.tasks(), 1)
		e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
		require.Empty(t, e.tasks())
		o.Lines = o.Lines[1:]
		e.report(o)
		e.reverse("R-1", o)
		require.Equal(t, []string{"1001: line 1: 1 of 2 seats have no person"}, e.tasks())
	})
}
