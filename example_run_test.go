package amsbridge_test

import (
	"context"
	"fmt"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// The store in memory stands in for the shop's database.
func ExampleHook_OrderCompleted() {
	ctx := context.Background()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "course-101", RemoteProductID: "course-101"},
		{ID: "mug"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog})
	if err != nil {
		fmt.Println(err)
		return
	}
	tx := store.Begin() // the shop's own transaction
	queued, err := hook.OrderCompleted(ctx, tx, amsbridge.Order{
		ID:    "1001",
		Buyer: amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"},
		Lines: []amsbridge.Line{
			{ID: "1", ProductID: "course-101", Quantity: 1},
			{ID: "2", ProductID: "mug", Quantity: 2},
			{ID: "3", ProductID: "forgotten", Quantity: 1},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := tx.Commit(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("queued:", queued.Messages[0].Destination, queued.Messages[0].LineIDs)
	fmt.Println("left to the shop:", queued.LeftOut)
	fmt.Println("parked:", queued.Parked[0].LineIDs, queued.Parked[0].Reason)
	// Output:
	// queued: elevate [1]
	// left to the shop: [2]
	// parked: [3] product has an unknown mapping: the catalogue does not say where it lives (product forgotten)
}

func ExampleStanding_Of() {
	ctx := context.Background()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	catalog, _ := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{{ID: "course-101", RemoteProductID: "course-101"}}})
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog})
	if err != nil {
		fmt.Println(err)
		return
	}
	tx := store.Begin()
	_, err = hook.OrderCompleted(ctx, tx, amsbridge.Order{
		ID:    "1001",
		Buyer: amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"},
		Lines: []amsbridge.Line{{ID: "1", ProductID: "course-101", Quantity: 1}},
	})
	if err != nil || tx.Commit() != nil {
		fmt.Println(err)
		return
	}
	standing, err := amsbridge.NewStanding(store)
	if err != nil {
		fmt.Println(err)
		return
	}
	places, err := standing.Of(ctx, "U-1")
	fmt.Println(places[0].OrderID, places[0].LineIDs, places[0].State, err)
	// Output: 1001 [1] queued <nil>
}

func ExampleNewCatalog() {
	_, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{{ID: "gala", ShowKey: 4711}}})
	fmt.Println(err)
	// Output: amsbridge: CatalogConfig.Products[0].AddOnKeys are empty
}

func ExampleUserID_Check() {
	fmt.Println(amsbridge.UserID("U-1001").Check())
	fmt.Println(amsbridge.UserID("null").Check())
	// Output:
	// <nil>
	// amsbridge: UserID is the text of a missing value
}

// A destination receives a message; decoding it gives back what the hook stored.
func ExampleDecodeRegistration() {
	r, err := amsbridge.DecodeRegistration(outbox.Message{
		Kind: amsbridge.KindRegistration, Version: 1, Subject: "1001", Items: []string{"1"},
		Facts:   []byte(`{"user_id":"U-1","remote_product_id":"course-101"}`),
		Profile: []byte(`{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.org"}`),
	})
	fmt.Println(r.User.ID, r.RemoteProductID, r.OrderID, r.LineID, err)
	// Output: U-1 course-101 1001 1 <nil>
}
