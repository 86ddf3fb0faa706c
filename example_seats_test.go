package amsbridge_test

import (
	"github.com/amsbridge/amsbridge"
)

// Seats that nobody is named for are open: a task, until people are named.
func ExampleHook_OrderCompleted_openSeats() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 3}},
	}
	shop.report(order)
	order.Lines[0].Attendees = []amsbridge.User{berta()}
	shop.report(order)
	shop.todo()
	shop.deliver()

	order.Lines[0].Attendees = []amsbridge.User{anna(), berta(), carl()}
	shop.report(order)
	shop.todo()
	shop.deliver()
	// Output:
	// line 1: needs staff: line 1: 3 of 3 seats have no person
	// line 1, berta: queued, show 7: add-ons 1
	// line 1: needs staff: line 1: 2 of 3 seats have no person
	// task of order 1001: line 1: 2 of 3 seats have no person
	// delivered: berta 7/1
	// line 1, anna: queued, show 7: add-ons 1
	// line 1, carl: queued, show 7: add-ons 1
	// line 1, berta: unchanged, show 7: add-ons 1
	// nothing waits for staff
	// delivered: anna 7/1, berta 7/1, carl 7/1
}

// A setting gives the first seat of a line without names to the buyer.
func ExampleHook_OrderCompleted_firstSeatIsBuyers() {
	shop := newExampleShop(func(cfg *amsbridge.HookConfig) { cfg.FirstSeatIsBuyers = true })
	shop.report(amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 2}},
	})
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1: needs staff: line 1: 1 of 2 seats have no person
	// delivered: anna 7/1
}

// With a rising version a person who is replaced loses what the new one gets, and back.
func ExampleHook_OrderCompleted_swap() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Version: 1, Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	shop.deliver()

	order.Version, order.Lines[0].Attendees = 2, []amsbridge.User{berta()}
	shop.report(order)
	shop.deliver()

	order.Version, order.Lines[0].Attendees = 3, []amsbridge.User{anna()}
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// delivered: anna 7/1
	// line 1, anna: taking back, show 7: add-ons 1
	// line 1, berta: queued, show 7: add-ons 1
	// delivered: berta 7/1
	// line 1, berta: taking back, show 7: add-ons 1
	// line 1, anna: queued, show 7: add-ons 1
	// delivered: anna 7/1
}

// Without a rising version it may be a late webhook, which would turn time back: a task, and nothing is
// taken.
func ExampleHook_OrderCompleted_swapWithoutVersion() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	order.Lines[0].Attendees = []amsbridge.User{berta()}
	shop.report(order)
	shop.deliver()
	shop.todo()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1, berta: needs staff: line 1 names 1 new people in place of others, and the report has no rising version: say whose the seats are
	// line 1: absent, show 7: add-ons 1
	// delivered: anna 7/1
	// task of order 1001: line 1 names 1 new people in place of others, and the report has no rising version: say whose the seats are
}

// A setting makes a task of each swap and exchange.
func ExampleHook_OrderCompleted_swapsByHand() {
	shop := newExampleShop(func(cfg *amsbridge.HookConfig) { cfg.SwapsByHand = true })
	order := amsbridge.Order{
		ID: "1001", Version: 1, Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	order.Version, order.Lines[0].Attendees = 2, []amsbridge.User{berta()}
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1, berta: needs staff: line 1 names 1 new people in place of others, and exchanges are made by hand here: say whose the seats are
	// line 1: absent, show 7: add-ons 1
	// delivered: anna 7/1
}

// A line with an open seat has room: the new person gets that seat, and nobody loses theirs.
func ExampleHook_OrderCompleted_openSeatFirst() {
	shop := newExampleShop()
	order := amsbridge.Order{ID: "1001", Version: 1, Buyer: anna(), Lines: []amsbridge.Line{
		{ID: "1", ProductID: "gala", Quantity: 2, Attendees: []amsbridge.User{anna()}},
	}}
	shop.report(order)
	order.Version, order.Lines[0].Attendees = 2, []amsbridge.User{berta()}
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1: needs staff: line 1: 1 of 2 seats have no person
	// line 1, berta: queued, show 7: add-ons 1
	// line 1: absent, show 7: add-ons 1
	// delivered: anna 7/1, berta 7/1
}

// A line that is for another product by now is an exchange, which wants a rising version too.
func ExampleHook_OrderCompleted_exchange() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Version: 1, Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	shop.deliver()

	order.Version, order.Lines[0].ProductID = 2, "workshop"
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// delivered: anna 7/1
	// line 1, anna: taking back, show 7: add-ons 1
	// line 1, anna: queued, show 7: add-ons 9
	// delivered: anna 7/9
}

