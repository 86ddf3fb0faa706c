// Package chaos proves that orders come through when both platforms fail in
// every way that they can: pushes arrive once or are parked for the right
// reason, and what was refunded or given to somebody else is gone. A shop takes
// orders on a real database, and changes them, while two senders deliver them
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
	// Harmless leaves out what is parked in the end: defective orders, and the fault
	// after which a person is needed. Defaults to false.
	Harmless bool

	// DeliverTimeout ends a delivery that met a fault which never answers. One that
	// a busy machine makes as slow looks the same, and cannot be judged. A longer one
	// costs the run's own time. Defaults to 250 ms.
	DeliverTimeout time.Duration
	// Account is what the shop logs in with. Defaults to one of the run's own.
	Account Account
	// Like lends all buyers its names, and its address with their IDs before the
	// at sign. Defaults to somebody of the run's own.
	Like amsbridge.User
	// Formats are those in which Notified answers the first and the second sender.
	// Default to X and H.
	Formats [2]notified.OutputFormat
	// Echo makes the platforms repeat what they were sent in every answer that a
	// fault makes. Defaults to false.
	Echo bool
	// ElevateBodies and NotifiedBodies are further replies that make no sense.
	ElevateBodies, NotifiedBodies []string
	// Logger is the senders'. Defaults to none.
	Logger *slog.Logger
	// Alarm gets the senders' alarms. Defaults to the logger.
	Alarm func(ctx context.Context, a outbox.Alarm)
	// Around wraps the clients of a sender. Defaults to the clients alone.
	Around func(outbox.Resolver) outbox.Resolver
	// Settled is called when nothing waits any more. Defaults to nothing.
	Settled func(ctx context.Context, s Systems) error
}

// Systems are what a run ran on, for whoever looks into them afterwards.
type Systems struct {
	DB       *sql.DB
	Store    *sqlstore.Store
	Elevate  *elevatetest.Server
	Notified *notifiedtest.Server
}

// patience bounds every wait for something that must happen.
const waitLimit = time.Minute

// env is what a run runs in.
type env struct {
	cfg       Config
	market    *market
	db        *sql.DB
	clock     *clock
	store     *sqlstore.Store
	queue     *jumpingQueue
	timeouts  *timeouts
	platforms *platforms
	senders   []*outbox.Sender
	idle      []func() // close the clients' connections
	report    Report
}

// Run takes the orders, delivers them and counts. The error says that the run
// itself failed; what it found is for [Report.Check].
func Run(ctx context.Context, cfg Config) (report Report, err error) {
	if cfg.DeliverTimeout == 0 {
		cfg.DeliverTimeout = 250 * time.Millisecond
	}
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
	e := &env{cfg: cfg, market: openMarket(cfg), clock: &clock{}, timeouts: &timeouts{count: map[string]int{}}}
	if err := e.openStore(ctx); err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, e.db.Close()) }()
	if e.platforms, err = openPlatforms(cfg, e.market, e.clock.now); err != nil {
		return report, err
	}
	defer e.close()
	for _, name := range []string{"first", "second"} {
		s, err := e.sender(name)
		if err != nil {
			return report, err
		}
		e.senders = append(e.senders, s)
	}
	if err := e.run(ctx); err != nil {
		return e.report, err
	}
	return e.report, e.compare(ctx)
}

func (e *env) openStore(ctx context.Context) (err error) {
	if e.db, err = shopdb.Open(e.cfg.Dialect, e.cfg.DSN, 12); err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	err = sqlstore.Migrate(ctx, e.db, e.cfg.Dialect)
	if err == nil {
		e.store, err = sqlstore.New(ctx, sqlstore.Config{DB: e.db, Dialect: e.cfg.Dialect, Now: e.clock.now})
	}
	if err != nil {
		return errors.Join(err, e.db.Close())
	}
	e.queue = &jumpingQueue{Queue: e.store, flights: map[flight]struct{}{}}
	return nil
}

func (e *env) sender(name string) (*outbox.Sender, error) {
	lms, events, err := e.platforms.clients(e.cfg.Formats[len(e.senders)])
	if err != nil {
		return nil, err
	}
	e.idle = append(e.idle, lms.CloseIdleConnections, events.CloseIdleConnections)
	// Each sender has destinations of its own, as in programs of their own.
	courses, err := amsbridge.NewDestination(e.store, lms, amsbridge.DestinationConfig{})
	if err != nil {
		return nil, err
	}
	shows, err := amsbridge.NewDestination(e.store, events, amsbridge.DestinationConfig{})
	if err != nil {
		return nil, err
	}
	return outbox.NewSender(e.queue, outbox.SenderConfig{
		Name: name,
		Destinations: e.cfg.Around(outbox.Fixed{
			toElevate:  timedDestination{courses, toElevate, e.timeouts},
			toNotified: timedDestination{shows, toNotified, e.timeouts},
		}),
		// What a jump opens is seen with the next beat.
		DeliverTimeout: e.cfg.DeliverTimeout, Poll: 250 * time.Millisecond, Session: 5 * time.Second,
		Logger: e.cfg.Logger, Alarm: e.cfg.Alarm,
	})
}

// close ends what the run opened at the platforms.
func (e *env) close() {
	e.platforms.close()
	for _, closeIdle := range e.idle {
		closeIdle()
	}
}

func (e *env) wake() {
	for _, s := range e.senders {
		s.Wake()
	}
}

// run sells and sends until nothing waits any more.
func (e *env) run(ctx context.Context) error {
	catalog, err := e.market.catalog()
	if err != nil {
		return err
	}
	hook, err := amsbridge.NewHook(e.store, amsbridge.HookConfig{
		Catalog: catalog, Wake: e.wake, Logger: slog.New(slog.DiscardHandler), // hundreds of lines are parked on purpose
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for _, s := range e.senders {
		wg.Go(func() {
			if err := s.Run(ctx); err != nil {
				stop(err)
			}
		})
	}
	shop := &shop{db: e.db, hook: hook}
	for _, acts := range e.market.seasons {
		sold := make(chan error, 1)
		wg.Go(func() { sold <- shop.work(ctx, acts) })
		if err = e.drive(ctx, sold); err != nil {
			break
		}
	}
	stop(err)
	wg.Wait()
	e.report.Locked = int(shop.locked.Load())
	return err
}

// compare counts what was wanted and what the run left behind.
func (e *env) compare(ctx context.Context) error {
	seen, err := observe(ctx, e.platforms, e.store, e.timeouts)
	if err != nil {
		return err
	}
	for _, acts := range e.market.seasons {
		e.report.countActs(acts)
	}
	var wants []wanted
	for _, s := range e.market.sales {
		e.report.Orders++
		switch {
		case s.rolledBack:
			e.report.RolledBack++
			continue
		case s.twice:
			e.report.Twice++
		}
		wants = append(wants, s.wants...)
	}
	e.report.count(wants, seen)
	e.report.Ahead = time.Duration(e.clock.ahead.Load())
	if e.cfg.Settled == nil {
		return nil
	}
	return e.cfg.Settled(ctx, Systems{e.db, e.store, e.platforms.elevate, e.platforms.notified})
}
