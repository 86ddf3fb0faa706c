package outbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// pruner is a queue whose prunings a test looks at.
type pruner struct {
	outbox.Queue
	got   notes[outbox.Pruning]
	at    notes[time.Time]
	prune func(ctx context.Context, n int) (outbox.Pruned, error)
}

func (q *pruner) Prune(ctx context.Context, p outbox.Pruning) (outbox.Pruned, error) {
	q.got.add(p)
	q.at.add(time.Now())
	n := q.calls()
	if q.prune == nil {
		return outbox.Pruned{}, nil
	}
	return q.prune(ctx, n)
}

func (q *pruner) calls() int { return len(q.got.all()) }

func TestRetention(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		set  outbox.Retention
		want outbox.Pruning
		none bool
	}{
		"default":         {want: outbox.Pruning{Replies: 30 * day}},
		"both":            {set: outbox.Retention{Replies: day, ForgetAfter: 400 * day}, want: outbox.Pruning{Replies: day, Forget: 400 * day}},
		"messages alone":  {set: outbox.Retention{Replies: -1, ForgetAfter: 400 * day}, want: outbox.Pruning{Forget: 400 * day}},
		"nothing for all": {set: outbox.Retention{Replies: -1}, none: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				q := &pruner{Queue: r.store}
				r.queue, r.cfg.Retention, r.cfg.Poll = q, c.set, time.Hour
				begin := time.Now()
				r.start()
				r.pass(day)
				if c.none {
					require.Zero(t, q.calls())
					return
				}
				require.InDelta(t, 24, q.calls(), 5, "once an hour")
				for _, p := range q.got.all() {
					require.Equal(t, c.want, p)
				}
				require.LessOrEqual(t, q.at.all()[0].Sub(begin), 5*time.Minute, "soon after the start")
			})
		})
	}
}

// It goes on while there is more, with rests in between, and gives up for an
// hour when something fails; delivery does not notice.
func TestPruningIsInPartsAndDisturbsNobody(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		q := &pruner{Queue: r.store, prune: func(ctx context.Context, n int) (outbox.Pruned, error) {
			switch {
			case n < 50:
				time.Sleep(time.Second)
				return outbox.Pruned{Replies: 1000, More: true}, nil
			case n == 50:
				<-ctx.Done() // hangs
				return outbox.Pruned{More: true}, ctx.Err()
			}
			return outbox.Pruned{}, nil
		}}
		r.queue = q
		r.on("elevate", answer(nil))
		r.start()
		r.pass(6 * time.Minute)
		begin := time.Now()
		id := r.insert(msg("a", "U-1"))[0]
		r.pass(time.Millisecond)
		require.Equal(t, outbox.StateDelivered, r.one(id).State)
		require.Zero(t, r.times()[0].Sub(begin))
		r.pass(14 * time.Minute)
		require.Equal(t, 50, q.calls())
		for i := range 49 {
			require.GreaterOrEqual(t, q.at.all()[i+1].Sub(q.at.all()[i]), 3*time.Second)
		}
		r.pass(70 * time.Minute)
		require.Equal(t, 51, q.calls())
	})
}

func TestPruningEndsWithTheSender(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		q := &pruner{Queue: r.store, prune: func(ctx context.Context, _ int) (outbox.Pruned, error) {
			<-ctx.Done()
			return outbox.Pruned{}, ctx.Err()
		}}
		r.queue, r.cfg.SettleTimeout = q, time.Hour
		r.start()
		r.pass(5 * time.Minute)
		require.Equal(t, 1, q.calls())
		begin := time.Now()
		r.stop()
		require.Zero(t, time.Since(begin))
	})
}
