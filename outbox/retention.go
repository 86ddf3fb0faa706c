package outbox

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Retention says what is deleted from a store, and when. Senders delete it beside their other work,
// hourly and in small parts.
type Retention struct {
	// Replies is the age at which the platforms' replies are deleted, and all attempts except the one
	// that settled the message. That one is kept with its receipt. Negative for never. Defaults to 30
	// days.
	Replies time.Duration
	// ForgetAfter is the age at which what is over is deleted: messages that ended, with their keys and
	// receipts, and older entries than a subject's last one. What a person still has is kept (see
	// [Message.Sequel]). At least a day. Defaults to never.
	ForgetAfter time.Duration
}

func (r Retention) withDefaults() (Retention, error) {
	setDefault(&r.Replies, 30*24*time.Hour)
	switch {
	case r.ForgetAfter < 0:
		return r, check.Bad("outbox", "SenderConfig.Retention.ForgetAfter", "is negative")
	case r.ForgetAfter > 0 && r.ForgetAfter < 24*time.Hour:
		return r, check.Bad("outbox", "SenderConfig.Retention.ForgetAfter", "is shorter than a day")
	}
	return r, nil
}

// pruneEvery is how often a sender forgets. It begins within the first
// pruneSoon, so that one that is often restarted comes to it as well.
const (
	pruneEvery = time.Hour
	pruneSoon  = 5 * time.Minute
	// pruneRest is the least pause between two parts of it.
	pruneRest = 100 * time.Millisecond
)

// forget prunes the store until ctx ends.
func (r *run) forget(ctx context.Context) {
	p := Pruning{Replies: max(0, r.cfg.Retention.Replies), Forget: r.cfg.Retention.ForgetAfter}
	if p.Replies == 0 && p.Forget == 0 {
		return
	}
	wait := time.Duration(rand.Int64N(int64(pruneSoon))) //nolint:gosec // jitter is no secret
	for sleep(ctx, wait) {
		r.pruneAll(ctx, p)
		wait = jittered(pruneEvery)
	}
}

// pruneAll prunes until nothing is left to be, and leaves the store to others
// for twice as long as each part takes.
func (r *run) pruneAll(ctx context.Context, p Pruning) {
	for {
		begun := time.Now()
		done, err := r.prune(ctx, p)
		if err != nil && ctx.Err() == nil {
			r.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "amsbridge: cannot prune what is past its retention; it is tried again within the hour",
				slog.String("error", err.Error()))
		}
		if err != nil || !done.More || !sleep(ctx, max(pruneRest, 2*time.Since(begun))) {
			return
		}
	}
}

func (r *run) prune(ctx context.Context, p Pruning) (Pruned, error) {
	return within(ctx, r.cfg.SettleTimeout, "prune", func(ctx context.Context) (Pruned, error) {
		return r.queue.Prune(ctx, p)
	})
}

// sleep waits for d, and returns false if ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
