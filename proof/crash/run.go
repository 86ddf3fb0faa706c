// Package crash proves that nothing is lost, whatever dies. A child process
// takes orders, rolls some of them back, and sends; it is killed at moments of
// all kinds and started again. Now and then it is the database that fails: its
// server is crashed and started again, or all connections are cut, while the child
// must go on. The two sandboxes live in the parent. What the shop
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
	// Database is from [With].
	Database Database
	// Kills is how many faults there are.
	Kills int
	// Lease is how long messages are leased, more than a second. Defaults to
	// [DefaultLease].
	Lease time.Duration
	// Pause is the longest that a buyer rests between two orders. Defaults to
	// [DefaultPause].
	Pause time.Duration
	// Seed decides the moments of the faults, the orders and the platforms'
	// faults; not what the scheduler makes of them.
	Seed uint64
}

// patience bounds every wait for something that must happen.
const waitLimit = time.Minute

// env is what a run runs in.
type env struct {
	cfg       Config
	shop      shopDB
	platforms *platforms
	report    Report
	held      held
}

// held is what was under lease at the moment of a fault.
type held struct {
	at   time.Time
	rows map[int64]queued
	// processOnly: the database stayed up.
	processOnly bool
}

// Run causes the faults and counts. The error says that the run itself failed;
// what it found is for [Report.Check].
func Run(ctx context.Context, cfg Config) (report Report, err error) {
	engine := cfg.Database.engine
	if cfg.Lease == 0 {
		cfg.Lease = DefaultLease
	}
	if cfg.Pause == 0 {
		cfg.Pause = DefaultPause
	}
	report = Report{Engine: engine.name, Lease: cfg.Lease, Kills: cfg.Kills, Faults: map[string]int{}, Parked: map[string]int{}}
	db, err := open(engine.driver, cfg.Database.dsn)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	e := &env{cfg: cfg, shop: shopDB{db}, report: report}
	if err := e.shop.create(ctx, engine); err != nil {
		return report, err
	}
	if e.platforms, err = startPlatforms(cfg.Kills+1, cfg.Seed); err != nil {
		return report, err
	}
	err = e.faultAll(ctx)
	e.platforms.close()
	if err != nil {
		return e.report, err
	}
	committed, err := e.shop.committed(ctx)
	if err != nil {
		return e.report, err
	}
	received, err := e.platforms.received()
	e.report.count(committed, received)
	return e.report, err
}

func (e *env) faultAll(ctx context.Context) error {
	rng := rand.New(rand.NewPCG(e.cfg.Seed, 0))
	for i, f := range planFaults(e.cfg.Kills, e.cfg.Database.server != nil) {
		if err := e.runChild(ctx, rng, i+1, f); err != nil {
			return fmt.Errorf("child %d, which ends by %s: %w", i+1, f, err)
		}
		e.report.Faults[f.what]++
		if len(e.held.rows) > 0 {
			e.report.Met++
		}
	}
	return e.drain(ctx)
}

// runChild runs one child until the fault that ends it, or that it outlives.
func (e *env) runChild(ctx context.Context, rng *rand.Rand, number int, f fault) error {
	child, err := e.spawn(number, true, f.what != killProcess)
	if err != nil {
		return err
	}
	moment := time.Duration(20+rng.IntN(381)) * time.Millisecond
	err = child.awaitStart(ctx)
	switch {
	case err != nil:
	case f.when == atLease:
		moment = 0
		err = e.await(ctx, func(ctx context.Context) (bool, error) {
			rows, err := e.shop.queued(ctx, leased)
			maps.DeleteFunc(rows, func(id int64, _ queued) bool {
				_, old := e.held.rows[id]
				return old
			})
			return len(rows) > 0, err
		})
	case f.when == onceRecovered:
		err = e.recovered(ctx)
	}
	if err == nil {
		err = wait(ctx, moment)
	}
	if err != nil {
		return errors.Join(err, child.kill())
	}
	if f.what == killProcess {
		err = e.killProcess(ctx, child)
	} else {
		err = errors.Join(e.faultDatabase(ctx, f), child.stop())
	}
	e.report.RolledBack += child.rolledBack
	return err
}

func (e *env) killProcess(ctx context.Context, child *process) error {
	at := time.Now()
	if err := child.kill(); err != nil {
		return err
	}
	rows, err := e.shop.queued(ctx, leased)
	e.held = held{at: at, rows: rows, processOnly: true}
	return err
}

