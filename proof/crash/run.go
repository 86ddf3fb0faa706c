// Package crash proves that nothing is lost, whatever dies. A child process
// takes orders, rolls some of them back, and sends; it is killed at moments of
// all kinds and started again, told to end, or frozen while another one takes over.
// Now and then it is the database that fails: its server is crashed and started again,
// all connections are cut, or nothing comes through them any more, while the child
// must go on. The two sandboxes live in the parent. What the shop
// committed, by its own table, is then compared with what the platforms'
// journals say, and with the order and the marks of their calls.
package crash

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// Config says what is crashed.
type Config struct {
	// Database is from [With].
	Database Database
	// Kills is how many faults there are.
	Kills int
	// Session is how long a sender is taken for alive without a beat, a second or more. Defaults to
	// [DefaultSession].
	Session time.Duration
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
	// dsn is the children's, relay what it leads through; nil for SQLite.
	dsn   string
	relay *relay
	// started is when the last child ran, thawed when a frozen process went on.
	started time.Time
	thawed  []time.Time
}

// held is what was in flight at the moment of a fault: how many sessions in a row each message had cost before.
type held struct {
	at   time.Time
	rows map[int64]int
	// processOnly: the database stayed up.
	processOnly bool
}

// Run causes the faults and counts. The error says that the run itself failed;
// what it found is for [Report.Check].
func Run(ctx context.Context, cfg Config) (report Report, err error) {
	engine := cfg.Database.engine
	if cfg.Session == 0 {
		cfg.Session = DefaultSession
	}
	if cfg.Pause == 0 {
		cfg.Pause = DefaultPause
	}
	report = Report{Engine: engine.name, Session: cfg.Session, Kills: cfg.Kills, Faults: map[string]int{}, Parked: map[string]int{}}
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
	if e.dsn, e.relay, err = cfg.Database.through(ctx); err != nil {
		return report, err
	}
	err = e.faultAll(ctx)
	e.platforms.close()
	if e.relay != nil {
		err = errors.Join(err, e.relay.stop())
	}
	if err != nil {
		return e.report, err
	}
	committed, err := e.shop.committed(ctx)
	if err != nil {
		return e.report, err
	}
	received, err := e.platforms.received()
	e.report.count(committed, received)
	e.report.judge(e.platforms.visits.attempts(), received, e.thawed)
	return e.report, err
}

func (e *env) faultAll(ctx context.Context) error {
	rng := rand.New(rand.NewPCG(e.cfg.Seed, 0))
	for i, f := range planFaults(e.cfg.Kills, e.cfg.Database.server != nil) {
		if err := e.runChild(ctx, rng, i+1, f); err != nil {
			return fmt.Errorf("child %d, which ends by %s: %w", i+1, f, err)
		}
		e.report.Faults[f.what]++
		if len(e.held.rows) > 0 { // nobody has taken over what it had
			e.report.Met++
		}
	}
	return e.drain(ctx)
}

// runChild runs one child until the fault that ends it, or that it outlives.
func (e *env) runChild(ctx context.Context, rng *rand.Rand, number int, f fault) error {
	child, err := e.spawn(ctx, number, true, f.ofDatabase() || f.what == freezeProcess)
	if err != nil {
		return err
	}
	moment := time.Duration(20+rng.IntN(381)) * time.Millisecond
	switch f.when {
	case inFlight:
		moment = 0
		err = e.await(ctx, func(ctx context.Context) (bool, error) {
			rows, err := e.shop.flying(ctx)
			maps.DeleteFunc(rows, func(id int64, _ int) bool {
				_, old := e.held.rows[id]
				return old
			})
			return len(rows) > 0, err
		})
	case onceRecovered:
		err = e.recovered(ctx)
	case anyTime: // before it takes over, while it does, and after that
		moment += time.Duration(rng.Int64N(int64(e.cfg.Session)))
	}
	if err == nil {
		err = wait(ctx, moment)
	}
	if err != nil {
		return errors.Join(err, child.kill())
	}
	e.report.Log = append(e.report.Log, fmt.Sprintf("%s: child %d, %s", time.Now().Format("15:04:05.000"), number, f))
	switch {
	case f.what == freezeProcess:
		err = errors.Join(e.freeze(ctx, child, number), child.stop())
	case f.what == endProcess:
		err = e.end(ctx, child, number)
	case f.ends():
		err = e.kill(ctx, child, f)
	default:
		err = errors.Join(e.faultDatabase(ctx, f), child.stop())
	}
	e.report.RolledBack += child.rolledBack
	return err
}

// kill kills the child, which may have lost its database before.
func (e *env) kill(ctx context.Context, child *process, f fault) error {
	if f.what == swallowAndKill {
		e.relay.swallow()
	}
	at := time.Now()
	if err := child.kill(); err != nil {
		return err
	}
	if f.what == swallowAndKill {
		e.relay.heal()
	}
	rows, err := e.shop.flying(ctx)
	e.held = held{at: at, rows: rows, processOnly: true}
	return err
}

