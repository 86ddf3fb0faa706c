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

// shop does what the market's seasons say.
type shop struct {
	db   *sql.DB
	hook *amsbridge.Hook[*sql.Tx]
	// locked counts the transactions that a busy SQLite refused to begin.
	locked atomic.Int64
}

// work does all that the acts say, what is about one order one after the other. Orders
// that are reported twice are so at once, with their lines in another order.
func (s *shop) work(ctx context.Context, acts []act) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next [buyers]chan act
	var wg sync.WaitGroup
	for i := range next {
		next[i] = make(chan act)
		wg.Go(func() {
			for a := range next[i] {
				if err := s.do(ctx, a); err != nil {
					cancel(fmt.Errorf("%s: %w", a, err))
				}
			}
		})
	}
	buyer := map[*sale]int{}
	for _, a := range acts {
		if _, ok := buyer[a.sale]; !ok {
			buyer[a.sale] = len(buyer) % buyers
		}
		select {
		case next[buyer[a.sale]] <- a:
		case <-ctx.Done():
		}
	}
	for _, c := range next {
		close(c)
	}
	wg.Wait()
	return context.Cause(ctx)
}

func (s *shop) do(ctx context.Context, a act) error {
	switch a.does {
	case refunds:
		return s.refund(ctx, a)
	case reverses:
		return s.call(ctx, func(tx *sql.Tx) (*amsbridge.Report, error) {
			return s.hook.RefundReversed(ctx, tx, "r-"+a.order.ID, a.order)
		}, nil)
	case swaps:
		return s.call(ctx, func(tx *sql.Tx) (*amsbridge.Report, error) {
			return s.hook.OrderCompleted(ctx, tx, a.order)
		}, nil)
	}
	return s.take(ctx, *a.sale)
}

// call makes a call of the hook in a transaction of its own, and has its report checked.
func (s *shop) call(
	ctx context.Context, hook func(tx *sql.Tx) (*amsbridge.Report, error), check func(*amsbridge.Report) error,
) error {
	return s.retryBusy(ctx, func() error {
		return sqlstore.InTx(ctx, s.db, s.hook.Wake, func(tx *sql.Tx) error {
			r, err := hook(tx)
			if err == nil && check != nil {
				err = check(r)
			}
			return err
		})
	})
}

// refund reports a refund twice.
func (s *shop) refund(ctx context.Context, a act) error {
	refund := func(tx *sql.Tx) (*amsbridge.Report, error) { return s.hook.OrderRefunded(ctx, tx, a.refund) }
	err := s.call(ctx, refund, nil)
	if err != nil {
		return err
	}
	return s.call(ctx, refund, func(r *amsbridge.Report) error {
		if doing(r, amsbridge.DidTakingBack) > 0 {
			return errors.New("chaos: the hook takes back twice for one refund")
		}
		return nil
	})
}

// take reports an order.
func (s *shop) take(ctx context.Context, o sale) error {
	report := func(again bool) error {
		return s.call(ctx, func(tx *sql.Tx) (*amsbridge.Report, error) { return s.hook.OrderCompleted(ctx, tx, o.order) },
			func(r *amsbridge.Report) error {
				if err := o.check(r, again); err != nil {
					return err
				}
				if o.rolledBack {
					return errChangedMind
				}
				return nil
			})
	}
	err := report(false)
	if o.rolledBack && errors.Is(err, errChangedMind) {
		return nil
	}
	if err == nil && o.twice {
		o.order.Lines = slices.Clone(o.order.Lines)
		slices.Reverse(o.order.Lines)
		err = report(true)
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

// doing counts what a report says was done in one way.
func doing(r *amsbridge.Report, did amsbridge.Did) (n int) {
	for _, e := range r.Entries {
		if e.Did == did {
			n++
		}
	}
	return n
}

// check compares what the hook says of the first report, and of its repeat, with what was wanted.
func (o sale) check(r *amsbridge.Report, again bool) error {
	queued, staff := doing(r, amsbridge.DidQueued), doing(r, amsbridge.DidNeedsStaff)
	switch {
	case again && queued > 0:
		return errors.New("chaos: the hook takes a repeat for new")
	case !again && (queued != o.queued || staff != o.staff):
		return fmt.Errorf("chaos: the hook queued %d pushes of %d, and told staff of %d of %d",
			queued, o.queued, staff, o.staff)
	}
	return nil
}

// isTask reports whether the line is a task of its order, of which nothing is sent.
func (w wanted) isTask() bool { return w.fate == unmapped || w.fate == malformed }
