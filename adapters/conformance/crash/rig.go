// Package crash proves that kill -9 loses nothing. A child process takes
// orders, rolls some of them back, and sends; it is killed at random moments
// and started again, while the two sandboxes live on in the parent. What the
// shop committed, by its own table, is then compared with what the platforms'
// journals say.
package crash

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// Config says what is crashed.
type Config struct {
	// Dialect and DSN are those of an empty database that the run may fill.
	Dialect sqlstore.Dialect
	DSN     string
	// Kills is how many children are killed.
	Kills int
	// Seed decides the moments of the kills, the orders and the platforms'
	// faults; not what the scheduler makes of them.
	Seed uint64
}

// patience bounds every wait for something that must happen.
const patience = time.Minute

// rig is a run under way.
type rig struct {
	cfg       Config
	shop      *shop
	platforms *platforms
	report    Report
}

// Run kills the children and counts. The error says that the run itself failed;
// what it found is for [Report.Check].
func Run(ctx context.Context, cfg Config) (report Report, err error) {
	db, err := openShop(cfg.Dialect, cfg.DSN)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.create(ctx); err != nil {
		return report, err
	}
	both, err := startPlatforms(cfg.Kills+1, cfg.Seed)
	if err != nil {
		return report, err
	}
	r := &rig{cfg: cfg, shop: db, platforms: both, report: Report{Dialect: cfg.Dialect, Kills: cfg.Kills}}
	err = r.crash(ctx)
	both.close()
	if err != nil {
		return r.report, err
	}
	committed, err := db.committed(ctx)
	if err != nil {
		return r.report, err
	}
	received, err := both.received()
	r.report.count(committed, received)
	return r.report, err
}

func (r *rig) crash(ctx context.Context) error {
	rng := rand.New(rand.NewPCG(r.cfg.Seed, 0))
	underWay := map[int64]bool{}
	for life := 1; life <= r.cfg.Kills; life++ {
		restarted := time.Now()
		child, err := r.spawn(life, true)
		if err != nil {
			return err
		}
		moment := time.Duration(20+rng.IntN(381)) * time.Millisecond
		err = child.awaitStart(ctx)
		// One child in three is killed at the sight of a lease, one after those of
		// the dead one before it have ended, and one just then.
		switch {
		case err != nil:
		case life%3 == 1:
			moment = 0
			err = r.await(ctx, func(ctx context.Context) (bool, error) {
				ids, err := r.shop.queued(ctx, leased)
				maps.DeleteFunc(ids, func(id int64, _ bool) bool { return underWay[id] })
				return len(ids) > 0, err
			})
		case life%3 == 2:
			err = r.recovered(ctx, underWay, restarted)
		}
		if err == nil {
			err = wait(ctx, moment)
		}
		if err := errors.Join(err, child.kill()); err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
		r.report.RolledBack += child.rolledBack
		if underWay, err = r.shop.queued(ctx, leased); err != nil {
			return err
		}
		if len(underWay) > 0 {
			r.report.Met++
		}
	}
	return r.drain(ctx, underWay)
}

func (r *rig) spawn(life int, selling bool) (*process, error) {
	return spawn(instructions{
		Dialect: r.cfg.Dialect, DSN: r.cfg.DSN, Life: life, Seed: r.cfg.Seed, Selling: selling,
		Elevate: r.platforms.elevateServer.URL, Notified: r.platforms.notifiedHTTP.URL,
	})
}

// drain lets a last child deliver what is left, without new orders.
func (r *rig) drain(ctx context.Context, underWay map[int64]bool) error {
	restarted := time.Now()
	child, err := r.spawn(r.cfg.Kills+1, false)
	if err != nil {
		return err
	}
	err = child.awaitStart(ctx)
	if err == nil {
		err = r.recovered(ctx, underWay, restarted)
	}
	if err == nil {
		err = r.await(ctx, func(ctx context.Context) (bool, error) {
			ids, err := r.shop.queued(ctx, pending)
			return len(ids) == 0, err
		})
	}
	if err != nil {
		return errors.Join(fmt.Errorf("drain: %w", err), child.kill())
	}
	if err := child.stop(); err != nil {
		return err
	}
	left, err := r.shop.queued(ctx, parked)
	r.report.Left = len(left)
	return err
}

// recovered waits until none of the messages is queued any more.
func (r *rig) recovered(ctx context.Context, underWay map[int64]bool, restarted time.Time) error {
	if len(underWay) == 0 {
		return nil
	}
	err := r.await(ctx, func(ctx context.Context) (bool, error) {
		ids, err := r.shop.queued(ctx, pending)
		for id := range underWay {
			if ids[id] {
				return false, err
			}
		}
		return err == nil, err
	})
	r.report.RecoveryMax = max(r.report.RecoveryMax, time.Since(restarted))
	return err
}

// await asks every few milliseconds until the answer is yes.
func (r *rig) await(ctx context.Context, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("crash: it did not happen within a minute"))
	defer cancel()
	for {
		ok, err := done(ctx)
		if ok || err != nil {
			return err
		}
		if err := wait(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
