package conformance

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// notifies notes when NOTIFYs are sent, and whether on a pool's transaction.
type notifies struct {
	mu   sync.Mutex
	at   []time.Time
	inTx int
}

func (n *notifies) TraceQueryStart(ctx context.Context, c *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, "pg_notify") {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.at = append(n.at, time.Now())
		if c.PgConn().TxStatus() != 'I' {
			n.inTx++
		}
	}
	return ctx
}

func (n *notifies) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (n *notifies) times() []time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]time.Time(nil), n.at...)
}

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

func newNotifier(t *testing.T, cfg pgxstore.NotifierConfig) *pgxstore.Notifier {
	t.Helper()
	cfg.Logger = silent
	n, err := pgxstore.NewNotifier(cfg)
	require.NoError(t, err)
	t.Cleanup(n.Close)
	return n
}

// listen runs Listen until the test ends, and counts its wakes.
func listen(t *testing.T, cfg pgxstore.ListenConfig) (wakes *atomic.Int64, stop func()) {
	t.Helper()
	wakes = &atomic.Int64{}
	also := cfg.Wake
	cfg.Logger = silent
	cfg.Wake = func() {
		wakes.Add(1)
		if also != nil {
			also()
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- pgxstore.Listen(ctx, cfg) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return wakes, stop
}

func TestNotifierTellsOnceForManyOrders(t *testing.T) {
	t.Parallel()
	const every = 300 * time.Millisecond
	dsn, seen := testdb.Postgres(t), &notifies{}
	pool := pgxPool(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.Tracer = seen })
	heard, _ := listen(t, pgxstore.ListenConfig{DB: pool})
	until(t, func() bool { return heard.Load() == 1 }, "it listens")
	n := newNotifier(t, pgxstore.NotifierConfig{DB: pool, Every: every})
	burst := func() {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for range 100 {
					n.Wake()
				}
			})
		}
		all.Wait()
	}
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	burst()
	until(t, func() bool { return heard.Load() >= 2 }, "the first is sent at once")
	burst()
	until(t, func() bool { return len(seen.times()) >= 2 && heard.Load() >= 3 }, "what was wanted meanwhile is told")
	require.NoError(t, tx.Rollback(t.Context()))
	n.Close()
	at := seen.times()
	for i := 1; i < len(at); i++ {
		require.GreaterOrEqual(t, at[i].Sub(at[i-1]), every)
	}
	require.LessOrEqual(t, len(at), 4, "4,000 calls")
	require.Zero(t, seen.inTx)
}

// A busy or dead database holds up neither a checkout nor the end of the program.
func TestNotifierNeverBlocks(t *testing.T) {
	t.Parallel()
	pool := pgxPool(t, testdb.Postgres(t), func(c *pgxpool.Config) { c.MaxConns = 1 })
	held, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	n := newNotifier(t, pgxstore.NotifierConfig{DB: pool, Every: time.Nanosecond})
	for range 1000 {
		n.Wake()
	}
	until(t, func() bool { return pool.Stat().EmptyAcquireCount() > 0 || pool.Stat().AcquiredConns() == 1 }, "it waits for a connection")
	n.Close()
	n.Close()
	n.Wake()
	held.Release()
	require.Zero(t, pool.Stat().AcquiredConns())
}

// What commits while a NOTIFY is on its way may be too late for it.
func TestNotifierTellsAgainWhatCameWhileItSent(t *testing.T) {
	t.Parallel()
	seen, begun, release := &notifies{}, make(chan struct{}, 2), make(chan struct{})
	pool := pgxPool(t, testdb.Postgres(t), func(c *pgxpool.Config) {
		c.ConnConfig.Tracer = seen
		c.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) {
			begun <- struct{}{}
			<-release
			return true, nil
		}
	})
	n := newNotifier(t, pgxstore.NotifierConfig{DB: pool})
	n.Wake()
	<-begun
	n.Wake()
	close(release)
	until(t, func() bool { return len(seen.times()) == 2 }, "told once more")
}

func TestNotifierDropsWhatWaitsWhenClosed(t *testing.T) {
	t.Parallel()
	seen := &notifies{}
	pool := pgxPool(t, testdb.Postgres(t), func(c *pgxpool.Config) { c.ConnConfig.Tracer = seen })
	n := newNotifier(t, pgxstore.NotifierConfig{DB: pool, Every: time.Hour})
	n.Wake()
	until(t, func() bool { return len(seen.times()) == 1 }, "the first is sent")
	n.Wake()
	n.Close()
	require.Len(t, seen.times(), 1)
}

