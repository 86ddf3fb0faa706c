package conformance

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// flaky is a shop on a server that may go away.
type flaky struct {
	*testdb.Server
	queue  outbox.Queue
	insert func(ctx context.Context, keys ...string) error
	find   func(ctx context.Context, q outbox.Query) ([]outbox.Record, error)
}

func flakyOf[Tx any](s *testdb.Server, p program[Tx]) *flaky {
	return &flaky{s, p.store, func(ctx context.Context, keys ...string) error {
		return p.inTx(ctx, nil, func(tx Tx) error {
			var msgs []outbox.Message
			for _, k := range keys {
				msgs = append(msgs, push(k, k))
			}
			_, err := p.store.InsertTx(ctx, tx, msgs...)
			return err
		})
	}, p.store.Find}
}

// onFlaky runs a proof for each way to use each server, on servers of its own.
func onFlaky(t *testing.T, proof func(t *testing.T, f *flaky)) {
	t.Helper()
	t.Parallel()
	server := func(t *testing.T, engine testdb.Engine) (*testdb.Server, string) {
		s := testdb.Own(t, engine)
		dsn, _, err := s.Create(t.Context())
		require.NoError(t, err)
		return s, dsn
	}
	for name, c := range map[string]struct {
		engine  testdb.Engine
		dialect sqlstore.Dialect
		driver  string
	}{
		"postgres by pgx":    {testdb.PostgreSQL, sqlstore.PostgreSQL, "pgx"},
		"postgres by lib/pq": {testdb.PostgreSQL, sqlstore.PostgreSQL, "postgres"},
		"mariadb":            {testdb.MariaDB, sqlstore.MySQL, "mysql"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dsn := server(t, c.engine)
			require.NoError(t, sqlstore.Migrate(t.Context(), open(t, c.driver, dsn), c.dialect))
			proof(t, flakyOf(s, sqlProgram(t, c.dialect, c.driver, dsn)))
		})
	}
	t.Run("pgxstore", func(t *testing.T) {
		t.Parallel()
		s, dsn := server(t, testdb.PostgreSQL)
		require.NoError(t, sqlstore.Migrate(t.Context(), open(t, "pgx", dsn), sqlstore.PostgreSQL))
		proof(t, flakyOf(s, pgxProgram(t, dsn)))
	})
}

// delivered is a platform that counts, and may be held up.
type delivered struct {
	mu    sync.Mutex
	times map[string]int
	hold  map[string]chan struct{}
}

func (d *delivered) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	d.mu.Lock()
	d.times[m.Key]++
	hold := d.hold[m.Key]
	d.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return outbox.Result{}, ctx.Err()
		}
	}
	return outbox.Result{}, nil
}

func (d *delivered) count(key string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.times[key]
}

// counting counts the calls that failed.
type counting struct {
	outbox.Queue
	beats, settlements atomic.Int32
}

func (c *counting) Beat(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
	p, err := c.Queue.Beat(ctx, b)
	if err != nil {
		c.beats.Add(1)
	}
	return p, err
}

func (c *counting) Settle(ctx context.Context, s outbox.Settling) (outbox.Settled, error) {
	got, err := c.Queue.Settle(ctx, s)
	if err != nil {
		c.settlements.Add(1)
	}
	return got, err
}

// lines counts what is logged.
type lines struct {
	slog.Handler
	warnings, all *atomic.Int32
}

func (l lines) Handle(_ context.Context, r slog.Record) error {
	l.all.Add(1)
	if r.Level >= slog.LevelWarn {
		l.warnings.Add(1)
	}
	return nil
}

