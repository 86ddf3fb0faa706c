package prometheus

import (
	"context"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Resolver returns the destinations of next, with each delivery counted and timed by its outcome: see
// [outbox.OutcomeOf]. Give it to [outbox.SenderConfig]. A panic counts as unknown, and is passed on.
func (m *Metrics) Resolver(next outbox.Resolver) outbox.Resolver { return resolver{m, next} }

type resolver struct {
	m    *Metrics
	next outbox.Resolver
}

// Check lets the sender check next.
func (r resolver) Check() error {
	if check.IsNil(r.next) {
		return check.Bad("prometheus", "next", "is nil")
	}
	if next, ok := r.next.(interface{ Check() error }); ok {
		return next.Check()
	}
	return nil
}

// Resolve implements [outbox.Resolver].
func (r resolver) Resolve(name string) (outbox.Destination, bool) {
	d, ok := r.next.Resolve(name)
	if !ok {
		return nil, false
	}
	return timed{r.m, d, name}, true
}

type timed struct {
	m    *Metrics
	next outbox.Destination
	name string
}

// Deliver implements [outbox.Destination].
func (t timed) Deliver(ctx context.Context, msg outbox.Message) (outbox.Result, error) {
	begun, outcome := time.Now(), outbox.OutcomeUnknown
	defer func() {
		t.m.deliveries.WithLabelValues(t.m.label(t.name), outcome.String()).Observe(time.Since(begun).Seconds())
	}()
	res, err := t.next.Deliver(ctx, msg)
	outcome = outbox.OutcomeOf(res, err)
	return res, err
}
