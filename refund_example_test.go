package amsbridge_test

import (
	"context"
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// Of two lines that bring the same add-on, one is refunded after delivery.
func ExampleHook_OrderRefunded() {
	ctx := context.Background()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	catalog, _ := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "course-101", RemoteProductID: "course-101"},
		{ID: "workshop", ShowKey: 4711, AddOnKeys: []int64{9985}},
		{ID: "gala", ShowKey: 4711, AddOnKeys: []int64{9985, 10342}},
	}})
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog})
	if err != nil {
		fmt.Println(err)
		return
	}
	tx := store.Begin() // the shop's own transaction
	_, err = hook.OrderCompleted(ctx, tx, amsbridge.Order{
		ID:    "1001",
		Buyer: amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"},
		Lines: []amsbridge.Line{
			{ID: "1", ProductID: "course-101", Quantity: 1},
			{ID: "2", ProductID: "workshop", Quantity: 1},
			{ID: "3", ProductID: "gala", Quantity: 1},
		},
	})
	if err != nil || tx.Commit() != nil {
		fmt.Println(err)
		return
	}
	// In place of a sender, which delivers both pushes.
	token := outbox.NewToken()
	claim, _ := store.Claim(ctx, outbox.ClaimRequest{Token: token, Lease: time.Minute, Limit: 10, DestinationLimit: 10})
	for _, l := range claim.Leased {
		_, err = store.Settle(ctx, []outbox.Settlement{{Message: l.Message, Token: token, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered}})
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	tx = store.Begin()
	refunded, err := hook.OrderRefunded(ctx, tx, amsbridge.Refund{ID: "R-1", OrderID: "1001", LineIDs: []string{"1", "3", "4"}})
	if err != nil || tx.Commit() != nil {
		fmt.Println(err)
		return
	}
	for _, t := range refunded.Removals {
		fmt.Println("removed by", t.Destination, t.LineIDs)
	}
	for _, t := range refunded.Kept {
		fmt.Println("kept", t.LineIDs, t.Reason)
	}
	for _, t := range refunded.Tasks {
		fmt.Println("task", t.LineIDs, t.Reason)
	}
	for _, t := range refunded.Nothing {
		fmt.Println("nothing", t.LineIDs, t.Reason)
	}
	// Output:
	// removed by notified [3]
	// kept [3] another line or order of the person brings add-ons 9985
	// task [1] refund R-1: cancel the registration for product course-101 in Elevate by hand, for no API for it is known
	// nothing [4] nothing is stored of this line for the people of the refund
}
