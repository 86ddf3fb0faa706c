// Command store is a small web store that sells courses on Elevate, add-ons of
// an event on Notified, and a book of its own. It needs no account and no
// set-up. From the root of the repository:
//
//	go run ./examples/store
//
// prints three addresses to click: the shop, and a sandbox of each platform on a
// port of its own. Sign in as one of three members, fill the cart, check out,
// and see under "my learning" how each product is queued, delivered with a link,
// or in need of attention. On a sandbox's page one sees the calls that came in,
// and can have the platform fail for a while. The sandboxes forget everything at
// the end, and the shop too unless -db names a SQLite file or a PostgreSQL
// database:
//
//	go run ./examples/store -db postgres://user@localhost/shop
//
// Without a browser,
//
//	go run ./examples/store -demo
//
// plays an order through two kills of the shop's process, and counts what
// arrived. It ends with status 0 and the line "demo ok: …", or says what went
// wrong and ends with status 1.
//
// What is amsbridge's in a shop is in this file (serve and wire), in checkout.go
// (one call in the shop's transaction), in learning.go (one call for "where is
// my course?") and in handoff.go (one call to sign). The other files are a shop
// as shops are; platforms.go and door.go play the platforms.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, problems io.Writer) int {
	flags := flag.NewFlagSet("store", flag.ContinueOnError)
	flags.SetOutput(problems)
	addr := flags.String("addr", "127.0.0.1:8080", "where the shop listens; a free port is taken when it is in use")
	dsn := flags.String("db", "", "postgres://… or a SQLite file (default a new SQLite file in the temporary folder)")
	demo := flags.Bool("demo", false, "play the story without a browser")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	var err error
	switch job := os.Getenv(childVariable); {
	case job != "":
		err = playChild(ctx, job, os.Stdin, out)
	case *demo:
		err = playDemo(ctx, *dsn, out)
	default:
		err = serve(ctx, ports{*addr, "127.0.0.1:8081", "127.0.0.1:8082"}, *dsn, out)
	}
	if err != nil {
		_, _ = fmt.Fprintln(problems, "store:", err)
		return 1
	}
	return 0
}

// ports are the addresses to listen at, where they are free.
type ports struct{ shop, elevate, notified string }

// serve runs the shop and both sandboxes until ctx ends.
func serve(ctx context.Context, at ports, dsn string, out io.Writer) (err error) {
	db, err := openDatabase(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()

	key, err := newSigningKey()
	if err != nil {
		return err
	}
	sites, err := startPlatforms(at.elevate, at.notified, key, slog.Default())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sites.close()) }()

	// A platform that fails is tried again soon, so that one sees it recover. In
	// production the default schedule lasts for days.
	bridge, err := wire(ctx, db, sites.access, outbox.SenderConfig{Retry: outbox.Retry{First: time.Second, Longest: 5 * time.Second}})
	if err != nil {
		return err
	}
	sso, err := newSSO(key)
	if err != nil {
		return err
	}
	shop := newShop(db, bridge, sso, sites)
	listener, err := listen(at.shop)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: shop.handler(), ReadHeaderTimeout: 10 * time.Second}

	// The sender stops after the server: what the last orders queued is taken up
	// as far as it goes, and the rest is sent after the next start.
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSending()
	sent, served := make(chan error, 1), make(chan error, 1)
	go func() { sent <- bridge.sender.Run(sending) }()
	go func() { served <- server.Serve(listener) }()
	_, _ = fmt.Fprintf(out, "the shop:            http://%s/\nElevate's sandbox:   %s/\nNotified's sandbox:  %s/\nthe orders:          %s\n"+
		"Sign in at the shop, buy something, and open \"my learning\". Ctrl-C ends it.\n",
		listener.Addr(), sites.elevate.url, sites.notified.url, db.where)

	select {
	case <-ctx.Done():
	case err = <-served:
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = errors.Join(err, server.Shutdown(bound))
	stopSending()
	return errors.Join(err, <-sent) // Run has settled what was under way
}

// bridge is all of amsbridge that the shop uses.
type bridge struct {
	store    *sqlstore.Store
	sender   *outbox.Sender
	hook     *amsbridge.Hook[*sql.Tx]
	standing *amsbridge.Standing
}

// wire puts amsbridge into a shop. cfg says how the sender works; its
// destinations are filled in here.
func wire(ctx context.Context, db *database, at access, cfg outbox.SenderConfig) (*bridge, error) {
	// 1. The outbox is a few tables in the shop's own database.
	if err := sqlstore.Migrate(ctx, db.DB, db.dialect); err != nil {
		return nil, err
	}
	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db.DB, Dialect: db.dialect})
	if err != nil {
		return nil, err
	}

	// 2. One client for each platform. The wire format is our guess, and named
	// so: only Elevate can tell its own.
	elevateClient, err := elevate.New(elevate.Config{
		Endpoint: at.ElevateEndpoint, Credentials: elevate.Key(at.ElevateKey), Profile: elevate.GuessedProfile(),
		SendConfirmation: true, AllowLoopbackHTTP: true, // plain http is for sandboxes only
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

	// 3. The sender delivers what the store holds: in this process, or in any
	// number of others.
	cfg.Destinations = outbox.Fixed{toElevate: elevateClient, toNotified: notifiedClient}
	sender, err := outbox.NewSender(store, cfg)
	if err != nil {
		return nil, err
	}

	// 4. The catalogue says which products live where, and the hook turns orders
	// into messages.
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: mapping})
	if err != nil {
		return nil, err
	}
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{
		Catalog: catalog, Wake: sender.Wake, Elevate: toElevate, Notified: toNotified,
	})
	if err != nil {
		return nil, err
	}

	// 5. Standing answers "where is my course?".
	standing, err := amsbridge.NewStanding(store)
	if err != nil {
		return nil, err
	}
	return &bridge{store: store, sender: sender, hook: hook, standing: standing}, nil
}

// listen takes a free port of the same host when the wanted one is in use.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}
