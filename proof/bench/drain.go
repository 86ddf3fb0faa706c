package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// everywhere is the one destination behind every name.
type everywhere struct{ outbox.Destination }

// Resolve knows every name.
func (e everywhere) Resolve(string) (outbox.Destination, bool) { return e.Destination, true }

// noop takes everything and does nothing.
type noop struct {
	calls atomic.Int64
	// arrived is called with each message, where it is set.
	arrived func(m outbox.Message)
}

// Deliver implements [outbox.Destination].
func (n *noop) Deliver(_ context.Context, m outbox.Message) (outbox.Result, error) {
	if n.arrived != nil {
		n.arrived(m)
	}
	n.calls.Add(1)
	return outbox.Result{}, nil
}

// complaints keeps the first error that a sender logs, for a benchmark that
// hides one would lie.
type complaints struct {
	mu    sync.Mutex
	first error
}

func (c *complaints) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

func (c *complaints) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == nil {
		text := "bench: the sender logged: " + r.Message
		r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
		c.first = errors.New(text)
	}
	return nil
}

func (c *complaints) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *complaints) WithGroup(string) slog.Handler      { return c }

func (c *complaints) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first
}

// senders are at work.
type senders struct {
	all    []*outbox.Sender
	heard  *complaints
	cancel context.CancelFunc
	ended  chan error
}

// send starts a sender for each configuration. The caller stops them.
func send(ctx context.Context, o Outbox, configs ...outbox.SenderConfig) (*senders, error) {
	s := &senders{heard: &complaints{}, ended: make(chan error, len(configs))}
	for _, cfg := range configs {
		if cfg.Logger == nil {
			cfg.Logger = slog.New(s.heard)
		}
		one, err := outbox.NewSender(o, cfg)
		if err != nil {
			return nil, err
		}
		s.all = append(s.all, one)
	}
	ctx, s.cancel = context.WithCancel(ctx)
	for _, one := range s.all {
		go func() { s.ended <- one.Run(ctx) }()
	}
	return s, nil
}

func (s *senders) wake() {
	for _, one := range s.all {
		one.Wake()
	}
}

// errComplained: stop says of what.
var errComplained = errors.New("bench: a sender complained")

// await asks every millisecond until done, or until a sender complains.
func (s *senders) await(ctx context.Context, done func() (bool, error)) error {
	return await(ctx, func() (bool, error) {
		if s.heard.err() != nil {
			return false, errComplained
		}
		return done()
	})
}

// stop ends them and returns what they complained of.
func (s *senders) stop() error {
	s.cancel()
	var all error
	for range s.all {
		all = errors.Join(all, <-s.ended)
	}
	return errors.Join(all, s.heard.err())
}

// drain returns the rate at which senders empty an outbox of n messages, from
// their start until all are settled, and checks that each was delivered once.
func drain(ctx context.Context, o Outbox, n int, calls *atomic.Int64, configs ...outbox.SenderConfig) (perSecond float64, err error) {
	settledBefore, err := settled(ctx, o)
	if err != nil {
		return 0, err
	}
	before := calls.Load()
	begun := time.Now()
	s, err := send(ctx, o, configs...)
	if err != nil {
		return 0, err
	}
	err = s.await(ctx, func() (bool, error) {
		if calls.Load()-before < int64(n) {
			return false, nil
		}
		left, err := o.Number(ctx, "SELECT CASE WHEN EXISTS (SELECT 1 FROM amsbridge_queue) THEN 1 ELSE 0 END")
		return left == 0, err
	})
	took := time.Since(begun)
	if err = errors.Join(err, s.stop()); err != nil {
		return 0, err
	}
	now, err := settled(ctx, o)
	if got := calls.Load() - before; err == nil && (got != int64(n) || now-settledBefore != int64(n)) {
		err = fmt.Errorf("bench: of %d messages %d were delivered and %d settled", n, got, now-settledBefore)
	}
	return float64(n) / took.Seconds(), err
}

// settled is how many messages were ever delivered, by the log.
func settled(ctx context.Context, o Outbox) (int64, error) {
	return o.Number(ctx, fmt.Sprintf("SELECT count(*) FROM amsbridge_attempt WHERE state = %d", outbox.StateDelivered))
}

// patience is the longest that a part of a round may take.
const patience = 2 * time.Minute

// await asks every millisecond until done.
func await(ctx context.Context, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("bench: it did not end: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// discard empties the outbox of what is to be left unsent, and forgets what it
// knew of destinations.
func discard(ctx context.Context, o Outbox) error {
	return errors.Join(o.Exec(ctx, "DELETE FROM amsbridge_queue"), o.Exec(ctx, "DELETE FROM amsbridge_destination"))
}