// end tells the child to end. It leaves no session, and so nothing in flight: nobody has to wait for what it had.
func (e *env) end(ctx context.Context, child *process, number int) error {
	before, err := e.shop.flying(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(child.signal(syscall.SIGTERM), child.awaitEnd()); err != nil {
		return err
	}
	e.report.Met += min(1, len(before))
	sessions, err := e.shop.sessions(ctx)
	if err == nil && slices.Contains(sessions, childName(number)) {
		err = errors.New("it left its session")
	}
	e.held.processOnly = true // what it had not taken over yet
	return err
}

// freeze stops the child for longer than its session, while another one takes over what it had, and lets it go on
// until it has sold something more.
func (e *env) freeze(ctx context.Context, child *process, number int) error {
	defer func() { _ = child.signal(syscall.SIGCONT) }() // or it would not even end
	if err := e.stopUnlocked(ctx, child); err != nil {
		return err
	}
	rows, err := e.shop.flying(ctx)
	if err != nil {
		return err
	}
	e.held = held{at: time.Now(), rows: rows, processOnly: true}
	met := len(rows) > 0
	other, err := e.spawn(ctx, number, false, false)
	if err != nil {
		return err
	}
	err = e.recovered(ctx)
	if err == nil { // its session may have had nothing in flight
		err = wait(ctx, e.cfg.Session+time.Second)
	}
	sold, errSold := e.shop.orders(ctx)
	e.thawed = append(e.thawed, time.Now())
	err = errors.Join(err, errSold, child.signal(syscall.SIGCONT))
	if err == nil {
		err = e.await(ctx, func(ctx context.Context) (bool, error) {
			n, err := e.shop.orders(ctx)
			return n > sold+2*buyers, err
		})
	}
	if met {
		e.report.Met++
	}
	return errors.Join(err, other.stop())
}

// stopUnlocked freezes the child; on SQLite, where whoever is frozen with the file's one lock has everybody wait for
// as long, at a moment when it does not hold it.
func (e *env) stopUnlocked(ctx context.Context, child *process) error {
	for {
		if err := child.signal(syscall.SIGSTOP); err != nil || e.cfg.Database.server != nil {
			return err
		}
		free, err := e.shop.unlocked(ctx)
		if free || err != nil {
			return err
		}
		if err := errors.Join(child.signal(syscall.SIGCONT), wait(ctx, 10*time.Millisecond)); err != nil {
			return err
		}
	}
}

// faultDatabase causes a fault, and waits until the child, which goes on, has sent
// what it held and sold something more.
func (e *env) faultDatabase(ctx context.Context, f fault) error {
	rows, err := e.shop.flying(ctx)
	if err != nil {
		return err
	}
	e.held = held{at: time.Now(), rows: rows}
	server := e.cfg.Database.server
	switch f.what {
	case cutConnections:
		err = server.Cut(ctx)
	case swallowBytes:
		e.relay.swallow()
		err = wait(ctx, e.cfg.Session/2)
		e.relay.heal()
	default:
		if err = server.Crash(ctx); err == nil {
			err = server.Restart(ctx)
		}
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
	met := len(e.held.rows) > 0
	if err := e.recovered(ctx); err != nil {
		return err
	}
	if met {
		e.report.Met++
	}
	return e.await(ctx, func(ctx context.Context) (bool, error) {
		n, err := e.shop.orders(ctx)
		return n > sold, err
	})
}

// spawn starts a child, and returns once it runs.
func (e *env) spawn(ctx context.Context, number int, selling, rough bool) (*process, error) {
	child, err := spawn(instructions{
		Engine: e.cfg.Database.engine.name, DSN: e.dsn, Number: number, Seed: e.cfg.Seed, Selling: selling,
		Session: e.cfg.Session, Pause: e.cfg.Pause, Rough: rough,
		Elevate: e.platforms.elevateServer.URL, Notified: e.platforms.notifiedHTTP.URL,
	})
	if err != nil {
		return nil, err
	}
	err = child.awaitStart(ctx)
	e.started = time.Now()
	return child, err
}

// drain lets a last child deliver what is left, without new orders.
func (e *env) drain(ctx context.Context) error {
	child, err := e.spawn(ctx, e.cfg.Kills+1, false, false)
	if err != nil {
		return err
	}
	err = e.recovered(ctx)
	if err == nil {
		err = e.await(ctx, func(ctx context.Context) (bool, error) {
			ids, err := e.shop.pending(ctx)
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
	since, which := e.started, &e.report.IsolatedMax
	if !e.held.processOnly {
		since, which = e.held.at, &e.report.DatabaseRecoveryMax
	}
	var first, whole time.Duration
	var firstID int64
	waiting := maps.Clone(e.held.rows)
	err := e.await(ctx, func(ctx context.Context) (bool, error) {
		rows, err := e.shop.pending(ctx)
		if err != nil {
			return false, err
		}
		for id, lost := range waiting {
			if _, still := rows[id]; still {
				continue
			}
			delete(waiting, id)
			whole = time.Since(since)
			if first == 0 && lost+1 < outbox.SuspectAfter {
				first, firstID = whole, id
			}
		}
		return len(waiting) == 0, nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("of %d messages in flight %d were not sent: %w", len(e.held.rows), len(waiting), err)
	case e.held.processOnly && first > 0:
		which = &e.report.WholeMax
		if first > e.report.RecoveryMax {
			e.report.RecoveryMax = first
			e.report.Slowest, err = e.timeline(ctx, firstID, first)
		}
	}
	*which = max(*which, whole)
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
