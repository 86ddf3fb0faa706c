package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// Outbox is a store in a database of its own, and the shop around it.
type Outbox interface {
	outbox.Queue
	outbox.Handing
	outbox.Inspector
	// Place does what is asked for an order in a transaction of its own. Then it
	// calls committed, if not nil.
	Place(ctx context.Context, order amsbridge.Order, what Doing, committed func()) error
	// Insert stores messages in a transaction of its own.
	Insert(ctx context.Context, msgs []outbox.Message) error
	// Exec runs a statement outside any transaction.
	Exec(ctx context.Context, statement string) error
	// Number runs a query whose answer is one whole number.
	Number(ctx context.Context, query string) (int64, error)
	// Version is what the database calls itself, and the way to it.
	Version(ctx context.Context) (string, error)
	// Trips is how many round trips to the server there were so far.
	Trips() int64
	// Close ends the connections and drops the database.
	Close() error
}

// Doing says what a transaction does for an order.
type Doing struct {
	Row  bool // store the order's row
	Push bool // store the order's pushes, by the hook
}

// What a checkout does, and what it would do without an outbox.
var (
	orderAlone   = Doing{Row: true}
	orderAndPush = Doing{Row: true, Push: true}
)

// ordersTable works on every engine.
const ordersTable = "CREATE TABLE shop_order (id VARCHAR(64) PRIMARY KEY, buyer VARCHAR(255) NOT NULL, total BIGINT NOT NULL)"

// price is what every order costs.
const price = 12900

// store is all that a store can do.
type store[Tx any] interface {
	outbox.Writer[Tx]
	outbox.Queue
	outbox.Handing
	outbox.Inspector
}

// shop is an Outbox, but for the plain SQL.
type shop[Tx any] struct {
	store[Tx]
	hook *amsbridge.Hook[Tx]
	inTx func(ctx context.Context, committed func(), fn func(Tx) error) error
	// plain is the driver's own way to do so, for what does without an outbox. Defaults to inTx.
	plain func(ctx context.Context, committed func(), fn func(Tx) error) error
	// row inserts into shop_order.
	row   func(ctx context.Context, tx Tx, id, buyer string, total int) error
	trips *atomic.Int64
}

func newShop[Tx any](s store[Tx]) (shop[Tx], error) {
	hook, err := amsbridge.NewHook[Tx](s, amsbridge.HookConfig{Catalog: oneCourse{}})
	return shop[Tx]{store: s, hook: hook, trips: &atomic.Int64{}}, err
}

func (s *shop[Tx]) Place(ctx context.Context, order amsbridge.Order, what Doing, committed func()) error {
	inTx := s.inTx
	if !what.Push && s.plain != nil {
		inTx = s.plain
	}
	return inTx(ctx, committed, func(tx Tx) error {
		if what.Row {
			if err := s.row(ctx, tx, order.ID, string(order.Buyer.ID), price); err != nil {
				return err
			}
		}
		if !what.Push {
			return nil
		}
		report, err := s.hook.OrderCompleted(ctx, tx, order)
		if err == nil && len(report.Entries) == 0 {
			err = fmt.Errorf("bench: order %s made no push", order.ID)
		}
		return err
	})
}

func (s *shop[Tx]) Insert(ctx context.Context, msgs []outbox.Message) error {
	return s.inTx(ctx, nil, func(tx Tx) error {
		_, err := s.InsertTx(ctx, tx, msgs...)
		return err
	})
}

func (s *shop[Tx]) Trips() int64 { return s.trips.Load() }

// cashiers take orders at the same time.
const cashiers = 8

// rush calls place n times from eight goroutines, with numbers that no call had
// before, and returns how long that took.
func rush(ctx context.Context, n int, place func(ctx context.Context, number int64) error) (time.Duration, error) {
	first := numbers.Add(int64(n)) - int64(n)
	var taken atomic.Int64
	var mu sync.Mutex
	var all error
	var wg sync.WaitGroup
	begun := time.Now()
	for range cashiers {
		wg.Go(func() {
			for {
				i := taken.Add(1)
				if i > int64(n) {
					return
				}
				if err := place(ctx, first+i); err != nil {
					mu.Lock()
					all = errors.Join(all, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begun), all
}

// numbers gives each order and each person one of its own.
var numbers atomic.Int64
