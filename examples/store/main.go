// Command store is the store of a small association. It sells courses on
// Elevate, add-ons of an event on Notified, and a book of its own. It needs no
// account and no set-up. From the root of the repository:
//
//	go run ./examples/store
//
// prints three addresses to click: the shop, and a sandbox of each platform on a
// port of its own. Browse on Elevate or in the store, sign in as one of the
// members, buy for yourself or for somebody else, and walk in. Each sandbox has
// a page "behind the scenes", where one breaks its API and sees what came in,
// while the shop stays calm. The sandboxes forget everything at the end, and the
// shop too unless -db names a SQLite file or a PostgreSQL database:
//
//	go run ./examples/store -db postgres://user@localhost/shop
//
// Without a browser,
//
//	go run ./examples/store -demo
//
// plays an order through two kills of the shop's process, has another one change
// after it was delivered, and counts what arrived. It ends with status 0 and the line "demo ok: …", or says what went
// wrong and ends with status 1.
//
// What is amsbridge's in a shop is this file, from top to bottom. The folder
// shop is a shop as shops are, and says in its first lines where it meets
// amsbridge; platforms plays Elevate and Notified; web writes pages for both.
// run.go starts and stops the program, and demo.go tells the story of -demo.
//
// All is served by plain http on this machine, for which the packages make an
// exception. The pull cookie, by which Elevate is known to find members in real
// life (handoff.ByCookie and NewValidator), needs https and a parent domain,
// so it is not shown here.
package main

import (
	"context"
	"database/sql"
	"net/http"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/muxroutes"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/cartlink"
	"github.com/amsbridge/amsbridge/examples/store/platforms"
	"github.com/amsbridge/amsbridge/examples/store/shop"
	"github.com/amsbridge/amsbridge/handoff"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/pages"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// bridge is what carries orders to the platforms.
type bridge struct {
	store    *sqlstore.Store
	sender   *outbox.Sender
	catalog  *amsbridge.StaticCatalog
	hook     *amsbridge.Hook[*sql.Tx]
	standing *amsbridge.Standing
	operator *outbox.Operator
	notified *notified.Client
}

// wire makes the bridge on the shop's database. cfg says how the sender works;
// its destinations are filled in here.
func wire(
	ctx context.Context, db *shop.Database, at platforms.Access, cfg outbox.SenderConfig,
) (*bridge, error) {
	// 1. The outbox is a few tables in the shop's own database.
	if err := sqlstore.Migrate(ctx, db.DB, db.Dialect); err != nil {
		return nil, err
	}
	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db.DB, Dialect: db.Dialect})
	if err != nil {
		return nil, err
	}

	// 2. One client for each platform. The wire format is our guess, and named
	// so: only Elevate can tell its own. The mail that says "it is ready" is the
	// shop's own here, so Elevate is not asked to send one as well.
	elevateClient, err := elevate.New(elevate.Config{
		Endpoint: at.ElevateEndpoint, Credentials: elevate.Key(at.ElevateKey), Profile: elevate.GuessedProfile(),
		AllowLoopbackHTTP: true, // plain http is for sandboxes only
	})
	if err != nil {
		return nil, err
	}
	notifiedClient, err := notified.New(notified.Config{
		BaseURL: at.NotifiedBaseURL, AuthCode: at.NotifiedAuthCode, Credentials: at.NotifiedCredentials,
		AllowLoopbackHTTP: true,
	})
	if err != nil {
		return nil, err
	}

	// 3. A destination around each client decides at a person's turn what is
	// called. What was delivered is announced, so that the shop can mail it.
	announced := func(p amsbridge.Platform) (outbox.Destination, error) {
		to, err := amsbridge.NewDestination(store, p, amsbridge.DestinationConfig{})
		if err != nil {
			return nil, err
		}
		return amsbridge.NewAnnouncer(amsbridge.AnnouncerConfig{Next: to, To: shop.ToMail})
	}
	toElevate, err := announced(elevateClient)
	if err != nil {
		return nil, err
	}
	toNotified, err := announced(notifiedClient)
	if err != nil {
		return nil, err
	}

	// 4. The sender delivers what the store holds: in this process, or in any
	// number of others.
	cfg.Destinations = outbox.Fixed{
		shop.ToElevate: toElevate, shop.ToNotified: toNotified, shop.ToMail: shop.Mailer{DB: db},
	}
	sender, err := outbox.NewSender(store, cfg)
	if err != nil {
		return nil, err
	}

	// 5. The catalogue says which products live where, and the hook turns orders
	// into messages, in the transaction that stores the order.
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: shop.Mapping()})
	if err != nil {
		return nil, err
	}
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{
		Catalog: catalog, Wake: sender.Wake, Elevate: shop.ToElevate, Notified: shop.ToNotified,
	})
	if err != nil {
		return nil, err
	}

	// 6. Standing answers "where is my course?", and the operator does what staff
	// ask for.
	standing, err := amsbridge.NewStanding(store)
	if err != nil {
		return nil, err
	}
	operator, err := outbox.NewOperator(store, outbox.OperatorConfig{})
	if err != nil {
		return nil, err
	}
	return &bridge{store, sender, catalog, hook, standing, operator, notifiedClient}, nil
}

