// Package amsbridge carries a shop's completed orders to the learning platform
// Elevate and the virtual-event platform Notified, and signs the hand-offs with
// which members walk in there.
//
// # The idea
//
// An order-completed hook stores what the platforms must learn in an outbox: in
// the shop's own database, in the shop's own transaction. A push exists if and
// only if that transaction committed. A sender delivers it afterwards, retrying,
// until the platform acknowledges it or a person decides otherwise. No HTTP
// happens in a checkout.
//
// # Once, at start
//
// A store is where the messages lie, a client is a destination, a sender brings
// the one to the other, and a catalogue says which products live where:
//
//	if err := sqlstore.Migrate(ctx, db, sqlstore.PostgreSQL); err != nil {
//		return err
//	}
//	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
//	// …
//	sender, err := outbox.NewSender(store, outbox.SenderConfig{
//		Destinations: outbox.Fixed{"elevate": elevateClient, "notified": notifiedClient},
//	})
//	// …
//	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
//		{ID: "course-101", RemoteProductID: "course-101"},                   // lives on Elevate
//		{ID: "gala-dinner", ShowKey: 4711, AddOnKeys: []int64{9985, 10342}}, // on Notified
//		{ID: "mug"}, // in the shop alone
//	}})
//	// …
//	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog, Wake: sender.Wake})
//	// …
//	go func() { stopped <- sender.Run(ctx) }() // here, or in any number of other processes
//
// With pgx, package adapters/pgxstore takes the place of adapters/sqlstore.
//
// # For each completed order
//
// In the transaction that stores it:
//
//	err = sqlstore.InTx(ctx, db, hook.Wake, func(tx *sql.Tx) error {
//		if err := shop.StoreOrder(ctx, tx, order); err != nil {
//			return err
//		}
//		queued, err = hook.OrderCompleted(ctx, tx, amsbridge.Order{
//			ID:    "1001",
//			Buyer: amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"},
//			Lines: []amsbridge.Line{{ID: "1", ProductID: "course-101", Quantity: 1}},
//		})
//		return err
//	})
//
// Commit and roll-back are the caller's. The mistakes of a program are errors
// ([InputError]), with nothing written and the transaction usable. What data can
// cause never breaks a paid order and is never silent: such a line is stored
// parked, stands in [Queued] and in the log, and [Hook.Rebuild] makes its push once
// data or mapping are mended. Reporting an order again is harmless.
// [Hook.OrderRefunded] takes back what a refunded line brought.
//
// # Where is my course?
//
// [Standing.Of] answers for a person. A store's Find and Attempts show what is
// parked or waiting, and why; an [outbox.Operator] sends it again, marks it done,
// pauses a destination or erases a person.
//
// # Handing a member over
//
// An [SSO] signs tokens that name the member by the same [UserID] as the pushes
// did: hand-offs ([SSO.HandOff]), used once and within a minute, and pull sessions
// ([SSO.Session]) for platforms that come back and ask. The rest of it has
// packages of its own:
//
//   - ssokeys: signing keys, rings that change them while in use, the published
//     key set.
//   - handoff: the handlers by which a member walks over, and the web service by
//     which a platform asks who they are.
//   - ssoverify: what a receiver needs.
//   - cartlink: registration URLs, for Elevate's Register button.
//   - pages: how the pages look that members see in between.
//
// # What is not promised
//
// Delivery is at least once, with a stable key: after a crash or a lost answer a
// push may be sent again. No platform is claimed to honour the key. Elevate's text
// says that it upserts the user and registers them for the product, so a repeat
// should change nothing but may mail once more; what Notified does with an add-on
// that is there already is not stated. Elevate's wire format is a profile that the
// shop names, and ours is called a guess because it is one.
package amsbridge
