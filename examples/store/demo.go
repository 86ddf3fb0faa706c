package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/amsbridge/amsbridge/examples/store/platforms"
	"github.com/amsbridge/amsbridge/examples/store/shop"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// stepTimeout bounds every wait of the demo.
const stepTimeout = 30 * time.Second

// demo is the story, told by the parent process. It runs both sandboxes, and
// starts and kills the shop as child processes.
type demo struct {
	out   io.Writer
	lines int
	dsn   string
	keys  *ssokeys.Ring
	sites *platforms.Platforms
	// db and bridge are the parent's own look into the shop's database. Its
	// sender never runs.
	db     *shop.Database
	bridge *bridge
	// pushes are the destinations of what the committed orders queued, by key;
	// committed are their order IDs.
	pushes    map[string]string
	committed []string
}

// playDemo tells the story, each step as it happens, and returns what went
// wrong.
func playDemo(ctx context.Context, dsn string, out io.Writer) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("demo failed: %w", err)
		}
	}()
	dsn, clean, err := demoDatabase(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clean()) }()

	d := &demo{out: out, dsn: dsn, pushes: map[string]string{}}
	if d.keys, err = newKeys(); err != nil {
		return err
	}
	// What the platforms refuse is part of the story, and checked there.
	if d.sites, err = startQuietly(d.keys); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.sites.Close()) }()
	if d.db, err = shop.OpenDatabase(ctx, d.dsn); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.db.Close()) }()
	if d.bridge, err = wire(ctx, d.db, d.sites.Access, demoSender()); err != nil {
		return err
	}
	d.say("Elevate's sandbox at %s, Notified's at %s, the shop's orders in %s", d.sites.Elevate.URL, d.sites.Notified.URL, d.db.Where)

	for _, step := range []struct {
		name string
		play func(context.Context) error
	}{
		{"kill between COMMIT and send", d.killBeforeSend},
		{"kill between effect and settlement", d.killBeforeSettlement},
		{"restart", d.restart},
		{"each registration once", d.eachOnce},
		{"an order rolled back", d.rolledBack},
		{"a learner replaced, a refund undone", d.changed},
		{"hand-off", d.walkIn},
	} {
		if err := step.play(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return d.end(ctx)
}

// startQuietly starts the platforms on free ports, without a log.
func startQuietly(keys *ssokeys.Ring) (*platforms.Platforms, error) {
	return platforms.Start(platforms.Config{
		ElevateAddr: "127.0.0.1:0", NotifiedAddr: "127.0.0.1:0",
		Issuer: shopIssuer, Audience: elevateAudience, Keys: keys, Origins: []string{shopIssuer}, Log: slog.New(slog.DiscardHandler),
	})
}

// demoDatabase makes room for one run, so that runs on one PostgreSQL do not
// see each other: a schema there, and otherwise a folder. clean removes it.
func demoDatabase(ctx context.Context, dsn string) (own string, clean func() error, err error) {
	if shop.IsPostgres(dsn) {
		own, drop, err := shop.OwnSchema(ctx, dsn)
		return own, func() error {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
			defer cancel()
			return drop(ctx)
		}, err
	}
	if dsn != "" {
		return "", nil, errors.New("-demo takes postgres://… as -db, or none")
	}
	folder, err := os.MkdirTemp("", "amsbridge-demo-")
	return filepath.Join(folder, "shop.sqlite"), func() error { return os.RemoveAll(folder) }, err
}

// demoSender has a short session, so that a dead sender's messages are soon taken
// over. In production the defaults are right.
func demoSender() outbox.SenderConfig {
	return outbox.SenderConfig{
		DeliverTimeout: 2 * time.Second, SettleTimeout: 1500 * time.Millisecond, Session: 3 * time.Second,
		Poll: 100 * time.Millisecond, Retry: outbox.Retry{First: 200 * time.Millisecond, Longest: time.Second},
	}
}

// say prints a step that has happened.
func (d *demo) say(format string, args ...any) {
	d.lines++
	_, _ = fmt.Fprintf(d.out, "%2d. %s\n", d.lines, fmt.Sprintf(format, args...))
}

// until asks again and again, since the condition lies in another process. It
// ends early when that process does.
func (d *demo) until(ctx context.Context, c *child, what string, met func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := met(ctx)
		if ok || err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-c.ended:
			return fmt.Errorf("the shop ended while waiting until %s: %w", what, c.problem())
		case <-ctx.Done():
			return fmt.Errorf("waited in vain until %s: %w", what, ctx.Err())
		}
	}
}

// end counts what the platforms have and what the outbox still holds.
func (d *demo) end(ctx context.Context) error {
	delivered, err := d.delivered()
	if err != nil {
		return err
	}
	pending, parked, err := d.inQueue(ctx)
	if err != nil {
		return err
	}
	if pending+parked > 0 || delivered != len(d.pushes) {
		return fmt.Errorf("%d pushes were queued, %d delivered, %d are pending and %d parked", len(d.pushes), delivered, pending, parked)
	}
	_, err = fmt.Fprintf(d.out, "demo ok: %d pushes delivered, %d pending, %d parked\n", delivered, pending, parked)
	return err
}

// inQueue counts what has not left the outbox.
func (d *demo) inQueue(ctx context.Context) (pending, parked int, err error) {
	counts, err := d.bridge.store.Counts(ctx)
	for _, c := range counts {
		pending, parked = pending+c.Pending, parked+c.Parked
	}
	return pending, parked, err
}
