// Package crash proves that nothing is lost, whatever dies. A child process
// takes orders, rolls some of them back, and sends; it is killed at moments of
// all kinds and started again. Now and then the database is struck in its place:
// its server is crashed and started again, or all connections are cut, while the
// child must live on. The two sandboxes live in the parent. What the shop
// committed, by its own table, is then compared with what the platforms'
// journals say.
package crash

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// Config says what is crashed.
type Config struct {
	// Place is the database, from [With].
	Place Place
	// Kills is how many blows are struck.
	Kills int
	// Lease is how long messages are leased, more than a second. Defaults to
	// [DefaultLease].
	Lease time.Duration
	// Pause is the longest that a buyer rests between two orders. Defaults to
	// [DefaultPause].
	Pause time.Duration
	// Seed decides the moments of the blows, the orders and the platforms'
	// faults; not what the scheduler makes of them.
	Seed uint64
}

// patience bounds every wait for something that must happen.
const patience = time.Minute

// rig is a run under way.
type rig struct {
	cfg       Config
	shop      books
	platforms *platforms
	report    Report
	held      held
}

// held is what was under lease when a blow was struck.
type held struct {
	at   time.Time
	rows map[int64]queued
	// processOnly: the database stayed up.
	processOnly bool
}

// Run strikes the blows and counts. The error says that the run itself failed;
// what it found is for [Report.Check].
func Run(ctx context.Context, cfg Config) (report Report, err error) {
	e := cfg.Place.engine
	if cfg.Lease == 0 {
		cfg.Lease = DefaultLease
	}
	if cfg.Pause == 0 {
		cfg.Pause = DefaultPause
	}
	report = Report{Engine: e.name, Lease: cfg.Lease, Kills: cfg.Kills, Blows: map[string]int{}, Parked: map[string]int{}}
	db, err := open(e.driver, cfg.Place.dsn)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	r := &rig{cfg: cfg, shop: books{db}, report: report}
	if err := r.shop.create(ctx, e); err != nil {
		return report, err
	}
	if r.platforms, err = startPlatforms(cfg.Kills+1, cfg.Seed); err != nil {
		return report, err
	}
	err = r.crash(ctx)
	r.platforms.close()
	if err != nil {
		return r.report, err
	}
	committed, err := r.shop.committed(ctx)
	if err != nil {
		return r.report, err
	}
	received, err := r.platforms.received()
	r.report.count(committed, received)
	return r.report, err
}

func (r *rig) crash(ctx context.Context) error {
	rng := rand.New(rand.NewPCG(r.cfg.Seed, 0))
	for i, b := range plan(r.cfg.Kills, r.cfg.Place.server != nil) {
		if err := r.live(ctx, rng, i+1, b); err != nil {
			return fmt.Errorf("life %d, which ends by %s: %w", i+1, b, err)
		}
		r.report.Blows[b.what]++
		if len(r.held.rows) > 0 {
			r.report.Met++
		}
	}
	return r.drain(ctx)
}

// live is one child's life, and the blow in it.
func (r *rig) live(ctx context.Context, rng *rand.Rand, life int, b blow) error {
	child, err := r.spawn(life, true, b.what != killProcess)
	if err != nil {
		return err
	}
	moment := time.Duration(20+rng.IntN(381)) * time.Millisecond
	err = child.awaitStart(ctx)
	switch {
	case err != nil:
	case b.when == atLease:
		moment = 0
		err = r.await(ctx, func(ctx context.Context) (bool, error) {
			rows, err := r.shop.queued(ctx, leased)
			maps.DeleteFunc(rows, func(id int64, _ queued) bool {
				_, old := r.held.rows[id]
				return old
			})
			return len(rows) > 0, err
		})
	case b.when == onceRecovered:
		err = r.recovered(ctx)
	}
	if err == nil {
		err = wait(ctx, moment)
	}
	if err != nil {
		return errors.Join(err, child.kill())
	}
	if b.what == killProcess {
		err = r.killProcess(ctx, child)
	} else {
		err = errors.Join(r.strikeDatabase(ctx, b), child.stop())
	}
	r.report.RolledBack += child.rolledBack
	return err
}