func TestListenComesBackAfterALostConnection(t *testing.T) {
	t.Parallel()
	dsn := testdb.Postgres(t)
	pool := pgxPool(t, dsn, nil)
	ours := pgxPool(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["application_name"] = "listener" })
	wakes, stop := listen(t, pgxstore.ListenConfig{DB: ours, Channel: `odd "name"`})
	until(t, func() bool { return wakes.Load() == 1 }, "woken once it listens")
	n := newNotifier(t, pgxstore.NotifierConfig{DB: pool, Channel: `odd "name"`})
	newNotifier(t, pgxstore.NotifierConfig{DB: pool}).Wake() // another channel
	for i := range int64(3) {
		n.Wake()
		until(t, func() bool { return wakes.Load() == 2*i+2 }, "told")
		var ended bool
		require.NoError(t, pool.QueryRow(t.Context(),
			"SELECT bool_and(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'listener'").Scan(&ended))
		require.True(t, ended)
		until(t, func() bool { return wakes.Load() == 2*i+3 }, "woken when it listens again: something may have been missed")
	}
	require.Zero(t, ours.Stat().TotalConns(), "the pool's own connections are the shop's")
	stop()
	until(t, func() bool {
		var left int
		err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'listener'").Scan(&left)
		return err == nil && left == 0
	}, "nothing is left behind")
}

func TestListenEndsWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	dsn := testdb.Postgres(t)
	elsewhere, err := pgx.ParseConfig("host=127.0.0.1 port=1 user=nobody")
	require.NoError(t, err)
	wakes, stop := listen(t, pgxstore.ListenConfig{DB: pgxPool(t, dsn, nil), Conn: elsewhere})
	stop()
	require.Zero(t, wakes.Load())
}

// A sender in another process, which polls once an hour, learns of an order at
// once.
func TestOrderIsDeliveredAtOnceByAnotherProcess(t *testing.T) {
	t.Parallel()
	e := openPgx(t, nil)
	delivered := make(chan string, 1)
	cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
		delivered <- m.Key
		return outbox.Result{}, nil
	})})
	cfg.Poll = time.Hour
	there := openPgxAt(t, e.dsn, nil)
	sender, err := outbox.NewSender(there.store, cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sender.Run(ctx) }()
	defer func() {
		cancel()
		require.NoError(t, <-done)
	}()
	wakes, _ := listen(t, pgxstore.ListenConfig{DB: there.pool, Wake: sender.Wake})
	until(t, func() bool { return wakes.Load() == 1 }, "it listens")
	until(t, func() bool { return there.pool.Stat().AcquireCount() > 5 && there.pool.Stat().AcquiredConns() == 0 }, "the sender has looked, and rests")

	n := newNotifier(t, pgxstore.NotifierConfig{DB: e.pool})
	require.NoError(t, pgxstore.InTx(t.Context(), e.pool, n.Wake, func(tx pgx.Tx) error {
		_, err := e.store.InsertTx(t.Context(), tx, push("k", "U-1"))
		return err
	}))
	select {
	case key := <-delivered:
		require.Equal(t, "k", key)
	case <-time.After(20 * time.Second):
		t.Fatal("not delivered")
	}
}

func TestNotifierAndListenNameTheBadField(t *testing.T) {
	t.Parallel()
	pool := pgxPool(t, "postgres://nobody@127.0.0.1:1/none", nil)
	long := strings.Repeat("x", 64)
	for field, cfg := range map[string]pgxstore.NotifierConfig{
		"NotifierConfig.DB": {}, "NotifierConfig.Channel": {DB: pool, Channel: long}, "NotifierConfig.Every": {DB: pool, Every: -1},
	} {
		_, err := pgxstore.NewNotifier(cfg)
		requireField(t, err, field)
	}
	wake := func() {}
	for field, cfg := range map[string]pgxstore.ListenConfig{
		"ListenConfig.DB": {Wake: wake}, "ListenConfig.Wake": {DB: pool}, "ListenConfig.Channel": {DB: pool, Wake: wake, Channel: long},
	} {
		requireField(t, pgxstore.Listen(t.Context(), cfg), field)
	}
}

func requireField(t *testing.T, err error, field string) {
	t.Helper()
	var bad *check.InputError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, field, bad.Field)
}
