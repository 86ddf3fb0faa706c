package crash

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// childVariable holds a child's instructions; a process that has it is one.
const childVariable = "AMSBRIDGE_CRASH_CHILD"

// Lease is how long the children's messages are leased.
const Lease = 1500 * time.Millisecond

// buyers take orders at the same time.
const buyers = 4

// instructions are what a child is told.
type instructions struct {
	Dialect sqlstore.Dialect `json:"dialect"`
	DSN     string           `json:"dsn"`
	// Life counts the children from 1.
	Life     int    `json:"life"`
	Seed     uint64 `json:"seed"`
	Selling  bool   `json:"selling"`
	Elevate  string `json:"elevate"`
	Notified string `json:"notified"`
}

// What a child says, a line each.
const (
	saysRunning    = "running"
	saysRolledBack = "rolledback"
)

// ChildMain runs the child and ends the process, where the process is one; in
// any other it returns at once. Programs and tests that call [Run] must call
// it first of all.
func ChildMain() {
	text, ok := os.LookupEnv(childVariable)
	if !ok {
		return
	}
	var in instructions
	err := json.Unmarshal([]byte(text), &in)
	if err == nil {
		err = in.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run sells and sends until standard input ends, as it does too when the parent
// dies.
func (in instructions) run() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	db, err := openShop(in.Dialect, in.DSN)
	if err != nil {
		return err
	}
	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db.DB, Dialect: in.Dialect})
	if err != nil {
		return err
	}
	sender, err := in.sender(store)
	if err != nil {
		return err
	}
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog{}, Wake: sender.Wake})
	if err != nil {
		return err
	}
	fmt.Println(saysRunning)
	var wg sync.WaitGroup
	failed := make(chan error, buyers)
	if in.Selling {
		var lines atomic.Int64
		for b := range buyers {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(in.Seed, uint64(in.Life*buyers+b)))
				if err := in.sell(ctx, rng, b, db, hook, &lines); err != nil && ctx.Err() == nil {
					failed <- err
					cancel()
				}
			})
		}
	}
	err = sender.Run(ctx)
	wg.Wait()
	close(failed)
	return errors.Join(err, <-failed, db.Close())
}

func (in instructions) sender(store *sqlstore.Store) (*outbox.Sender, error) {
	lms, err := elevate.New(elevate.Config{
		Endpoint: in.Elevate + "/api/registration", AllowLoopbackHTTP: true,
		Credentials: elevate.Key(secret), Profile: elevate.GuessedProfile(),
	})
	if err != nil {
		return nil, err
	}
	events, err := notified.New(notified.Config{
		AuthCode: secret, Credentials: secret, BaseURL: in.Notified + "/scripts/Server.nxp", AllowLoopbackHTTP: true,
	})
	if err != nil {
		return nil, err
	}
	return outbox.NewSender(store, outbox.SenderConfig{
		Destinations:   outbox.Fixed{"elevate": lms, "notified": events},
		DeliverTimeout: 500 * time.Millisecond, SettleTimeout: 500 * time.Millisecond,
		Margin: 200 * time.Millisecond, Lease: Lease, Poll: 250 * time.Millisecond,
		Retry:  outbox.Retry{First: 50 * time.Millisecond, Longest: 200 * time.Millisecond},
		Logger: slog.New(slog.DiscardHandler),
	})
}

var errChangedMind = errors.New("crash: the shop rolls back")

// sell takes orders, each in one transaction with its pushes, and rolls every
// seventh back; which of them is first depends on the buyer.
func (in instructions) sell(ctx context.Context, rng *rand.Rand, buyer int, db *shop, hook *amsbridge.Hook[*sql.Tx], lines *atomic.Int64) error {
	for taken := buyer; ; taken++ {
		n := int(lines.Add(2)) - 2
		if n+2 > maxLines {
			<-ctx.Done()
			return nil
		}
		o, rollBack := newSale(rng, in.Life, n), taken%7 == 0
		err := sqlstore.InTx(ctx, db.DB, hook.Wake, func(tx *sql.Tx) error {
			queued, err := hook.OrderCompleted(ctx, tx, o.order)
			if err != nil {
				return err
			}
			if len(queued.Parked) > 0 {
				return errors.New("crash: the hook parked a sound order")
			}
			if err := db.insert(ctx, tx, o); err != nil {
				return err
			}
			if rollBack {
				return errChangedMind
			}
			return nil
		})
		switch {
		case errors.Is(err, errChangedMind):
			fmt.Println(saysRolledBack, len(o.pushes))
		case err != nil:
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Duration(rng.IntN(50)) * time.Millisecond):
		}
	}
}