func (r *rig) killProcess(ctx context.Context, child *process) error {
	at := time.Now()
	if err := child.kill(); err != nil {
		return err
	}
	rows, err := r.shop.queued(ctx, leased)
	r.held = held{at: at, rows: rows, processOnly: true}
	return err
}

// strikeDatabase strikes, and waits until the child, which lives on, has sent
// what it held and sold something more.
func (r *rig) strikeDatabase(ctx context.Context, b blow) error {
	rows, err := r.shop.queued(ctx, leased)
	if err != nil {
		return err
	}
	r.held = held{at: time.Now(), rows: rows}
	server := r.cfg.Place.server
	if b.what == cutConnections {
		err = server.Cut(ctx)
	} else if err = server.Crash(ctx); err == nil {
		err = server.Restart(ctx)
	}
	if err != nil {
		return err
	}
	var sold int
	if err := r.await(ctx, func(ctx context.Context) (ok bool, err error) {
		sold, err = r.shop.orders(ctx)
		return err == nil, err
	}); err != nil {
		return err
	}
	if err := r.recovered(ctx); err != nil {
		return err
	}
	return r.await(ctx, func(ctx context.Context) (bool, error) {
		n, err := r.shop.orders(ctx)
		return n > sold, err
	})
}

func (r *rig) spawn(life int, selling, rough bool) (*process, error) {
	return spawn(instructions{
		Engine: r.cfg.Place.engine.name, DSN: r.cfg.Place.dsn, Life: life, Seed: r.cfg.Seed, Selling: selling,
		Lease: r.cfg.Lease, Pause: r.cfg.Pause, Rough: rough,
		Elevate: r.platforms.elevateServer.URL, Notified: r.platforms.notifiedHTTP.URL,
	})
}

// drain lets a last child deliver what is left, without new orders.
func (r *rig) drain(ctx context.Context) error {
	child, err := r.spawn(r.cfg.Kills+1, false, false)
	if err != nil {
		return err
	}
	err = child.awaitStart(ctx)
	if err == nil {
		err = r.recovered(ctx)
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
	r.report.Parked, err = r.shop.reasons(ctx)
	return err
}

// recovered waits until none of what was held is queued any more. Meanwhile the
// platforms do not fail: how long a sender waits before it tries them again is
// not what is measured.
func (r *rig) recovered(ctx context.Context) error {
	r.platforms.calm.Store(true)
	defer r.platforms.calm.Store(false)
	var took, suspects time.Duration
	var last int64
	waiting := maps.Clone(r.held.rows)
	err := r.await(ctx, func(ctx context.Context) (bool, error) {
		rows, err := r.shop.queued(ctx, pending)
		if err != nil {
			return false, err
		}
		since := time.Since(r.held.at)
		for id, q := range waiting {
			if _, still := rows[id]; still {
				continue
			}
			delete(waiting, id)
			if q.lost+1 >= outbox.SuspectAfter {
				suspects = since
			} else {
				took, last = since, id
			}
		}
		return len(waiting) == 0, nil
	})
	switch {
	case err != nil:
		return err
	case !r.held.processOnly:
		r.report.DatabaseRecoveryMax = max(r.report.DatabaseRecoveryMax, took, suspects)
	case suspects > 0: // others wait while one of them has its turn
		r.report.SuspectsMax = max(r.report.SuspectsMax, took, suspects)
	case took > r.report.RecoveryMax:
		r.report.RecoveryMax = took
		r.report.Slowest, err = r.story(ctx, last, took)
	}
	r.held.rows = nil
	return err
}

// await asks every few milliseconds until the answer is yes. An error counts as
// no: a connection may be one that was cut.
func (r *rig) await(ctx context.Context, done func(context.Context) (bool, error)) error {
	bound, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := done(bound)
		if ok && err == nil {
			return nil
		}
		if wait(bound, 5*time.Millisecond) != nil {
			return errors.Join(ctx.Err(), fmt.Errorf("it did not happen within %s", patience), err)
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
