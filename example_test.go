package amsbridge_test

import (
	"context"
	"database/sql"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// The README shows the bodies of these two functions: TestReadmeShowsTheExamples
// keeps them alike, and the compiler keeps them true.
var _, _ = exampleWiring, exampleCheckout

func exampleWiring(ctx context.Context, db *sql.DB, elevateConfig elevate.Config, notifiedConfig notified.Config) (*amsbridge.Hook[*sql.Tx], <-chan error, error) {
	// README: wiring
	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
	if err != nil {
		return nil, nil, err
	}
	elevateClient, err := elevate.New(elevateConfig)
	if err != nil {
		return nil, nil, err
	}
	notifiedClient, err := notified.New(notifiedConfig)
	if err != nil {
		return nil, nil, err
	}
	sender, err := outbox.NewSender(store, outbox.SenderConfig{
		Destinations: outbox.Fixed{"elevate": elevateClient, "notified": notifiedClient},
	})
	if err != nil {
		return nil, nil, err
	}
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "course-101", RemoteProductID: "course-101"},                   // lives on Elevate
		{ID: "gala-dinner", ShowKey: 4711, AddOnKeys: []int64{9985, 10342}}, // on Notified
		{ID: "mug"}, // in the shop alone
	}})
	if err != nil {
		return nil, nil, err
	}
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog, Wake: sender.Wake})
	if err != nil {
		return nil, nil, err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- sender.Run(ctx) }() // in this process, or in any number of others
	// README: end
	return hook, stopped, nil
}

func exampleCheckout(ctx context.Context, db *sql.DB, hook *amsbridge.Hook[*sql.Tx]) (queued *amsbridge.Queued, err error) {
	// README: checkout
	err = sqlstore.InTx(ctx, db, hook.Wake, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO shop_order (id, member) VALUES ($1, $2)`, "1001", "U-1"); err != nil {
			return err
		}
		queued, err = hook.OrderCompleted(ctx, tx, amsbridge.Order{
			ID:    "1001",
			Buyer: amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"},
			Lines: []amsbridge.Line{
				{ID: "1", ProductID: "course-101", Quantity: 1},
				{ID: "2", ProductID: "gala-dinner", Quantity: 1},
			},
		})
		return err
	})
	// README: end
	return queued, err
}
