package pgxstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amsbridge/amsbridge/internal/check"
)

const (
	// listenTimeout ends an attempt to connect, or to find out whether the
	// connection is alive.
	listenTimeout = 10 * time.Second
	// listenCheck is how long a silent connection is trusted.
	listenCheck = 30 * time.Second
	// Backoff between two connections.
	listenFirst = 100 * time.Millisecond
	listenMost  = 30 * time.Second
)

// ListenConfig says what [Listen] listens to.
type ListenConfig struct {
	// DB says where the database is; the pool's connections are not used.
	// Required.
	DB *pgxpool.Pool
	// Conn is another way to the same database. Set it where the pool goes
	// through PgBouncer in transaction mode, which passes no notification on:
	// listening needs a session of its own. Defaults to the pool's.
	Conn *pgx.ConnConfig
	// Wake is called when something was notified, and whenever a connection
	// was made, since something may have been missed. It must be quick: usually
	// a sender's Wake. Required.
	Wake func()
	// Channel is that of the [Notifier]. Defaults to amsbridge_outbox.
	Channel string
	// Logger takes lost connections. Defaults to [slog.Default].
	Logger *slog.Logger
}

// Listen calls Wake when a [Notifier] of another process says that there is
// work, until ctx ends; then it returns nil. It holds one connection, and makes
// a new one when that is lost, first after 100 ms and at last every 30 s. It
// returns an *amsbridge.InputError at once for a bad field, and no other error.
//
// Senders go on polling beside it: a notification can be lost, work cannot.
func Listen(ctx context.Context, cfg ListenConfig) error {
	switch {
	case cfg.DB == nil:
		return check.Bad("pgxstore", "ListenConfig.DB", "is nil")
	case cfg.Wake == nil:
		return check.Bad("pgxstore", "ListenConfig.Wake", "is nil")
	}
	if err := checkChannel("ListenConfig.Channel", &cfg.Channel); err != nil {
		return err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	wait := listenFirst
	for {
		heard, err := cfg.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if heard {
			wait = listenFirst
		}
		cfg.Logger.Warn("pgxstore: not listening for new messages: senders poll meanwhile", "error", err, "again_in", wait)
		pause := time.NewTimer(wait + rand.N(wait/2)) //nolint:gosec // jitter
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-pause.C:
		}
		wait = min(2*wait, listenMost)
	}
}

// session listens on one connection until that is lost, and tells whether it
// was any good.
func (cfg ListenConfig) session(ctx context.Context) (heard bool, err error) {
	c, err := cfg.connect(ctx)
	if err != nil {
		return false, err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err = errors.Join(err, c.Close(closing))
	}()
	for {
		cfg.Wake()
		if err := cfg.await(ctx, c); err != nil {
			return heard, err
		}
		heard = true
	}
}

func (cfg ListenConfig) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, listenTimeout)
	defer cancel()
	pool := cfg.DB.Config()
	settings := pool.ConnConfig
	if cfg.Conn != nil {
		settings = cfg.Conn.Copy()
	} else if pool.BeforeConnect != nil {
		if err := pool.BeforeConnect(ctx, settings); err != nil {
			return nil, err
		}
	}
	// A wait that ends in time must leave the connection usable.
	settings.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: c.Conn()}
	}
	c, err := pgx.ConnectConfig(ctx, settings)
	if err != nil {
		return nil, err
	}
	if _, err := c.Exec(ctx, "LISTEN "+pgx.Identifier{cfg.Channel}.Sanitize()); err != nil {
		return nil, errors.Join(fmt.Errorf("listen: %w", err), c.Close(ctx))
	}
	return c, nil
}

// await returns nil when something was notified. Where nothing comes it asks
// now and then whether the other end still is there.
func (cfg ListenConfig) await(ctx context.Context, c *pgx.Conn) error {
	for {
		silence, cancel := context.WithTimeout(ctx, listenCheck)
		_, err := c.WaitForNotification(silence)
		quiet := err != nil && silence.Err() != nil && !c.IsClosed()
		cancel()
		if !quiet || ctx.Err() != nil {
			return err
		}
		asked, cancel := context.WithTimeout(ctx, listenTimeout)
		err = c.Ping(asked)
		cancel()
		if err != nil {
			return err
		}
	}
}
