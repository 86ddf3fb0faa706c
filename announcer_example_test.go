package amsbridge_test

import (
	"context"
	"fmt"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// platform stands in for a platform's client.
type platform struct{}

func (platform) Deliver(context.Context, outbox.Message) (outbox.Result, error) {
	return outbox.Result{Receipt: amsbridge.Receipt{ProductURL: "https://learn.example.org/safety"}.Encode()}, nil
}

// mailer is where the shop sends its own mails.
type mailer struct{ sent chan string }

func (m mailer) Deliver(_ context.Context, msg outbox.Message) (outbox.Result, error) {
	d, err := amsbridge.DecodeDelivered(msg)
	if err != nil {
		return outbox.Result{}, err
	}
	// Give msg.Key to a mail provider that drops repeats.
	m.sent <- fmt.Sprintf("To %s: order %s, your course: %s", d.User.Email, d.OrderID, d.ProductURL)
	return outbox.Result{}, nil
}

// The shop mails its members itself, once Elevate has their registration.
func ExampleAnnouncer() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	toElevate, err := amsbridge.NewAnnouncer(amsbridge.AnnouncerConfig{Next: platform{}, To: "mail"})
	if err != nil {
		fmt.Println(err)
		return
	}
	mail := mailer{make(chan string)}
	sender, err := outbox.NewSender(store, outbox.SenderConfig{
		Destinations: outbox.Fixed{"elevate": toElevate, "mail": mail},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	catalog, _ := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{{ID: "safety", RemoteProductID: "safety"}}})
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog, Wake: sender.Wake})
	if err != nil {
		fmt.Println(err)
		return
	}
	tx := store.Begin() // the shop's own transaction
	_, err = hook.OrderCompleted(ctx, tx, amsbridge.Order{
		ID:    "1001",
		Buyer: amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"},
		Lines: []amsbridge.Line{{ID: "1", ProductID: "safety", Quantity: 1}},
	})
	if err != nil || tx.Commit() != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan error)
	go func() { ended <- sender.Run(ctx) }()
	fmt.Println(<-mail.sent)
	stop()
	fmt.Println(<-ended)
	// Output:
	// To ada@example.org: order 1001, your course: https://learn.example.org/safety
	// <nil>
}
