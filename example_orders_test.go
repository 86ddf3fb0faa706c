package amsbridge_test

import (
	"context"
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// The same order again writes nothing and sends nothing, however often it comes.
func ExampleHook_OrderCompleted_sameAgain() {
	shop := newExampleShop()
	order := amsbridge.Order{ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{
		{ID: "1", ProductID: "gala", Quantity: 1}, {ID: "2", ProductID: "mug", Quantity: 1},
	}}
	shop.report(order)
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 2: shop only
	// line 1, anna: unchanged, show 7: add-ons 1
	// line 2: shop only
	// delivered: anna 7/1
}

// A new line, and new people who fit into free seats, are given what is new.
func ExampleHook_OrderCompleted_newLine() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	shop.deliver()

	order.Lines = append(order.Lines, amsbridge.Line{
		ID: "2", ProductID: "course", Quantity: 2, Attendees: []amsbridge.User{anna(), berta()},
	})
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// delivered: anna 7/1
	// line 1, anna: unchanged, show 7: add-ons 1
	// line 2, anna: queued, product r1
	// line 2, berta: queued, product r1
	// delivered: anna 7/1, anna r1, berta r1
}

// A delivered line keeps what it brought when its product is mapped otherwise; what the new mapping would
// change is told.
func ExampleHook_OrderCompleted_remapped() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "course", Quantity: 1}},
	}
	shop.report(order)
	shop.deliver()

	shop.catalog["course"] = amsbridge.Product{ID: "course", RemoteProductID: "r3"}
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, product r1
	// delivered: anna r1
	// line 1, anna: remapped: the product's mapping would give product r3, would not give product r1
	// line 1, anna: unchanged, product r1
	// delivered: anna r1
}

// A mapping that was missing or wrong is mended in the catalogue. Then the order is reported again: what
// never arrived goes out by the new mapping.
func ExampleHook_OrderCompleted_mappingMended() {
	shop := newExampleShop()
	shop.platform.answer = func(call string) (effect bool, err error) {
		if call == "give anna r1" {
			return false, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "no such product"}
		}
		return true, nil
	}
	order := amsbridge.Order{ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{
		{ID: "1", ProductID: "course", Quantity: 1}, {ID: "2", ProductID: "not-mapped-yet", Quantity: 1},
	}}
	shop.report(order)
	shop.deliver()
	shop.todo()

	shop.catalog["course"] = amsbridge.Product{ID: "course", RemoteProductID: "r3"}
	shop.catalog["not-mapped-yet"] = amsbridge.Product{ID: "not-mapped-yet", RemoteProductID: "r4"}
	shop.report(order)
	shop.deliver()
	shop.todo()
	// Output:
	// line 1, anna: queued, product r1
	// line 2: needs staff: product has an unknown mapping: the catalogue does not say where it lives (product not-mapped-yet)
	// nobody has anything
	// task of order 1001: product has an unknown mapping: the catalogue does not say where it lives (product not-mapped-yet)
	// parked, order 1001: no such product
	// line 1, anna: taking back, product r1
	// line 1, anna: queued, product r3
	// line 2, anna: queued, product r4
	// delivered: anna r3, anna r4
	// nothing waits for staff
}

// A line that was refunded is told so, whatever the report says of it.
func ExampleHook_OrderCompleted_refundedLine() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	shop.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1"}}})
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1: refunded
	// line 1, anna: taking back, show 7: add-ons 1
	// line 1: refunded
	// nobody has anything
}

// A better name or address goes to what never arrived. For what was delivered nothing is stored.
func ExampleHook_OrderCompleted_betterProfile() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "course", Quantity: 1}},
	}
	order.Buyer.Email = "anna@"
	shop.report(order)
	order.Buyer.Email = "anna@example.org"
	shop.report(order)
	shop.deliver()

	order.Buyer.LastName = "Otherwise"
	shop.report(order)
	// Output:
	// line 1, anna: needs staff, product r1: line 1: attendee's email is not an e-mail address
	// line 1, anna: queued, product r1
	// delivered: anna r1
	// line 1, anna: unchanged, product r1
}

// A person who was erased is recognised, and is sent nothing.
func ExampleHook_OrderCompleted_erased() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	shop.deliver()
	_, err := shop.operator.Erase(context.Background(), outbox.Actor{Name: "pat"}, "", "anna", "request 17")
	printError(err)
	shop.report(order)
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// delivered: anna 7/1
	// line 1, anna: erased
}

// A report with a lower version than before comes late: nothing changes. What it names and nothing newer
// knew of is a task.
func ExampleHook_OrderCompleted_late() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Version: 7, Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	order.Version, order.Lines = 6, append(order.Lines, amsbridge.Line{ID: "2", ProductID: "course", Quantity: 1})
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// the report comes late
	// line 1, anna: unchanged: a newer report came before
	// the order: needs staff: a late report of this order names lines or people that no newer one has (lines 2): nothing was given to them
	// delivered: anna 7/1
}