// demoSchedule tries a platform that fails again soon, so that one sees it
// recover. In production the defaults are right: they last for days.
func demoSchedule() outbox.SenderConfig {
	return outbox.SenderConfig{
		Retry:      outbox.Retry{First: time.Second, Longest: 3 * time.Second, Attempts: 10_000},
		ProbeEvery: 3 * time.Second, Poll: 500 * time.Millisecond,
	}
}

// openShop makes the shop's website: its own pages and amsbridge's handlers. base
// is where the shop is, without a slash at its end.
func openShop(
	ctx context.Context, base string, db *shop.Database, b *bridge, keys *ssokeys.Ring,
	sandboxes *platforms.Platforms,
) (http.Handler, error) {
	store, err := shop.New(shop.Config{
		DB: db, Hook: b.hook, Standing: b.standing, Inspector: b.store, Operator: b.operator,
		Elevate: sandboxes.Elevate.URL, Notified: sandboxes.Notified.URL,
	})
	if err != nil {
		return nil, err
	}
	ourPages := pages.Config{Template: store.PageTemplate(), Stylesheet: "/site.css"}

	// 7. Hand-offs: Elevate's sandbox takes a signed token by a form, Notified has
	// login tickets.
	sso, err := newSSO(keys, store.Audit)
	if err != nil {
		return nil, err
	}
	stateKey, err := ssokeys.Generate(ssokeys.HS256) // kept, and shared by all replicas, in a real shop
	if err != nil {
		return nil, err
	}
	handOffs, err := handoff.New(handoff.Config{
		SSO: sso,
		Platforms: []handoff.Platform{
			{
				Name: shop.ToElevate, Title: "Elevate", URL: sandboxes.Elevate.URL + platforms.LoginPath,
				Destination: shop.ToElevate, TellOrigin: true, // Elevate takes forms of the shop alone
			},
			{
				Name: shop.ToNotified, Title: "Notified", Way: handoff.ByTicket, Tickets: b.notified,
				Destination: shop.ToNotified,
			},
		},
		CurrentUser: store.CurrentUser, EndSession: store.EndSession, SignIn: "/sign-in",
		Catalog: b.catalog, Standing: b.standing, StateKey: stateKey.Secret, Audit: store.Audit, Pages: ourPages,
	})
	if err != nil {
		return nil, err
	}

	// 8. Cart links, for Elevate's Register buttons, and the list of them for
	// staff.
	links, err := cartlink.New(cartlink.Config{
		BaseURL: base + shop.CartPath, Cart: store.Cart(), CartPage: "/cart", MaxQuantity: shop.MaxQuantity,
		LaxCookie: true, Catalog: b.catalog, CurrentUser: store.CurrentUser, Standing: b.standing, Pages: ourPages,
		WalkIn: shop.OwnersWay, Title: shop.Title,
	})
	if err != nil {
		return nil, err
	}
	staffList, err := cartlink.NewStaffList(cartlink.StaffListConfig{
		Links: links, Catalog: b.catalog, Authorize: store.AuthorizeStaff,
	})
	if err != nil {
		return nil, err
	}

	// 9. The keys that Elevate verifies with, and all of it on the shop's router.
	jwks, err := ssokeys.NewJWKS(ssokeys.JWKSConfig{Rings: sso.Rings()})
	if err != nil {
		return nil, err
	}
	handler, err := muxroutes.Mount(store.Router(handOffs, links, b.catalog), muxroutes.Config{
		HandOffs: handOffs, Cart: links, StaffList: staffList, JWKS: jwks,
	})
	if err != nil {
		return nil, err
	}
	return store.Protected(handler), setUpProducts(ctx, base, b, links, sandboxes)
}

// setUpProducts has staff type the registration URLs into the platforms' set-up pages.
func setUpProducts(
	ctx context.Context, base string, b *bridge, links *cartlink.Links, sandboxes *platforms.Platforms,
) error {
	rows, err := links.SetUp(ctx, b.catalog)
	sandboxes.Elevate.SetUp(rows, base)
	sandboxes.Notified.SetUp(base)
	return err
}
