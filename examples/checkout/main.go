// Command checkout is the smallest shop that uses amsbridge: one order, stored
// with its push in one transaction, and a sender that delivers it. From the root
// of the repository:
//
//	go run ./examples/checkout
//
// The example in the folder store has all the rest.
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
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	// Elevate, as a sandbox. Yours is where its vendor says.
	sandbox, err := elevatetest.New(elevatetest.Config{
		Key: "secret", Profile: elevate.GuessedProfile(), Products: []elevatetest.Product{{RemoteProductID: "course-101"}},
	})
	if err != nil {
		return err
	}
	server := httptest.NewServer(sandbox)
	defer server.Close()
	client, err := elevate.New(elevate.Config{
		Endpoint: server.URL + "/api/registration", AllowLoopbackHTTP: true, // plain http for the sandbox alone
		Credentials: elevate.Key("secret"), Profile: elevate.GuessedProfile(),
	})
	if err != nil {
		return err
	}

	// The shop's database, here one in memory, and amsbridge's tables in it.
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `CREATE TABLE shop_order (id TEXT PRIMARY KEY, member TEXT NOT NULL)`); err != nil {
		return err
	}
	if err := sqlstore.Migrate(ctx, db, sqlstore.SQLite); err != nil {
		return err
	}
	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	if err != nil {
		return err
	}
	sender, err := outbox.NewSender(store, outbox.SenderConfig{Destinations: outbox.Fixed{"elevate": client}})
	if err != nil {
		return err
	}
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{{ID: "course-101", RemoteProductID: "course-101"}}})
	if err != nil {
		return err
	}
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog, Wake: sender.Wake})
	if err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- sender.Run(ctx) }()
	defer func() { cancel(); err = errors.Join(err, <-stopped) }() // what was under way is settled

	// The checkout: the order and its push, both or neither.
	ada := amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"}
	order := amsbridge.Order{ID: "1001", Buyer: ada, Lines: []amsbridge.Line{{ID: "1", ProductID: "course-101", Quantity: 1}}}
	err = sqlstore.InTx(ctx, db, hook.Wake, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO shop_order (id, member) VALUES ($1, $2)`, order.ID, string(ada.ID)); err != nil {
			return err
		}
		_, err := hook.OrderCompleted(ctx, tx, order)
		return err
	})
	if err != nil {
		return err
	}

	// "Where is my course?"
	standing, err := amsbridge.NewStanding(store)
	if err != nil {
		return err
	}
	for {
		places, err := standing.Of(ctx, ada.ID)
		if err != nil {
			return err
		}
		if at := places[0]; at.State != amsbridge.PlaceQueued {
			_, err := fmt.Fprintf(out, "order %s: %s, %s\n", order.ID, at.State, at.ProductURL)
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