// UpdatedAt serves in place of Version. One that lies far in the future is a task, and later reports
// still count.
func ExampleHook_OrderCompleted_updatedAt() {
	shop := newExampleShop()
	now := time.Now()
	order := amsbridge.Order{
		ID: "1001", UpdatedAt: now.Add(-3 * time.Hour), Buyer: anna(),
		Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	}
	shop.report(order)
	order.UpdatedAt = now.AddDate(1, 0, 0)
	shop.report(order)
	order.UpdatedAt, order.Lines[0].Attendees = now.Add(-2*time.Hour), []amsbridge.User{berta()}
	shop.report(order)
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// the order: needs staff: whether a report of this order is newer cannot be told: its UpdatedAt lies in the future
	// line 1, anna: unchanged, show 7: add-ons 1
	// line 1, anna: taking back, show 7: add-ons 1
	// line 1, berta: queued, show 7: add-ons 1
	// delivered: berta 7/1
}

// Numbers that restart each year: another order under a used ID is given nothing, and takes nothing.
func ExampleHook_OrderCompleted_otherOrder() {
	shop := newExampleShop()
	placed := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	shop.report(amsbridge.Order{
		ID: "1001", PlacedAt: placed, Buyer: anna(),
		Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	})
	shop.report(amsbridge.Order{
		ID: "1001", PlacedAt: placed.AddDate(1, 0, 0), Buyer: anna(),
		Lines: []amsbridge.Line{{ID: "1", ProductID: "course", Quantity: 1}},
	})
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// the order: needs staff: another order was reported under this ID: nothing of it was given; report it again with an ID of its own (1 lines: course; placed 2027-03-01 09:00:00; buyer lmmJp1Uv)
	// delivered: anna 7/1
}

// The same PlacedAt and another buyer is the same order: a guest's, which became a member's.
func ExampleHook_OrderCompleted_guestOrder() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", PlacedAt: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), Buyer: anna(),
		Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1, Attendees: []amsbridge.User{carl()}}},
	}
	shop.report(order)
	order.Buyer = berta()
	shop.report(order)
	// Output:
	// line 1, carl: queued, show 7: add-ons 1
	// the order: unchanged: the buyer is another one by now
	// line 1, carl: unchanged, show 7: add-ons 1
}

// Data is told and kept as a task, since the order may be paid already. Errors are for what only the
// programmer can cause.
func ExampleHook_OrderCompleted_mistakes() {
	shop := newExampleShop()
	shop.report(amsbridge.Order{
		ID: "0", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	})
	shop.report(amsbridge.Order{ID: "1001", Buyer: anna()})
	shop.report(amsbridge.Order{ID: "1002", Buyer: anna(), Lines: []amsbridge.Line{
		{ID: "1", ProductID: "gala", Quantity: 1}, {ID: "1", ProductID: "course", Quantity: 1},
	}})
	shop.deliver()
	// Output:
	// the order: needs staff: an order was reported whose ID is zero, so that no other can be told from it: report it again with its own ID (1 lines: gala; buyer JpZ5M6YZ)
	// the order: needs staff: the order has no lines
	// amsbridge: Order.Lines[1].ID is a duplicate
	// nobody has anything
}

// A task is open while the order's last report gives reason to it and nobody has marked it done.
func ExampleHook_OrderCompleted_taskDone() {
	shop := newExampleShop()
	order := amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 2}},
	}
	shop.report(order)
	tasks, err := shop.store.Tasks(context.Background(), outbox.TaskQuery{Limit: 100})
	printError(err)
	for _, t := range tasks {
		fmt.Println("done:", t.Text)
		pat := outbox.Actor{Name: "pat"}
		err := shop.operator.TaskDone(context.Background(), pat, t.Association, t.Subject, t.ID, "they come later")
		printError(err)
	}
	shop.report(order)
	shop.todo()
	// Output:
	// line 1: needs staff: line 1: 2 of 2 seats have no person
	// done: line 1: 2 of 2 seats have no person
	// line 1: needs staff: line 1: 2 of 2 seats have no person
	// nothing waits for staff
}

// Several orders in one transaction are reported in an order in which two such calls cannot deadlock.
func ExampleHook_OrdersCompleted() {
	shop := newExampleShop()
	tx := shop.store.Begin()
	reports, err := shop.hook.OrdersCompleted(context.Background(), tx,
		amsbridge.Order{
			ID: "1002", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
		},
		amsbridge.Order{
			ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "course", Quantity: 1}},
		},
	)
	printError(err)
	printError(tx.Commit())
	for _, r := range reports {
		printReport(r)
	}
	shop.deliver()
	// Output:
	// line 1, anna: queued, show 7: add-ons 1
	// line 1, anna: queued, product r1
	// delivered: anna 7/1, anna r1
}

// Nothing of a transaction that is rolled back was ever there.
func ExampleHook_OrderCompleted_rolledBack() {
	shop := newExampleShop()
	tx := shop.store.Begin()
	_, err := shop.hook.OrderCompleted(context.Background(), tx, amsbridge.Order{
		ID: "1001", Buyer: anna(), Lines: []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1}},
	})
	printError(err)
	tx.Rollback()
	shop.deliver()
	// Output:
	// nobody has anything
}
