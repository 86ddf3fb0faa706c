// Command checkout is the smallest whole shop: an order is stored with its pushes
// in one transaction, and a sender delivers them to a sandbox of each platform.
// From the root of the repository:
//
//	go run ./examples/checkout
//
// The README shows this file. The example in the folder store has all the rest.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/signal"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// Transactions begin at once (IMMEDIATE) and wait for each other; the store
// refuses a handle on which they do not.
const dsn = "file:shop.db?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, dsn, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dsn string, out io.Writer) (err error) {
	// Once, at start: the shop's database with our tables in it, the platforms, and the sender.
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS shop_order (id TEXT PRIMARY KEY, member TEXT NOT NULL)`); err != nil {
		return err
	}
	if err := sqlstore.Migrate(ctx, db, sqlstore.SQLite); err != nil {
		return err
	}
	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	if err != nil {
		return err
	}
	destinations, err := platforms(store)
	if err != nil {
		return err
	}
	sender, err := outbox.NewSender(store, outbox.SenderConfig{Destinations: destinations})
	if err != nil {
		return err
	}
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "course-101", RemoteProductID: "course-101"},            // lives on Elevate
		{ID: "gala-dinner", ShowKey: 4711, AddOnKeys: []int64{9985}}, // on Notified
		{ID: "mug"}, // in the shop alone
	}})
	if err != nil {
		return err
	}
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog, Wake: sender.Wake})
	if err != nil {
		return err
	}
	sending, stopSender := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- sender.Run(sending) }()
	defer func() { stopSender(); err = errors.Join(err, <-stopped) }() // what is in flight is settled first

	// For each completed order: the order and its pushes, both or neither.
	ada := amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"}
	order := amsbridge.Order{ID: fmt.Sprint(time.Now().UnixNano()), Buyer: ada, Lines: []amsbridge.Line{
		{ID: "1", ProductID: "course-101", Quantity: 1},
		{ID: "2", ProductID: "gala-dinner", Quantity: 1},
		{ID: "3", ProductID: "no-longer-listed", Quantity: 1}, // a task: the order is paid all the same
	}}
	var report *amsbridge.Report
	err = sqlstore.InTx(ctx, db, hook.Wake, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO shop_order (id, member) VALUES ($1, $2)`, order.ID, string(ada.ID)); err != nil {
			return err
		}
		report, err = hook.OrderCompleted(ctx, tx, order)
		return err
	})
	if err != nil {
		return err
	}
	for _, e := range report.NeedsStaff() {
		if _, err := fmt.Fprintf(out, "needs a person: line %s: %s\n", e.LineID, e.Text); err != nil {
			return err
		}
	}
	if err := openTasks(ctx, store, order.ID, out); err != nil {
		return err
	}
	ctx, enough := context.WithTimeout(ctx, time.Minute) // without a sender it would stay queued
	defer enough()
	return whereIsMyCourse(ctx, store, ada.ID, order.ID, out)
}

// platforms are a sandbox of each platform, where yours are what their vendors run, and a destination
// around a client of each.
func platforms(store outbox.Inspector) (outbox.Fixed, error) {
	elevateSandbox, err := elevatetest.New(elevatetest.Config{
		Key: "secret", Profile: elevate.GuessedProfile(), Products: []elevatetest.Product{{RemoteProductID: "course-101"}},
	})
	if err != nil {
		return nil, err
	}
	elevateClient, err := elevate.New(elevate.Config{
		Endpoint: httptest.NewServer(elevateSandbox).URL + "/api/registration", Credentials: elevate.Key("secret"),
		Profile:           elevate.GuessedProfile(), // a guess, until you fill it in from the vendor's page
		AllowLoopbackHTTP: true,                     // for the sandbox alone
	})
	if err != nil {
		return nil, err
	}
	notifiedSandbox, err := notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{{AuthCode: "code", Credentials: "secret", Area: "association"}},
		Shows: []notifiedtest.Show{{Key: 4711, Area: "association", Name: "Annual Meeting", Packages: []notifiedtest.Package{
			{Name: "Full pass", AddOns: []notifiedtest.AddOn{{Key: 9985}}},
		}}},
	})
	if err != nil {
		return nil, err
	}
	// Add-ons are added to a registration that is there.
	if err := notifiedSandbox.AddUser("association", notifiedtest.User{ID: "U-1", Email: "ada@example.org"}); err != nil {
		return nil, err
	}
	if err := notifiedSandbox.Register("U-1", 4711, "Full pass"); err != nil {
		return nil, err
	}
	notifiedClient, err := notified.New(notified.Config{
		AuthCode: "code", Credentials: "secret", BaseURL: httptest.NewServer(notifiedSandbox).URL + "/scripts/Server.nxp", // as the vendor's own
		AllowLoopbackHTTP: true,
	})
	if err != nil {
		return nil, err
	}
	toElevate, err := amsbridge.NewDestination(store, elevateClient, amsbridge.DestinationConfig{})
	if err != nil {
		return nil, err
	}
	toNotified, err := amsbridge.NewDestination(store, notifiedClient, amsbridge.DestinationConfig{})
	return outbox.Fixed{"elevate": toElevate, "notified": toNotified}, err
}

// openTasks lists what staff have to do about the order, as a page of theirs would.
func openTasks(ctx context.Context, store outbox.Inspector, order string, out io.Writer) error {
	tasks, err := store.Tasks(ctx, outbox.TaskQuery{Limit: 100})
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if t.Subject != order {
			continue
		}
		if _, err := fmt.Fprintf(out, "open task: lines %v: %s\n", t.Items, t.Text); err != nil {
			return err
		}
	}
	return nil
}

// whereIsMyCourse waits until nothing of the order is on its way, and says where
// each part of it is.
func whereIsMyCourse(ctx context.Context, store outbox.Inspector, member amsbridge.UserID, order string, out io.Writer) error {
	standing, err := amsbridge.NewStanding(store)
	if err != nil {
		return err
	}
	for {
		places, err := standing.Of(ctx, "", member)
		if err != nil {
			return err
		}
		waiting, text := false, ""
		for _, p := range places {
			if p.OrderID == order {
				waiting = waiting || p.State == amsbridge.PlaceQueued
				text += fmt.Sprintf("line %s at %s: %s %s\n", p.LineID, p.Destination, p.State, p.ProductURL)
			}
		}
		if !waiting {
			_, err := io.WriteString(out, text)
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
