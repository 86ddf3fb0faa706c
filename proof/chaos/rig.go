// Package chaos proves that orders come through when both platforms fail in
// every way that they can: pushes arrive once or are parked for the right
// reason. A shop takes orders on a real database while two senders deliver them
// over real HTTP to both sandboxes, which misbehave in 30 % of all calls. What
// the orders ask for, worked out without the library, is then compared with what
// the sandboxes say that they have, and with what the outbox says.
//
// Back-off, holds, pauses and the 72 hours of "not ready" cost no time: the
// store's clock jumps over every moment at which nothing can happen.
package chaos

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/shopdb"
)

// Config says what is sold, and on what.
type Config struct {
	// Dialect and DSN are those of an empty database that the run may fill.
	Dialect sqlstore.Dialect
	DSN     string
	// Orders is how many the shop takes.
	Orders int
	// Seed decides the orders and, by the keys of their messages, the platforms'
	// faults; not what the scheduler makes of them.
	Seed uint64
	// Harmless leaves out what ends parked: defective orders, and the fault after
	// which a person is needed. Defaults to false.
	Harmless bool

	// Account is how the shop proves itself. Defaults to one of the run's own.
	Account Account
	// Like lends all buyers its names, and its address with their IDs before the
	// at sign. Defaults to somebody of the run's own.
	Like amsbridge.User
	// Formats are those in which Notified answers the first and the second sender.
	// Default to X and H.
	Formats [2]notified.OutputFormat
	// Echo makes the platforms repeat what they were sent in every answer that is
	// no honest one. Defaults to false.
	Echo bool
	// ElevateBodies and NotifiedBodies are further replies that make no sense.
	ElevateBodies, NotifiedBodies []string
	// Logger is the senders'. Defaults to none.
	Logger *slog.Logger
	// Alarm is told the senders' alarms. Defaults to the logger.
	Alarm func(ctx context.Context, a outbox.Alarm)
	// Around wraps the clients of a sender. Defaults to the clients alone.
	Around func(outbox.Resolver) outbox.Resolver
	// Settled is called when nothing waits any more. Defaults to nothing.
	Settled func(ctx context.Context, s Scene) error
}

// Scene is what a run leaves behind.
type Scene struct {
	DB       *sql.DB
	Store    *sqlstore.Store
	Elevate  *elevatetest.Server
	Notified *notifiedtest.Server
}

// patience bounds every wait for something that must happen.
const patience = time.Minute

// rig is a run under way.
type rig struct {
	cfg       Config
	market    *market
	db        *sql.DB
	clock     *clock
	store     *sqlstore.Store
	queue     *gate
	late      *lateness
	platforms *platforms
	senders   []*outbox.Sender
	idle      []func() // close the clients' connections
	report    Report
}

// Run takes the orders, delivers them and counts. The error says that the run
// itself failed; what it found is for [Report.Check].
func Run(ctx context.Context, cfg Config) (report Report, err error) {
	if cfg.Account.Profile == nil {
		cfg.Account = sandboxAccount()
	}
	if cfg.Like.Email == "" {
		cfg.Like = ada
	}
	if cfg.Formats[0] == "" {
		cfg.Formats = [2]notified.OutputFormat{notified.FormatXML, notified.FormatPairs}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Around == nil {
		cfg.Around = func(r outbox.Resolver) outbox.Resolver { return r }
	}
	r := &rig{cfg: cfg, market: open(cfg), clock: &clock{}, late: &lateness{times: map[string]int{}}}
	if err := r.openStore(ctx); err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, r.db.Close()) }()
	if r.platforms, err = openPlatforms(cfg, r.market, r.clock.now); err != nil {
		return report, err
	}
	defer r.close()
	for _, name := range []string{"first", "second"} {
		s, err := r.sender(name)
		if err != nil {
			return report, err
		}
		r.senders = append(r.senders, s)
	}
	if err := r.run(ctx); err != nil {
		return r.report, err
	}
	return r.report, r.look(ctx)
}

func (r *rig) openStore(ctx context.Context) (err error) {
	if r.db, err = shopdb.Open(r.cfg.Dialect, r.cfg.DSN, 12); err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	err = sqlstore.Migrate(ctx, r.db, r.cfg.Dialect)
	if err == nil {
		r.store, err = sqlstore.New(ctx, sqlstore.Config{DB: r.db, Dialect: r.cfg.Dialect, Now: r.clock.now})
	}
	if err != nil {
		return errors.Join(err, r.db.Close())
	}
	r.queue = &gate{Queue: r.store}
	return nil
}

func (r *rig) sender(name string) (*outbox.Sender, error) {
	lms, events, err := r.platforms.clients(r.cfg.Formats[len(r.senders)])
	if err != nil {
		return nil, err
	}
	r.idle = append(r.idle, lms.CloseIdleConnections, events.CloseIdleConnections)
	return outbox.NewSender(r.queue, outbox.SenderConfig{
		Name: name,
		Destinations: r.cfg.Around(outbox.Fixed{
			toElevate:  timed{lms, toElevate, r.late},
			toNotified: timed{events, toNotified, r.late},
		}),
		// A delivery that takes longer met a fault that never answers.
		DeliverTimeout: 250 * time.Millisecond, Poll: 250 * time.Millisecond,
		Logger: r.cfg.Logger, Alarm: r.cfg.Alarm,
	})
}

// close ends what the run opened at the platforms.
func (r *rig) close() {
	r.platforms.close()
	for _, closeIdle := range r.idle {
		closeIdle()
	}
}

func (r *rig) wake() {
	for _, s := range r.senders {
		s.Wake()
	}
}

// run sells and sends until nothing waits any more.
func (r *rig) run(ctx context.Context) error {
	catalog, err := r.market.catalog()
	if err != nil {
		return err
	}
	hook, err := amsbridge.NewHook(r.store, amsbridge.HookConfig{Catalog: catalog, Wake: r.wake})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for _, s := range r.senders {
		wg.Go(func() {
			if err := s.Run(ctx); err != nil {
				stop(err)
			}
		})
	}
	sold := make(chan error, 1)
	shop := &shop{db: r.db, hook: hook}
	wg.Go(func() { sold <- shop.sell(ctx, r.market.sales) })
	err = r.drive(ctx, sold)
	stop(err)
	wg.Wait()
	r.report.Locked = int(shop.locked.Load())
	return err
}

// look counts what the run left behind.
func (r *rig) look(ctx context.Context) error {
	seen, err := observe(ctx, r.platforms, r.store, r.late)
	if err != nil {
		return err
	}
	var wants []wanted
	for _, s := range r.market.sales {
		r.report.Orders++
		switch {
		case s.rolledBack:
			r.report.RolledBack++
			continue
		case s.twice:
			r.report.Twice++
		}
		wants = append(wants, s.wants...)
	}
	r.report.count(wants, seen)
	r.report.Ahead = time.Duration(r.clock.ahead.Load())
	if r.cfg.Settled == nil {
		return nil
	}
	return r.cfg.Settled(ctx, Scene{r.db, r.store, r.platforms.elevate, r.platforms.notified})
}
