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
func (e *env) drive(ctx context.Context, sold <-chan error) error {
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
		if n := e.queue.settled.Load(); n != settled {
			settled, since = n, time.Now()
		}
		if time.Since(since) > waitLimit && !selling {
			return errors.New("chaos: nothing was settled for a minute")
		}
		done, err := e.jumpWhenIdle(ctx)
		if err != nil {
			return err
		}
		if done && !selling {
			return nil
		}
	}
}

// jumpWhenIdle does nothing while a sender or a platform, whose caller may have
// gone, is at work. Otherwise it sets the clock to the next moment at which there
// is something to do; done says that there is none.
func (e *env) jumpWhenIdle(ctx context.Context) (done bool, err error) {
	if e.busy() {
		return false, nil
	}
	e.queue.jumping.Lock()
	defer e.queue.jumping.Unlock()
	if e.busy() {
		return false, nil
	}
	next, err := e.nextDue(ctx)
	if err != nil || next.IsZero() {
		return next.IsZero(), err
	}
	if next.After(e.clock.now()) {
		e.clock.jump(next.Truncate(step).Add(step))
		e.report.Jumps++
	}
	e.wake()
	return false, nil
}

func (e *env) busy() bool { return e.queue.sending() || e.platforms.calls.Load() != 0 }

// nextDue is the earliest moment at which a pending message may be sent; zero where
// none is pending.
func (e *env) nextDue(ctx context.Context) (next time.Time, err error) {
	destinations, err := e.store.Destinations(ctx)
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
	err = shopdb.EachRow(ctx, e.db, "SELECT destination, MIN(COALESCE(due_at, 0)) FROM amsbridge_queue WHERE state = 0 GROUP BY destination",
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