// More people than seats: nobody is taken, and none of the new ones is given anything. Staff say whose
// the seats are, by a report in which all fit.
func ExampleHook_OrderCompleted_tooManyPeople() {
	shop := newExampleShop()
	order := amsbridge.Order{ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{
		{ID: "1", ProductID: "gala", Quantity: 2, Attendees: []amsbridge.User{anna(), berta(), carl()}},
	}}
	shop.report(order)
	shop.deliver()

	order.Lines[0].Attendees = []amsbridge.User{anna(), berta()}
	shop.report(order)
	shop.deliver()
	shop.todo()
	// Output:
	// line 1, anna: needs staff: line 1: 3 people named, 0 hold seats, 2 seats: say whose they are
	// line 1, berta: needs staff: line 1: 3 people named, 0 hold seats, 2 seats: say whose they are
	// line 1, carl: needs staff: line 1: 3 people named, 0 hold seats, 2 seats: say whose they are
	// nobody has anything
	// line 1, anna: queued, show 7: add-ons 1
	// line 1, berta: queued, show 7: add-ons 1
	// delivered: anna 7/1, berta 7/1
	// nothing waits for staff
}

// A quantity below the people who hold seats takes nobody's: report a refund that names them.
func ExampleHook_OrderCompleted_quantityBelowPeople() {
	shop := newExampleShop()
	order := amsbridge.Order{ID: "1001", Version: 1, Buyer: anna(), Lines: []amsbridge.Line{
		{ID: "1", ProductID: "gala", Quantity: 2, Attendees: []amsbridge.User{anna(), berta()}},
	}}
	shop.report(order)
	order.Version, order.Lines[0].Quantity, order.Lines[0].Attendees = 2, 1, []amsbridge.User{anna()}
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1, berta: queued, show 7: add-ons 1
	// line 1: needs staff: line 1: 1 people named, 2 hold seats, 1 seats: say whose they are
	// line 1, anna: unchanged, show 7: add-ons 1
	// line 1: absent, show 7: add-ons 1
	// delivered: anna 7/1, berta 7/1
}

// Somebody who was replaced on a line comes back by a rising version alone.
func ExampleHook_OrderCompleted_replacedNamedAgain() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Version: 1, Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	order.Version, order.Lines[0].Attendees = 2, []amsbridge.User{berta()}
	shop.report(order)
	shop.deliver()

	order.Version, order.Lines[0].Attendees = 0, []amsbridge.User{anna()}
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1, anna: taking back, show 7: add-ons 1
	// line 1, berta: queued, show 7: add-ons 1
	// delivered: berta 7/1
	// line 1, anna: needs staff: they were replaced on this line before
	// line 1: needs staff: line 1 names 1 people again who were replaced, and the report has no rising version: say whose the seats are
	// line 1: absent, show 7: add-ons 1
	// delivered: berta 7/1
}

// What a report does not name stays. A line that is missing from a report with a version is a task as
// well: it may have been refunded.
func ExampleHook_OrderCompleted_absent() {
	shop := newExampleShop()
	order := amsbridge.Order{ID: "1001", Version: 1, Buyer: anna(), Lines: []amsbridge.Line{
		{ID: "1", ProductID: "gala", Quantity: 2, Attendees: []amsbridge.User{anna(), berta()}},
		{ID: "2", ProductID: "course", Quantity: 1},
	}}
	shop.report(order)
	shop.deliver()

	order.Version, order.Lines = 2, order.Lines[:1]
	order.Lines[0].Attendees = []amsbridge.User{anna()}
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1, berta: queued, show 7: add-ons 1
	// line 2, anna: queued, product r1
	// delivered: anna 7/1, anna r1, berta 7/1
	// line 1, anna: unchanged, show 7: add-ons 1
	// line 1: absent, show 7: add-ons 1
	// line 2: absent, product r1
	// line 2: needs staff: line 2 is no longer on the order: was it refunded? Nothing was taken
	// delivered: anna 7/1, anna r1, berta 7/1
}
