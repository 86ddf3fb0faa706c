package bench

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// cashiers take orders at the same time.
const cashiers = 8

// Enqueue places n orders, each in a transaction of its own from one of eight
// goroutines: the order's row alone or, with push set, the row and one push to
// Elevate. It returns how long that took.
func (s *Shop) Enqueue(ctx context.Context, n int, push bool) (time.Duration, error) {
	orders := make(chan amsbridge.Order, n)
	for range n {
		orders <- s.newOrder()
	}
	close(orders)
	failed := make(chan error, cashiers)
	var wg sync.WaitGroup
	begun := time.Now()
	for range cashiers {
		wg.Go(func() {
			for order := range orders {
				if err := s.place(ctx, order, push); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(begun)
	close(failed)
	var all []error
	for err := range failed {
		all = append(all, err)
	}
	return took, errors.Join(all...)
}

func (s *Shop) place(ctx context.Context, order amsbridge.Order, push bool) error {
	statement := "INSERT INTO shop_order (id, buyer, total) VALUES ($1, $2, $3)"
	if s.dialect == sqlstore.SQLite {
		statement = "INSERT INTO shop_order (id, buyer, total) VALUES (?, ?, ?)"
	}
	return sqlstore.InTx(ctx, s.db, nil, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, statement, order.ID, string(order.Buyer.ID), 12900); err != nil {
			return err
		}
		if !push {
			return nil
		}
		_, err := s.hook.OrderCompleted(ctx, tx, order)
		return err
	})
}

// Discard empties the outbox of what Enqueue left, unsent.
func (s *Shop) Discard(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM amsbridge_queue")
	return err
}
