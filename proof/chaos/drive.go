package chaos

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/shopdb"
)

// step is the grain of the clock's jumps: what falls due soon after goes along.
const step = 5 * time.Minute

// drive lets the clock jump whenever nothing can happen at its present moment,
// until the shop has sold all and nothing is pending.
func (r *rig) drive(ctx context.Context, sold <-chan error) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	selling, settled, since := true, int64(0), time.Now()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-sold:
			if err != nil {
				return err
			}
			selling, sold = false, nil
		case <-tick.C:
		}
		if n := r.queue.settled.Load(); n != settled {
			settled, since = n, time.Now()
		}
		if time.Since(since) > patience && !selling {
			return errors.New("chaos: nothing was settled for a minute")
		}
		done, err := r.rest(ctx)
		if err != nil {
			return err
		}
		if done && !selling {
			return nil
		}
	}
}

// rest does nothing while anything is under way: at a sender, or at a platform
// whose caller has gone. Otherwise it jumps to the next moment at which there is
// something to do, and tells whether there is none.
func (r *rig) rest(ctx context.Context) (done bool, err error) {
	if r.busy() {
		return false, nil
	}
	r.queue.mu.Lock()
	defer r.queue.mu.Unlock()
	if r.busy() {
		return false, nil
	}
	next, err := r.next(ctx)
	if err != nil || next.IsZero() {
		return next.IsZero(), err
	}
	if next.After(r.clock.now()) {
		r.clock.jump(next.Truncate(step).Add(step))
		r.report.Jumps++
	}
	r.wake()
	return false, nil
}

func (r *rig) busy() bool { return r.queue.leased.Load() != 0 || r.platforms.calls.Load() != 0 }

// next is the earliest moment at which a pending message may be sent; zero where
// none is pending.
func (r *rig) next(ctx context.Context) (next time.Time, err error) {
	destinations, err := r.store.Destinations(ctx)
	if err != nil {
		return next, err
	}
	opens := map[string]time.Time{}
	for _, d := range destinations {
		opens[d.Name] = d.HeldUntil
		if d.Pausing != outbox.NotPaused && d.ProbeAt.After(d.HeldUntil) {
			opens[d.Name] = d.ProbeAt
		}
	}
	err = shopdb.EachRow(ctx, r.db, "SELECT destination, MIN(due_at) FROM amsbridge_queue WHERE state = 0 GROUP BY destination",
		func(rows *sql.Rows) error {
			var name []byte
			var due int64
			if err := rows.Scan(&name, &due); err != nil {
				return err
			}
			at := time.UnixMicro(due)
			if o := opens[string(name)]; o.After(at) {
				at = o
			}
			if next.IsZero() || at.Before(next) {
				next = at
			}
			return nil
		})
	if err != nil {
		return next, fmt.Errorf("chaos: what is pending: %w", err)
	}
	return next, nil
}
