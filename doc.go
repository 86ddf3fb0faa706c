// Package amsbridge delivers a shop's completed orders to the learning platform Elevate and to the
// virtual-event platform Notified, and signs the hand-offs with which members are signed in there.
//
// # The idea
//
// An order-completed hook stores the messages for the platforms in an outbox: in the shop's own
// database, in the shop's own transaction. A push exists if and only if that transaction committed. A
// sender delivers it afterwards and retries until the platform acknowledges it or a person decides
// otherwise. A checkout makes no HTTP call.
//
// # Once, at start
//
// A store holds the messages, a destination around each platform's client decides what is called, a
// sender delivers messages to destinations, and a catalogue says which products live on which platform:
//
//	if err := sqlstore.Migrate(ctx, db, sqlstore.PostgreSQL); err != nil {
//		return err
//	}
//	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
//	// …
//	toElevate, err := amsbridge.NewDestination(store, elevateClient, amsbridge.DestinationConfig{})
//	// … and toNotified
//	sender, err := outbox.NewSender(store, outbox.SenderConfig{
//		Destinations: outbox.Fixed{"elevate": toElevate, "notified": toNotified},
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
//		report, err = hook.OrderCompleted(ctx, tx, amsbridge.Order{
//			ID:      "1001",
//			Version: 1, // rises with each change of the order
//			Buyer:   amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"},
//			Lines:   []amsbridge.Line{{ID: "1", ProductID: "course-101", Quantity: 1}},
//		})
//		return err
//	})
//
// The caller commits or rolls back. A program's mistakes are errors ([InputError]): nothing is written
// and the transaction stays usable. What data can cause never breaks a paid order and is never silent:
// [Report.NeedsStaff] names it, it is logged, and told to the sender's alarm once it is committed.
//
// # When an order changes
//
// Report it again, as it is now, as often as you like: [Hook.OrderCompleted] compares it with the last
// report, and gives and takes what is new. [Hook.OrderRefunded] gives lines or seats back, and
// [Hook.RefundReversed] undoes that. The hook only inserts what is to be done; what a person is owed is
// decided when its turn to be sent comes, so that a refund takes nothing that another order pays for. The
// guide "Orders change" (docs/orders.md) has each rule, with an example that runs.
//
// # What needs staff
//
// A task of an order, such as a seat without a person or a product without a mapping, stands in
// [outbox.Inspector].Tasks until a report ends it or [outbox.Operator.TaskDone] does. A parked message is
// one that a platform refuses, or that nothing but a person can do: the store's Find shows it, and
// [outbox.Operator.SendAgain] or MarkDone ends it.
//
// # Where is my course?
//
// [Standing.Of] answers for a person. A store's Find and Attempts show what is parked or waiting, and
// why. An [outbox.Operator] also pauses a destination or erases a person.
//
// # Handing a member over
//
// An [SSO] signs tokens that name the member by the same [UserID] as the pushes: hand-offs
// ([SSO.HandOff]), which are used once and within a minute, and pull sessions ([SSO.Session]), for
// platforms that ask the shop who the member is. The rest has packages of its own:
//
//   - ssokeys: signing keys, rings that change them while in use, and the published key set.
//   - handoff: the handlers that hand a member over, and the web service that tells a platform
//     who the member is.
//   - ssoverify: verifies tokens at the receiver.
//   - cartlink: registration URLs, for Elevate's Register button.
//   - pages: the look of the pages that members see in between.
//
// # What is not promised
//
// Delivery is at least once, with a stable key: after a crash or a lost answer a push may be sent
// again. No platform is claimed to honour the key. Elevate's text says that it upserts the user and
// registers them for the product, so a repeat should change nothing but may send another mail. What
// Notified does with an add-on that the person already has is not stated. Elevate's wire format is a
// profile that the shop names; ours is called a guess because it is one.
package amsbridge
