package chaos

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// buyers take orders at the same time.
const buyers = 4

var errChangedMind = errors.New("chaos: the shop rolls back")

// shop takes the market's orders.
type shop struct {
	db   *sql.DB
	hook *amsbridge.Hook[*sql.Tx]
	// locked counts the transactions that a busy SQLite refused to begin.
	locked atomic.Int64
}

// sell takes all orders, each in one transaction with its pushes. Those that
// are reported twice are so at once, with their lines in another order.
func (s *shop) sell(ctx context.Context, sales []sale) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan sale)
	var wg sync.WaitGroup
	for range buyers {
		wg.Go(func() {
			for o := range next {
				if err := s.take(ctx, o); err != nil {
					cancel(fmt.Errorf("order %s: %w", o.order.ID, err))
				}
			}
		})
	}
	for _, o := range sales {
		select {
		case next <- o:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

func (s *shop) take(ctx context.Context, o sale) error {
	report := func(again bool) error {
		return sqlstore.InTx(ctx, s.db, s.hook.Wake, func(tx *sql.Tx) error {
			queued, err := s.hook.OrderCompleted(ctx, tx, o.order)
			if err != nil {
				return err
			}
			if err := o.check(queued, again); err != nil {
				return err
			}
			if o.rolledBack {
				return errChangedMind
			}
			return nil
		})
	}
	err := s.retryBusy(ctx, func() error { return report(false) })
	if o.rolledBack && errors.Is(err, errChangedMind) {
		return nil
	}
	if err == nil && o.twice {
		o.order.Lines = slices.Clone(o.order.Lines)
		slices.Reverse(o.order.Lines)
		err = s.retryBusy(ctx, func() error { return report(true) })
	}
	return err
}

// retryBusy repeats a checkout for which SQLite's lock was not free, as a shop
// does: who waits for the lock is not served in turn, and gives up in the end.
func (s *shop) retryBusy(ctx context.Context, checkout func() error) error {
	for {
		err := checkout()
		var code interface{ Code() int }
		if !errors.As(err, &code) || code.Code()&0xff != sqliteBusy || ctx.Err() != nil {
			return err
		}
		s.locked.Add(1)
	}
}

const sqliteBusy = 5

// check compares what the hook says with what was wanted.
func (o sale) check(queued *amsbridge.Queued, again bool) error {
	parked := 0
	for _, w := range o.wants {
		if w.bornParked() {
			parked++
		}
	}
	if len(queued.Messages) != len(o.wants)-parked || len(queued.Parked) != parked {
		return fmt.Errorf("chaos: the hook queued %d pushes and parked %d of %d", len(queued.Messages), len(queued.Parked), len(o.wants))
	}
	for _, q := range queued.Messages {
		if q.Duplicate != again {
			return errors.New("chaos: the hook takes a repeat for new, or what is new for a repeat")
		}
	}
	return nil
}

// bornParked reports whether the push needs a person before anything is sent.
func (w wanted) bornParked() bool { return w.fate == unmapped || w.fate == malformed }
