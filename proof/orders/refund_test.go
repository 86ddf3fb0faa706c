package orders

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

var orderIDs = []string{"1001", "1002", "1003"}

// Whatever is bought, refunded, delivered and lost in whatever order, what nobody
// pays for is taken back, and nothing else.
func TestRefundsTakeBackWhatNobodyPaysForAndNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var orders []amsbridge.Order
		for _, id := range orderIDs {
			o := amsbridge.Order{ID: id, Buyer: rapid.SampledFrom([]amsbridge.User{ada, bob}).Draw(t, "buyer")}
			o.Lines = drawLines(t, 4, "course", "course-2", "workshop", "dinner", "other", "bundle", "nowhere")
			orders = append(orders, o)
		}
		e := newRefundEnv(t, orders...)
		settle := func(state outbox.State, outcome outbox.Outcome) func(*rapid.T) {
			return func(t *rapid.T) {
				if len(e.leased) == 0 {
					t.Skip("nothing is under lease")
				}
				// An attempt of unknown outcome may have done its work.
				arrived := outcome == outbox.OutcomeDelivered ||
					outcome == outbox.OutcomeUnknown && rapid.Bool().Draw(t, "arrived")
				e.settle(rapid.IntRange(0, len(e.leased)-1).Draw(t, "lease"), state, outcome, arrived)
			}
		}
		e.buy("1001")
		t.Repeat(map[string]func(*rapid.T){
			"buy":    func(t *rapid.T) { e.buy(rapid.SampledFrom(orderIDs).Draw(t, "order")) },
			"refund": func(t *rapid.T) { e.refund(drawRefund(t, e)) },
			"report again": func(t *rapid.T) {
				if len(e.refunds) == 0 {
					t.Skip("nothing was refunded")
				}
				e.reportAgain(rapid.SampledFrom(e.refunds).Draw(t, "refund"))
			},
			"claim":   func(t *rapid.T) { e.claim(rapid.IntRange(1, 5).Draw(t, "most")) },
			"deliver": settle(outbox.StateDelivered, outbox.OutcomeDelivered),
			"retry":   settle(outbox.StatePending, outbox.OutcomeUnknown),
			"give up": settle(outbox.StateParked, outbox.OutcomeUnknown),
			"reject":  settle(outbox.StateParked, outbox.OutcomeRejected),
			"":        func(*rapid.T) { e.checkTaken() },
		})
		e.finish()
	})
}

func drawRefund(t *rapid.T, e *refundEnv) amsbridge.Refund {
	r := amsbridge.Refund{ID: fmt.Sprintf("R-%d", len(e.refunds)), OrderID: rapid.SampledFrom(orderIDs).Draw(t, "order")}
	for _, l := range e.orders[r.OrderID].Lines {
		if rapid.Bool().Draw(t, "line "+l.ID) {
			r.LineIDs = append(r.LineIDs, l.ID)
		}
	}
	person := rapid.SampledFrom([]amsbridge.UserID{ada.ID, bob.ID})
	r.Attendees = rapid.SliceOfN(person, 0, 1).Draw(t, "attendees")
	return r
}

// A person has one course by two lines, of which one was refused by Elevate and
// the other may have arrived: one task ends the registration, and the refund
// reported again makes no second one.
func TestRefundOfTwoLinesOfOneCourseAsksOnceToEndIt(t *testing.T) {
	t.Parallel()
	e := newRefundEnv(t,
		amsbridge.Order{ID: "1001", Buyer: bob, Lines: []amsbridge.Line{
			{ID: "1", ProductID: "course", Quantity: 1},
		}},
		amsbridge.Order{ID: "1002", Buyer: bob, Lines: []amsbridge.Line{
			{ID: "1", ProductID: "course", Quantity: 1},
			{ID: "2", ProductID: "course", Quantity: 1},
		}},
	)
	e.buy("1001")
	e.drain()
	e.buy("1002")
	e.claim(1)
	e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001"}) // kept, for order 1002 brings the course too
	e.settle(0, outbox.StateParked, outbox.OutcomeRejected, false)
	e.claim(1)
	e.refund(amsbridge.Refund{ID: "R-2", OrderID: "1002"})
	e.settle(0, outbox.StateParked, outbox.OutcomeUnknown, true)
	e.finish()
}
