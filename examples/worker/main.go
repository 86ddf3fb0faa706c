// Command worker is the sender alone: it delivers what shops have stored, from a
// process of its own. Run as many as you like on one database: they share its
// messages. From the root of the repository:
//
//	go run ./examples/worker -db postgres://user@localhost/shop
//
// What the platforms' vendors gave you is read from the environment, so that no
// secret stands in a list of processes: ELEVATE_ENDPOINT and ELEVATE_KEY,
// NOTIFIED_AUTH_CODE and NOTIFIED_CREDENTIALS, NOTIFIED_BASE_URL unless it is the
// usual one, and AMSBRIDGE_DB in the place of -db. A platform without credentials
// is not served: its pushes wait, with an alarm.
//
// SIGTERM and Ctrl-C end it in good order: it takes no more work, waits for the
// calls that are under way, records what came of them and gives back what it had
// not begun. Give it a minute; after a kill nothing is lost, but its part of the
// messages waits for SenderConfig.Session, 10 seconds by default.
//
// There is no wake-up from the shop's process, so it asks the database once a
// second (SenderConfig.Poll).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, env func(string) string, out, problems io.Writer) int {
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.SetOutput(problems)
	dsn := flags.String("db", "", "postgres://… or the shop's SQLite file (default AMSBRIDGE_DB)")
	sandbox := flags.Bool("sandbox", false, "allow plain http to loopback, for sandboxes")
	metrics := flags.String("metrics", "", "tell a Prometheus server how it does, on this address, such as 127.0.0.1:9464")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if *dsn == "" {
		*dsn = env("AMSBRIDGE_DB")
	}
	if err := work(ctx, *dsn, *metrics, *sandbox, env, out); err != nil {
		_, _ = fmt.Fprintln(problems, "worker:", err)
		return 1
	}
	return 0
}

// work sends until ctx ends.
func work(ctx context.Context, dsn, metrics string, sandbox bool, env func(string) string, out io.Writer) (err error) {
	// 1. The shop's database. The schema is the shop's deployment's to make; New
	// looks whether it is there.
	db, dialect, err := openDatabase(dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: dialect})
	if err != nil {
		return err
	}

	// 2. The platforms.
	to, err := destinations(store, sandbox, env)
	if err != nil {
		return err
	}

	// 3. The sender, until a signal comes.
	cfg := outbox.SenderConfig{Destinations: to}
	if metrics != "" {
		stop, failed := watched(&cfg, store, metrics, out)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	sender, err := outbox.NewSender(store, cfg)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "worker: sending")
	if err := sender.Run(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "worker: stopped in good order")
	return err
}

// destinations are the platforms that the environment has credentials for.
func destinations(store outbox.Inspector, sandbox bool, env func(string) string) (outbox.Fixed, error) {
	to := outbox.Fixed{}
	if env("ELEVATE_ENDPOINT") != "" {
		client, err := elevate.New(elevate.Config{
			Endpoint: env("ELEVATE_ENDPOINT"), Credentials: elevate.Key(env("ELEVATE_KEY")), Profile: elevate.GuessedProfile(),
			AllowLoopbackHTTP: sandbox,
		})
		if err != nil {
			return nil, err
		}
		if to["elevate"], err = amsbridge.NewDestination(store, client, amsbridge.DestinationConfig{}); err != nil {
			return nil, err
		}
	}
	if env("NOTIFIED_AUTH_CODE") != "" {
		client, err := notified.New(notified.Config{
			BaseURL: env("NOTIFIED_BASE_URL"), AuthCode: env("NOTIFIED_AUTH_CODE"), Credentials: env("NOTIFIED_CREDENTIALS"),
			AllowLoopbackHTTP: sandbox,
		})
		if err != nil {
			return nil, err
		}
		if to["notified"], err = amsbridge.NewDestination(store, client, amsbridge.DestinationConfig{}); err != nil {
			return nil, err
		}
	}
	if len(to) == 0 {
		return nil, errors.New("the environment names no platform: set ELEVATE_ENDPOINT and ELEVATE_KEY, or NOTIFIED_AUTH_CODE and NOTIFIED_CREDENTIALS")
	}
	return to, nil
}
