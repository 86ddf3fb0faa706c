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
	// listenTimeout limits an attempt to connect, or to test whether the connection is alive.
	listenTimeout = 10 * time.Second
	// listenCheck is how long a silent connection is not tested.
	listenCheck = 30 * time.Second
	// Backoff between attempts to connect.
	listenFirst = 100 * time.Millisecond
	listenMost  = 30 * time.Second
)

// ListenConfig configures [Listen].
type ListenConfig struct {
	// DB is a pool of the database; only its configuration is used. Required.
	DB *pgxpool.Pool
	// Conn is the configuration of another connection to the same database. Set it where the pool goes
	// through PgBouncer in transaction mode, which passes on no notifications: listening needs a
	// session of its own. Defaults to the pool's.
	Conn *pgx.ConnConfig
	// Wake is called on each notification, and after each connect, since a notification may have been
	// missed. It must be quick; set it to a sender's Wake. Required.
	Wake func()
	// Channel is the [Notifier]'s channel. Defaults to amsbridge_outbox.
	Channel string
	// Logger logs lost connections. Defaults to [slog.Default].
	Logger *slog.Logger
}

// Listen calls Wake when a [Notifier] of another process reports work. It returns nil when ctx ends,
// and at once an *amsbridge.InputError for a bad field; it has no other errors. It holds one connection
// and replaces it when it is lost, first after 100 ms, later after up to 30 s.
//
// Senders must go on polling: a notification can be lost, work cannot.
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

// session listens on one connection until it is lost, and tells whether it ever worked.
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
	// The end of a timed wait must leave the connection usable.
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

// await returns nil on a notification. During silence it tests now and then whether the server is still
// there.
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