// A database that is away is waited for. What was being delivered when it went
// is recorded when it is back, once; what a shop could not store, the shop is
// told; and the log is not flooded.
func TestDatabaseAwayIsWaitedFor(t *testing.T) {
	onFlaky(t, func(t *testing.T, f *flaky) {
		ctx := t.Context()
		platform := &delivered{times: map[string]int{}, hold: map[string]chan struct{}{"under way": make(chan struct{})}}
		queue := &counting{Queue: f.queue}
		log := lines{slog.DiscardHandler, new(atomic.Int32), new(atomic.Int32)}
		cfg := quick(outbox.Fixed{"elevate": platform})
		cfg.Logger, cfg.Session = slog.New(log), time.Minute
		require.NoError(t, f.insert(ctx, "under way"))
		_, stop := (&env{}).send(t, queue, cfg)
		until(t, func() bool { return platform.count("under way") == 1 }, "it is being delivered")

		require.NoError(t, f.Crash(ctx))
		require.Error(t, f.insert(ctx, "too late"), "the shop's transaction fails")
		until(t, func() bool { return queue.beats.Load() >= 3 }, "beats fail")
		close(platform.hold["under way"])
		until(t, func() bool { return queue.beats.Load() >= 4 && queue.settlements.Load() >= 5 }, "settlements fail")
		failed := queue.beats.Load() + queue.settlements.Load()
		require.Less(t, log.warnings.Load(), failed, "not every failure is a line")
		require.LessOrEqual(t, log.warnings.Load(), int32(8))

		require.NoError(t, f.Restart(ctx))
		until(t, func() bool { return f.insert(ctx, "afterwards") == nil }, "the shop sells again")
		until(t, func() bool {
			settled, err := f.find(ctx, outbox.Query{Keys: []string{"under way", "afterwards"}, States: []outbox.State{outbox.StateDelivered}})
			return err == nil && len(settled) == 2
		}, "all is delivered")
		require.Equal(t, 1, platform.count("under way"), "its outcome was kept in memory")
		require.Equal(t, 1, platform.count("afterwards"))
		require.Zero(t, platform.count("too late"))
		stop()
	})
}

// shortSession is for proofs in which a session must end.
func shortSession(cfg outbox.SenderConfig) outbox.SenderConfig {
	cfg.DeliverTimeout, cfg.SettleTimeout, cfg.Session = time.Second, time.Second, 2*time.Second
	return cfg
}

// Cut connections, by a fail-over or an administrator, cost a try.
func TestCutConnectionsLoseNothing(t *testing.T) {
	onFlaky(t, func(t *testing.T, f *flaky) {
		ctx := t.Context()
		platform := &delivered{times: map[string]int{}}
		for range 2 {
			(&env{}).send(t, f.queue, shortSession(quick(outbox.Fixed{"elevate": platform})))
		}
		var sold, unsure []string
		for n := range 120 {
			key := fmt.Sprintf("k%03d", n)
			if err := f.insert(ctx, key); err != nil {
				unsure = append(unsure, key)
			} else {
				sold = append(sold, key)
			}
			if n%15 == 10 {
				require.NoError(t, f.Cut(ctx))
			}
		}
		require.NotEmpty(t, sold)
		until(t, func() bool {
			settled, err := f.find(ctx, outbox.Query{Keys: sold, States: []outbox.State{outbox.StateDelivered}})
			return err == nil && len(settled) == len(sold)
		}, "all is delivered")
		for _, key := range sold {
			require.GreaterOrEqual(t, platform.count(key), 1)
		}
		// Whether a commit took place whose answer was cut, only the database knows.
		for _, key := range unsure {
			stored, err := f.find(ctx, outbox.Query{Keys: []string{key}})
			require.NoError(t, err)
			if len(stored) == 0 {
				require.Zero(t, platform.count(key))
			} else {
				until(t, func() bool { return platform.count(key) >= 1 }, "what was committed is sent")
			}
		}
	})
}

// A sender that is stopped while the database is away stops, after no more
// than its time-outs; what it could not record is sent again by the next one.
func TestStopWhileTheDatabaseIsAway(t *testing.T) {
	onFlaky(t, func(t *testing.T, f *flaky) {
		ctx := t.Context()
		hold := make(chan struct{})
		platform := &delivered{times: map[string]int{}, hold: map[string]chan struct{}{"k": hold}}
		cfg := shortSession(quick(outbox.Fixed{"elevate": platform}))
		require.NoError(t, f.insert(ctx, "k"))
		_, stop := (&env{}).send(t, f.queue, cfg)
		until(t, func() bool { return platform.count("k") == 1 }, "it is being delivered")
		require.NoError(t, f.Crash(ctx))
		close(hold)
		begun := time.Now()
		stop()
		require.Less(t, time.Since(begun), 5*time.Second, "it does not wait for the database")

		require.NoError(t, f.Restart(ctx))
		(&env{}).send(t, f.queue, shortSession(quick(outbox.Fixed{"elevate": platform})))
		until(t, func() bool {
			settled, err := f.find(ctx, outbox.Query{Keys: []string{"k"}, States: []outbox.State{outbox.StateDelivered}})
			return err == nil && len(settled) == 1
		}, "it is delivered")
		require.Equal(t, 2, platform.count("k"))
	})
}
