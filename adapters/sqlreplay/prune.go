package sqlreplay

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// When rows go.
const (
	// pruneMargin is how long a row is kept past its time. The verifiers' clocks
	// say when a token ends, the database's when its row may go: as long as they
	// are less than this apart, no row goes early.
	pruneMargin = time.Hour
	// pruneAfter insertions by one process make it prune, or the first after
	// pruneEvery. They are fewer than any dialect's batch, so that no backlog
	// grows.
	pruneAfter = 64
	pruneEvery = time.Minute
)

// Prune deletes what need not be kept: rows of tokens that ended more than an
// hour ago, and rows of the audit older than [Config.KeepAudit]. It goes in
// batches, each a transaction of its own, and rests as long as each took. It
// returns how many rows went, on an error too.
//
// Nobody must call it: [Store.Consume] and [Store.Audit] delete one batch of each
// table after they inserted their own row, every 64th time or after a minute, in
// the sign-in and never in a checkout. Call it, from a timer or by hand, where so
// few sign in that [Config.KeepAudit] would not be kept.
func (s *Store) Prune(ctx context.Context) (deleted int64, err error) {
	for {
		begun := time.Now()
		n, more, err := s.pruneOnce(ctx)
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("sqlreplay: prune: %w", err)
		}
		if !more {
			return deleted, nil
		}
		rest := time.NewTimer(time.Since(begun))
		select {
		case <-rest.C:
		case <-ctx.Done():
			rest.Stop()
			return deleted, ctx.Err()
		}
	}
}

// pruneOnce deletes a batch of each, and tells whether there may be more.
func (s *Store) pruneOnce(ctx context.Context) (deleted int64, more bool, err error) {
	now, err := s.now(ctx)
	if err != nil {
		return 0, false, err
	}
	if deleted, err = s.delete(ctx, s.d.prune, now.Add(-pruneMargin)); err != nil {
		return deleted, false, err
	}
	var audit int64
	if s.cfg.KeepAudit > 0 {
		audit, err = s.delete(ctx, s.d.pruneAudit, now.Add(-s.cfg.KeepAudit))
	}
	return deleted + audit, max(deleted, audit) >= s.d.batch, err
}

func (s *Store) delete(ctx context.Context, statement string, before time.Time) (int64, error) {
	result, err := s.cfg.DB.ExecContext(ctx, statement, before.UnixMicro())
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *Store) now(ctx context.Context) (time.Time, error) {
	if s.cfg.Now != nil {
		return s.cfg.Now(), nil
	}
	var us int64
	err := s.cfg.DB.QueryRowContext(ctx, s.d.now).Scan(&us)
	return time.UnixMicro(us), err
}

// pruneSometimes prunes where it is due. That it failed is no matter of the
// member who waits.
func (s *Store) pruneSometimes(ctx context.Context) {
	if !s.pruneDue() {
		return
	}
	if _, _, err := s.pruneOnce(ctx); err != nil {
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "sqlreplay: old rows were not deleted", slog.Any("error", err))
	}
}

func (s *Store) pruneDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sincePrune++
	if s.sincePrune < pruneAfter && time.Since(s.lastPrune) < pruneEvery {
		return false
	}
	s.sincePrune, s.lastPrune = 0, time.Now()
	return true
}
