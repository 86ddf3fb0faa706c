package outbox

import (
	"context"
	"log/slog"
	"time"
)

// outage is a row of failures of one call to the store. The first is logged, and
// later ones ever more seldom.
type outage struct {
	what     string
	failures int
	began    time.Time
	logged   time.Time
	quiet    time.Duration
}

// quietest is how long an outage goes on unlogged at most.
const quietest = time.Minute

// failed counts a failure. The next try is in wait.
func (o *outage) failed(ctx context.Context, log *slog.Logger, wait time.Duration, err error) {
	now := time.Now()
	if o.failures == 0 {
		o.began, o.quiet = now, 0
	}
	o.failures++
	if o.failures > 1 && now.Sub(o.logged) < o.quiet {
		return
	}
	o.logged, o.quiet = now, min(max(time.Second, 2*o.quiet), quietest)
	log.LogAttrs(ctx, slog.LevelError, "amsbridge: "+o.what, slog.Int("failures", o.failures),
		slog.Duration("since", now.Sub(o.began)), slog.Duration("next", wait), slog.String("error", err.Error()))
}

// over ends the row.
func (o *outage) over(ctx context.Context, log *slog.Logger) {
	if o.failures == 0 {
		return
	}
	log.LogAttrs(ctx, slog.LevelInfo, "amsbridge: the store answers again", slog.String("before", o.what),
		slog.Int("failures", o.failures), slog.Duration("after", time.Since(o.began)))
	o.failures = 0
}
