package pgxstore_test

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// A checkout on pgx: the order and its pushes are stored together or not at all. After the commit a
// sender in the same process is woken.
func ExampleStore() {
	sell := func(ctx context.Context, pool *pgxpool.Pool, catalog amsbridge.Catalog, sender *outbox.Sender, order amsbridge.Order) error {
		store, err := pgxstore.New(ctx, pgxstore.Config{DB: pool})
		if err != nil {
			return err
		}
		hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog, Wake: sender.Wake})
		if err != nil {
			return err
		}
		return pgxstore.InTx(ctx, pool, hook.Wake, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO shop_order (id) VALUES ($1)", order.ID); err != nil {
				return err
			}
			_, err := hook.OrderCompleted(ctx, tx, order)
			return err
		})
	}
	_ = sell
}

// Run it when the program starts, instead of a migration of the shop's own with MigrationSQL.
func ExampleMigrate() {
	start := func(ctx context.Context, pool *pgxpool.Pool) (*pgxstore.Store, error) {
		if err := pgxstore.Migrate(ctx, pool); err != nil {
			return nil, err
		}
		store, err := pgxstore.New(ctx, pgxstore.Config{DB: pool})
		if err != nil {
			return nil, err
		}
		return store, store.Validate(ctx)
	}
	_ = start
}

// The checkout and the sender are two programs. The hook calls the notifier's Wake. Close the notifier
// before the pool.
func ExampleNotifier() {
	checkout := func(pool *pgxpool.Pool, store *pgxstore.Store, catalog amsbridge.Catalog) (*amsbridge.Hook[pgx.Tx], func(), error) {
		notifier, err := pgxstore.NewNotifier(pgxstore.NotifierConfig{DB: pool})
		if err != nil {
			return nil, nil, err
		}
		hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog, Wake: notifier.Wake})
		return hook, notifier.Close, err
	}
	_ = checkout
}

// The other program: its sender is woken when a checkout stores an order, and also polls.
func ExampleListen() {
	send := func(ctx context.Context, pool *pgxpool.Pool, store *pgxstore.Store, cfg outbox.SenderConfig) error {
		sender, err := outbox.NewSender(store, cfg)
		if err != nil {
			return err
		}
		listening := make(chan error, 1)
		go func() { listening <- pgxstore.Listen(ctx, pgxstore.ListenConfig{DB: pool, Wake: sender.Wake}) }()
		return errors.Join(sender.Run(ctx), <-listening)
	}
	_ = send
}