// faultDatabase causes a fault, and waits until the child, which goes on, has sent
// what it held and sold something more.
func (e *env) faultDatabase(ctx context.Context, f fault) error {
	rows, err := e.shop.queued(ctx, leased)
	if err != nil {
		return err
	}
	e.held = held{at: time.Now(), rows: rows}
	server := e.cfg.Database.server
	if f.what == cutConnections {
		err = server.Cut(ctx)
	} else if err = server.Crash(ctx); err == nil {
		err = server.Restart(ctx)
	}
	if err != nil {
		return err
	}
	var sold int
	if err := e.await(ctx, func(ctx context.Context) (ok bool, err error) {
		sold, err = e.shop.orders(ctx)
		return err == nil, err
	}); err != nil {
		return err
	}
	if err := e.recovered(ctx); err != nil {
		return err
	}
	return e.await(ctx, func(ctx context.Context) (bool, error) {
		n, err := e.shop.orders(ctx)
		return n > sold, err
	})
}

func (e *env) spawn(number int, selling, rough bool) (*process, error) {
	return spawn(instructions{
		Engine: e.cfg.Database.engine.name, DSN: e.cfg.Database.dsn, Number: number, Seed: e.cfg.Seed, Selling: selling,
		Lease: e.cfg.Lease, Pause: e.cfg.Pause, Rough: rough,
		Elevate: e.platforms.elevateServer.URL, Notified: e.platforms.notifiedHTTP.URL,
	})
}

// drain lets a last child deliver what is left, without new orders.
func (e *env) drain(ctx context.Context) error {
	child, err := e.spawn(e.cfg.Kills+1, false, false)
	if err != nil {
		return err
	}
	err = child.awaitStart(ctx)
	if err == nil {
		err = e.recovered(ctx)
	}
	if err == nil {
		err = e.await(ctx, func(ctx context.Context) (bool, error) {
			ids, err := e.shop.queued(ctx, pending)
			return len(ids) == 0, err
		})
	}
	if err != nil {
		return errors.Join(fmt.Errorf("drain: %w", err), child.kill())
	}
	if err := child.stop(); err != nil {
		return err
	}
	e.report.Parked, err = e.shop.reasons(ctx)
	return err
}

// recovered waits until none of what was held is queued any more. Meanwhile the
// platforms do not fail: how long a sender waits before it tries them again is
// not what is measured.
func (e *env) recovered(ctx context.Context) error {
	e.platforms.faultless.Store(true)
	defer e.platforms.faultless.Store(false)
	var took, isolated time.Duration
	var last int64
	waiting := maps.Clone(e.held.rows)
	err := e.await(ctx, func(ctx context.Context) (bool, error) {
		rows, err := e.shop.queued(ctx, pending)
		if err != nil {
			return false, err
		}
		since := time.Since(e.held.at)
		for id, q := range waiting {
			if _, still := rows[id]; still {
				continue
			}
			delete(waiting, id)
			if q.lost+1 >= outbox.SuspectAfter {
				isolated = since
			} else {
				took, last = since, id
			}
		}
		return len(waiting) == 0, nil
	})
	switch {
	case err != nil:
		return err
	case !e.held.processOnly:
		e.report.DatabaseRecoveryMax = max(e.report.DatabaseRecoveryMax, took, isolated)
	case isolated > 0: // others wait while one of them has its turn
		e.report.IsolatedMax = max(e.report.IsolatedMax, took, isolated)
	case took > e.report.RecoveryMax:
		e.report.RecoveryMax = took
		e.report.Slowest, err = e.timeline(ctx, last, took)
	}
	e.held.rows = nil
	return err
}

// await asks every few milliseconds until the answer is yes. An error counts as
// no: a connection may be one that was cut.
func (e *env) await(ctx context.Context, done func(context.Context) (bool, error)) error {
	bound, cancel := context.WithTimeout(ctx, waitLimit)
	defer cancel()
	for {
		ok, err := done(bound)
		if ok && err == nil {
			return nil
		}
		if wait(bound, 5*time.Millisecond) != nil {
			return errors.Join(ctx.Err(), fmt.Errorf("it did not happen within %s", waitLimit), err)
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
