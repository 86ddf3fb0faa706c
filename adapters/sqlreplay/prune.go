package sqlreplay

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// When rows are deleted.
const (
	// pruneMargin is how long a row is kept beyond its time. The verifiers' clocks decide when a token
	// ends, the database's when its row may go: while they differ by less than this, no row is deleted
	// early.
	pruneMargin = time.Hour
	// pruneAfter is the number of insertions after which a process prunes; the first insertion after
	// pruneEvery does so too. It is smaller than any dialect's batch, so that no backlog grows.
	pruneAfter = 64
	pruneEvery = time.Minute
)

// Prune deletes what need not be kept: rows of tokens that ended more than an hour ago, and rows of the
// audit older than [Config.KeepAudit]. It works in batches, each in its own transaction, with a pause
// as long as each took. It returns how many rows it deleted, also with an error.
//
// Calling it is optional. [Store.Consume] and [Store.Audit] delete one batch of each table after every
// 64th insertion or after a minute: in a sign-in, and never in a checkout. Call it, from a timer or by
// hand, where sign-ins are too rare for [Config.KeepAudit].
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

// pruneOnce deletes a batch of each table, and tells whether there may be more.
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

// pruneSometimes prunes if it is due. A failure must not affect the member who waits.
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
