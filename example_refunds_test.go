package amsbridge_test

import (
	"context"
	"fmt"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// A refund gives whole lines back. What another order of the person brings too stays theirs.
func ExampleHook_OrderRefunded() {
	shop := newExampleShop()
	shop.report(amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala-and-tour", Quantity: 1}},
	})
	shop.report(amsbridge.Order{
		ID: "1002", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "tour-and-talk", Quantity: 1}},
	})
	shop.deliver()

	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1"}}})
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1, 2
	// line 1, anna: queued, show 7: add-ons 2, 3
	// delivered: anna 7/1, anna 7/2, anna 7/3
	// line 1: refunded
	// line 1, anna: taking back, show 7: add-ons 1, 2
	// delivered: anna 7/2, anna 7/3
}

// What was never sent is not sent any more, and nobody is mailed about it.
func ExampleHook_OrderRefunded_beforeItWasSent() {
	shop := newExampleShop()
	shop.report(amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	})
	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
	shop.deliver()
	fmt.Println("calls:", len(shop.platform.took()))
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1: refunded
	// line 1, anna: taking back, show 7: add-ons 1
	// nobody has anything
	// calls: 0
}

// People give their seats on a line back. The quantity stays as it was bought.
func ExampleHook_OrderRefunded_people() {
	shop := newExampleShop()
	order := amsbridge.Order{ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{
		{ID: "1", ProductID: "gala", Quantity: 2, Attendees: []amsbridge.User{anna(), berta()}},
	}}
	shop.report(order)
	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{
		{LineID: "1", People: []amsbridge.UserID{"berta"}},
	}})
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1, berta: queued, show 7: add-ons 1
	// line 1: refunded
	// line 1, berta: taking back, show 7: add-ons 1
	// line 1, berta: refunded
	// line 1, anna: unchanged, show 7: add-ons 1
	// delivered: anna 7/1
}

// A number of seats takes the open ones first. Whose the rest is, staff say by a refund that names people.
func ExampleHook_OrderRefunded_seats() {
	shop := newExampleShop()
	shop.report(amsbridge.Order{ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{
		{ID: "1", ProductID: "gala", Quantity: 3, Attendees: []amsbridge.User{anna(), berta()}},
	}})
	shop.refund(amsbridge.Refund{
		ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1", Seats: 2}},
	})
	shop.deliver()
	shop.todo()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1, berta: queued, show 7: add-ons 1
	// line 1: needs staff: line 1: 1 of 3 seats have no person
	// line 1: refunded
	// line 1: needs staff: refund R-1 gives 1 seats of line 1 back that people hold: say whose, by a refund that names them
	// delivered: anna 7/1, berta 7/1
	// task of order 1001: refund R-1 gives 1 seats of line 1 back that people hold: say whose, by a refund that names them
}

// A refund before its order is kept, and counts when the order is reported.
func ExampleHook_OrderRefunded_beforeItsOrder() {
	shop := newExampleShop()
	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
	shop.report(amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	})
	shop.deliver()
	// Output:
	// the order: refunded: the order was not reported yet: it counts when it is
	// line 1: refunded
	// nobody has anything
}

// One refund takes effect once, whatever its repeats say.
func ExampleHook_OrderRefunded_twice() {
	shop := newExampleShop()
	shop.report(amsbridge.Order{ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{
		{ID: "1", ProductID: "gala", Quantity: 1}, {ID: "2", ProductID: "course", Quantity: 1},
	}})
	refund := amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1"}}}
	shop.refund(refund)
	refund.Lines[0].LineID = "2"
	shop.refund(refund)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 2, anna: queued, product r1
	// line 1: refunded
	// line 1, anna: taking back, show 7: add-ons 1
	// line 1: refunded: this refund was reported before
	// delivered: anna r1
}

// Neither lines nor All is an error: for an amount of money without lines, call nothing.
func ExampleHook_OrderRefunded_amountAlone() {
	shop := newExampleShop()
	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001"})
	// Output:
	// amsbridge: Refund.Lines are empty, and All is not set: for an amount without lines, call nothing
}

