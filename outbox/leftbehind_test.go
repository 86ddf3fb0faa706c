package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Nothing is remembered of what is done with: of destinations only those in trouble, as long as they are.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		names := make([]string, 400)
		for i := range names {
			names[i] = fmt.Sprint("d", i)
		}
		q := newBelt(5, names...)
		q.unacked = 7
		s, err := NewSender(q, SenderConfig{Destinations: deliver(func(m Message) error {
			if m.Subject == "bad" {
				return &DeliveryError{Outcome: OutcomeUnavailable}
			}
			return nil
		}), Alarm: func(context.Context, Alarm) {}, Logger: slog.New(slog.DiscardHandler), Concurrency: 3, Window: 500})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		r := newRun(t.Context(), s)
		var all sync.WaitGroup
		all.Go(func() { r.serve(ctx) })
		load := func(subject string, destinations int) {
			q.load(5*destinations, subject)
			s.Wake()
			time.Sleep(time.Minute)
			synctest.Wait()
			require.Zero(t, q.left)
		}
		requireLeft := func(states int) {
			t.Helper()
			r.mu.Lock()
			defer r.mu.Unlock()
			s := r.session
			require.Len(t, s.states, states)
			for name, n := range map[string]int{
				"keys": len(s.keys), "ring": len(s.ring), "known": len(s.known), "behind": len(s.behind), "short": len(s.short),
				"suspects": len(s.suspects), "probes": len(s.probes), "flying": len(s.flying), "scans": len(s.scans), "closed": len(r.closed),
				"in hand": s.inHand, "unsettled": s.unsettled, "over": len(s.over), "done": r.done.len(),
			} {
				require.Zero(t, n, name)
			}
			require.Equal(t, [Shards]int{}, s.inFlight)
		}
		load("good", 400)
		requireLeft(0)
		load("bad", 20)
		requireLeft(20)
		load("good", 400)
		requireLeft(0)
		stop()
		all.Wait()
	})
}
