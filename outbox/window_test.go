package outbox_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// watch counts what a sender holds, by what it claimed and had recorded.
type watch struct {
	mu        sync.Mutex
	held      map[outbox.ID]outbox.Leased
	most      int
	perName   map[string]int
	violation string
}

func (w *watch) peak() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.most
}

func (w *watch) holds(destination string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.perName[destination]
}

func (w *watch) wrong() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.violation
}

// over watches a store. A suspect is alone in the sender's window.
func (w *watch) over(store outbox.Queue, settleTakes time.Duration) *faulty {
	w.held, w.perName = map[outbox.ID]outbox.Leased{}, map[string]int{}
	return &faulty{
		Queue: store,
		claim: func(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
			c, err := store.Claim(ctx, req)
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, l := range c.Leased {
				w.held[l.ID] = l
				w.perName[l.Destination]++
			}
			w.most = max(w.most, len(w.held))
			for _, l := range w.held {
				if l.Lost >= outbox.SuspectAfter && len(w.held) > 1 {
					w.violation = fmt.Sprintf("suspect %s is held with %d others", l.Key, len(w.held)-1)
				}
			}
			return c, err
		},
		settle: func(ctx context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
			time.Sleep(settleTakes)
			acked, err := store.Settle(ctx, batch)
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, id := range acked {
				w.perName[w.held[id].Destination]--
				delete(w.held, id)
			}
			return acked, err
		},
	}
}

func TestWindowBoundsWhatIsHeld(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		w := &watch{}
		r.on("elevate", answer(nil))
		r.on("notified", answer(nil))
		r.cfg.Concurrency, r.cfg.Window = 4, 10
		r.queue = w.over(r.store, time.Second)
		all := msgs(100)
		for i := range all[:50] {
			all[i].Destination = "notified"
		}
		ids := r.insert(all...)
		r.start()
		r.pass(2 * time.Minute)
		require.Equal(t, 10, w.peak(), "unsettled ones count too, and the window is used")
		r.requireAllDeliveredOnce(ids)
	})
}

func TestConcurrencyIsPerDestination(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		var mu sync.Mutex
		now, most := map[string]int{}, map[string]int{}
		slow := func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			mu.Lock()
			now[m.Destination]++
			now["both"]++
			for name, n := range now {
				most[name] = max(most[name], n)
			}
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now[m.Destination]--
			now["both"]--
			mu.Unlock()
			return outbox.Result{}, nil
		}
		r.on("elevate", slow)
		r.on("elevate/acme", slow)
		r.cfg.Concurrency = 3
		all := msgs(24)
		for i := range all[:12] {
			all[i].Destination = "elevate/acme"
		}
		ids := r.insert(all...)
		r.start()
		r.pass(6 * time.Second)
		require.Equal(t, map[string]int{"elevate": 3, "elevate/acme": 3, "both": 6}, most)
		r.requireAllDeliveredOnce(ids)
	})
}

func TestSuspectsAreAloneInTheWindow(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		w := &watch{}
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			time.Sleep(2 * time.Second)
			return outbox.Result{}, nil
		})
		all := msgs(40)
		r.insert(all[:3]...)
		for range outbox.SuspectAfter {
			c, err := r.store.Claim(t.Context(), outbox.ClaimRequest{Token: outbox.NewToken(), Lease: time.Second, Limit: 10, DestinationLimit: 10})
			require.NoError(t, err)
			require.Len(t, c.Leased, 3)
			r.pass(2 * time.Second)
		}
		r.insert(all[3:20]...)
		r.queue = w.over(r.store, 100*time.Millisecond)
		r.cfg.Concurrency = 20
		r.start()
		r.pass(3 * time.Second)
		r.insert(all[20:]...)
		r.pass(time.Minute)
		require.Empty(t, w.wrong())
		require.Equal(t, 20, w.peak(), "the others go together")
		pending, parked := r.count()
		require.Zero(t, pending+parked)
		require.Equal(t, 40, r.sends())
	})
}

// What waits in the sender when its destination pauses itself goes back to the
// store at once, for another sender may be the one that is let through.
func TestWaitingMessagesOfAPausedDestinationAreGivenBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		w := &watch{}
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			time.Sleep(time.Second)
			return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnauthorized, Code: "401"}
		})
		r.queue = w.over(r.store, time.Millisecond)
		all := msgs(6)
		for i := range all {
			all[i].Person = fmt.Sprint("U-", i%2)
		}
		ids := r.insert(all...)
		r.start()
		r.pass(500 * time.Millisecond)
		require.Equal(t, 6, w.holds("elevate"))
		r.pass(time.Second)
		require.Zero(t, w.holds("elevate"))
		require.Equal(t, 2, r.sends())
		for i, id := range ids {
			rec := r.one(id)
			require.False(t, rec.InFlight)
			require.Zero(t, rec.Attempt)
			log, err := r.store.Attempts(t.Context(), id)
			require.NoError(t, err)
			if i < 2 {
				require.Len(t, log, 1)
				continue
			}
			require.Contains(t, rec.Reason, "paused, held or left alone meanwhile")
			require.Empty(t, log, "nothing was tried")
		}
	})
}

// So does what no worker has come to yet, while the workers hang.
func TestWhatNoWorkerCameToIsGivenBackAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		w := &watch{}
		var calls atomic.Int32
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			switch n := calls.Add(1); {
			case n <= 200:
				return outbox.Result{}, nil
			case n == 201:
				time.Sleep(time.Second)
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnauthorized, Code: "401"}
			}
			time.Sleep(20 * time.Second)
			return outbox.Result{}, nil
		})
		r.cfg.Concurrency = 3
		r.queue = w.over(r.store, time.Millisecond)
		r.insert(msgs(400)...)
		r.start()
		r.pass(900 * time.Millisecond)
		require.Greater(t, w.holds("elevate"), 20)
		r.pass(time.Second)
		require.Equal(t, 2, w.holds("elevate"))
		require.Equal(t, 203, r.sends())
	})
}

func TestWakeBeforeRunIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.on("elevate", answer(nil))
		r.cfg.Poll = time.Hour
		sender, err := outbox.NewSender(r.store, r.cfg)
		require.NoError(t, err)
		for range 1000 {
			sender.Wake() // never blocks
		}
		ids := r.insert(msgs(1)...)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- sender.Run(ctx) }()
		r.pass(time.Millisecond)
		r.requireAllDeliveredOnce(ids)
		cancel()
		require.NoError(t, <-done)
		sender.Wake() // nor after it ended
	})
}