// What no call of a platform takes back is a parked message that says what to do. It ends by itself when
// the person buys the same again, and otherwise when staff mark it done.
func ExampleHook_OrderRefunded_byHand() {
	shop := newExampleShop()
	shop.report(amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "course", Quantity: 1}},
	})
	shop.deliver()
	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
	shop.deliver()
	shop.todo()
	shop.report(amsbridge.Order{
		ID: "1002", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "course", Quantity: 1}},
	})
	shop.deliver()
	shop.todo()
	// Output:
	// line 1, anna: queued, product r1
	// delivered: anna r1
	// line 1: refunded
	// line 1, anna: taking back, product r1
	// delivered: anna r1
	// parked, order 1001: cancel r1
	// line 1, anna: queued, product r1
	// delivered: anna r1
	// nothing waits for staff
}

// A shop that subtracts what was refunded from its quantities says so.
func ExampleHook_OrderRefunded_netQuantities() {
	shop := newExampleShop(func(cfg *amsbridge.HookConfig) { cfg.NetQuantities = true })
	order := amsbridge.Order{ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{
		{ID: "1", ProductID: "gala", Quantity: 2, Attendees: []amsbridge.User{anna(), berta()}},
	}}
	shop.report(order)
	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{
		{LineID: "1", People: []amsbridge.UserID{"berta"}},
	}})
	order.Lines[0].Quantity, order.Lines[0].Attendees = 1, []amsbridge.User{anna()}
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1, berta: queued, show 7: add-ons 1
	// line 1: refunded
	// line 1, berta: taking back, show 7: add-ons 1
	// line 1, anna: unchanged, show 7: add-ons 1
	// delivered: anna 7/1
}

// A refund that is undone gives its seats again, to those whom the order names in the same call.
func ExampleHook_RefundReversed() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1"}}})
	shop.deliver()
	shop.reverse("R-1", order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1: refunded
	// line 1, anna: taking back, show 7: add-ons 1
	// nobody has anything
	// line 1, anna: queued, show 7: add-ons 1
	// delivered: anna 7/1
}

// A seat is given back while any refund that was not undone covers it.
func ExampleHook_RefundReversed_coveredTwice() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1"}}})
	shop.refund(amsbridge.Refund{ID: "R-2", OrderID: "1001", All: true})
	shop.reverse("R-1", order)
	shop.deliver()
	shop.reverse("R-2", order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1: refunded
	// line 1, anna: taking back, show 7: add-ons 1
	// line 1: refunded
	// line 1: refunded
	// nobody has anything
	// line 1, anna: queued, show 7: add-ons 1
	// delivered: anna 7/1
}

// Where the seat was sold again meanwhile, both have it, and staff are told.
func ExampleHook_RefundReversed_overTheQuantity() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Version: 1, Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{
		{LineID: "1", People: []amsbridge.UserID{"anna"}},
	}})
	order.Version, order.Lines[0].Quantity, order.Lines[0].Attendees = 2, 2, []amsbridge.User{berta()}
	shop.report(order)
	order.Version, order.Lines[0].Quantity = 3, 1
	shop.reverse("R-1", order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1: refunded
	// line 1, anna: taking back, show 7: add-ons 1
	// line 1, berta: queued, show 7: add-ons 1
	// line 1: needs staff: line 1: 1 people named, 2 hold seats, 1 seats: say whose they are
	// line 1, berta: unchanged, show 7: add-ons 1
	// line 1, anna: queued, show 7: add-ons 1
	// delivered: anna 7/1, berta 7/1
}

// A reversal before its refund is kept: the refund has no effect then.
func ExampleHook_RefundReversed_beforeItsRefund() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.reverse("R-1", order)
	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// the order: refunded: this refund was reversed
	// delivered: anna 7/1
}

// Staff who did what a parked message says mark it done.
func ExampleHook_OrderRefunded_markedDone() {
	shop := newExampleShop()
	shop.report(amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "course", Quantity: 1}},
	})
	shop.deliver()
	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
	shop.deliver()
	parked, err := shop.store.Find(context.Background(), outbox.Query{States: []outbox.State{outbox.StateParked}})
	printError(err)
	for _, m := range parked {
		fmt.Println(m.Reason)
		err := shop.operator.MarkDone(context.Background(), outbox.Actor{Name: "pat"}, m.ID, "cancelled in Elevate")
		printError(err)
	}
	shop.todo()
	// Output:
	// line 1, anna: queued, product r1
	// delivered: anna r1
	// line 1: refunded
	// line 1, anna: taking back, product r1
	// delivered: anna r1
	// cancel r1
	// nothing waits for staff
}
