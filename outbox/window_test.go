package outbox_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// watch counts what a sender has in flight, by what it recorded and settled.
type watch struct {
	mu      sync.Mutex
	held    map[outbox.ID]held
	most    int
	records int
	wrong   string
}

// held is a message of a flight.
type held struct {
	flight int64
	lost   int
}

// over watches a store. A suspect is in flight alone.
func (w *watch) over(store outbox.Queue, settleTakes time.Duration) *faulty {
	w.held = map[outbox.ID]held{}
	return &faulty{
		Queue: store,
		record: func(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
			rec, err := store.Record(ctx, f)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.records++
			for _, b := range rec.Begun {
				w.held[b.ID] = held{f.N, b.Lost}
			}
			w.most = max(w.most, len(w.held))
			for id, h := range w.held {
				if h.lost >= outbox.SuspectAfter && len(w.held) > 1 {
					w.wrong = fmt.Sprintf("the suspect %d is in flight with %d others", id, len(w.held)-1)
				}
			}
			return rec, err
		},
		settle: func(ctx context.Context, s outbox.Settling) (outbox.Settled, error) {
			time.Sleep(settleTakes)
			settled, err := store.Settle(ctx, s)
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, id := range settled.Acked {
				delete(w.held, id)
			}
			for id, h := range w.held { // what was not begun of a flight is over with it
				if slices.Contains(s.Over, h.flight) {
					delete(w.held, id)
				}
			}
			return settled, err
		},
	}
}

func (w *watch) peak() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.most
}

// flights is how many were recorded.
func (w *watch) flights() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.records
}

// violation says which suspect was not alone.
func (w *watch) violation() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wrong
}

func TestWindowBoundsWhatIsInFlight(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
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
		require.LessOrEqual(t, w.peak(), 10, "unsettled ones count too")
		require.GreaterOrEqual(t, w.peak(), 8, "and the window is used")
		r.requireAllDeliveredOnce(ids)
	})
}

func TestConcurrencyIsPerDestination(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
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

// lose has the messages die with a sender, so often.
func (r *env) lose(ids []outbox.ID, times int) {
	r.t.Helper()
	for range times {
		s, err := r.store.Join(r.t.Context(), outbox.Joining{By: "dies", Length: time.Second})
		require.NoError(r.t, err)
		f := outbox.Flight{Session: s, N: 1}
		for _, id := range ids {
			rec := r.one(id)
			f.Messages = append(f.Messages, outbox.Queued{ID: id, Key: rec.OrderingKey(), Destination: rec.Destination})
		}
		rec, err := r.store.Record(r.t.Context(), f)
		require.NoError(r.t, err)
		require.Len(r.t, rec.Begun, len(ids))
		require.NoError(r.t, r.store.Leave(r.t.Context(), s))
	}
}

func TestSuspectsAreSentAlone(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		w := &watch{}
		r.on("elevate", answering(2*time.Second))
		all := msgs(60)
		suspects := r.insert(all[:3]...)
		r.lose(suspects, outbox.SuspectAfter)
		r.insert(all[3:40]...)
		r.queue = w.over(r.store, 100*time.Millisecond)
		r.cfg.Concurrency = 20
		r.start()
		r.pass(3 * time.Second)
		r.insert(all[40:]...)
		r.pass(time.Minute)
		require.Empty(t, w.violation())
		require.GreaterOrEqual(t, w.peak(), 20, "the others go together")
		pending, parked := r.count()
		require.Zero(t, pending+parked)
		require.Equal(t, 60, r.sends())
	})
}

// What is sent alone keeps its place among its person's messages.
func TestSuspectsKeepTheirPlace(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", answer(nil))
		var keys []string
		var all []outbox.ID
		for i := range 9 {
			m := msg(fmt.Sprint("key-", i), "one")
			keys = append(keys, m.Key)
			all = append(all, r.insert(m)...)
		}
		r.lose([]outbox.ID{all[0], all[3], all[4]}, outbox.SuspectAfter)
		r.insert(msgs(40)...)
		r.start()
		r.pass(20 * time.Second)
		var one []string
		for _, m := range r.messages() {
			if m.Person == "one" {
				one = append(one, m.Key)
			}
		}
		require.Equal(t, keys, one)
		require.Equal(t, 49, r.sends())
	})
}

// What kills its sender again and again is parked, and nobody else is to blame.
func TestOnlyWhatKillsItsSenderIsParked(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		ids := r.insert(msgs(3)...)
		r.lose(ids, outbox.SuspectAfter)
		r.lose(ids[:1], outbox.PoisonAfter-outbox.SuspectAfter)
		require.Equal(t, outbox.StateParked, r.one(ids[0]).State)
		r.on("elevate", answer(nil))
		r.start()
		r.pass(10 * time.Second)
		for _, id := range ids[1:] {
			require.Equal(t, outbox.StateDelivered, r.one(id).State)
		}
	})
}

// A suspect does not wait for ever behind a person's messages at a destination that is slow.
func TestSuspectWaitsOnlyForWhatWasBegun(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", answering(20*time.Second))
		r.on("notified", answer(nil))
		suspect := msg("suspect", "U-s")
		suspect.Destination = "notified"
		for i := range 10 {
			r.insert(msg(fmt.Sprint("one-", i), "one"))
		}
		r.start()
		r.pass(time.Second)
		r.lose(r.insert(suspect), outbox.SuspectAfter)
		r.pass(24 * time.Second)
		require.Equal(t, outbox.StateDelivered, r.one(11).State)
	})
}

// Destinations that hang take no more of the window than the configuration says.
func TestHealthyBesideDeadDestinations(t *testing.T) {
	took := func(t *testing.T, dead int) (took time.Duration) {
		bubbleOf(t, func(_ *testing.T, r *env) {
			r.cfg.Window = 400
			r.on("notified", answering(10*time.Millisecond))
			for i := range dead {
				name := fmt.Sprint("elevate/", i)
				r.on(name, untilDone)
				r.insert(to(name, 200)...)
			}
			r.start()
			r.pass(time.Second)
			begin := time.Now()
			ids := r.insert(to("notified", 3000)...)
			for r.one(ids[len(ids)-1]).State != outbox.StateDelivered {
				r.pass(5 * time.Millisecond)
			}
			took = time.Since(begin)
			r.stop()
		})
		return took
	}
	t.Parallel()
	alone := took(t, 0)
	for _, dead := range []int{1, 8} {
		require.Less(t, took(t, dead).Seconds(), alone.Seconds()/0.95, "beside %d dead ones", dead)
	}
}

// What waits for a paused destination is not kept in memory, and is there at once when it opens.
func TestPausedDestinationTakesNoRoom(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var refuses atomic.Bool
		refuses.Store(true)
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			if refuses.Load() {
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnauthorized, Code: "401"}
			}
			return outbox.Result{}, nil
		})
		r.on("notified", answer(nil))
		r.cfg.Window, r.cfg.Concurrency, r.cfg.ProbeEvery = 40, 5, 2*time.Minute
		var reads atomic.Int32
		r.queue = &faulty{Queue: r.store, read: func(ctx context.Context, q outbox.Reading) (outbox.Read, error) {
			reads.Add(1)
			return r.store.Read(ctx, q)
		}}
		r.insert(to("elevate", 2000)...)
		r.start()
		r.pass(10 * time.Second)
		before := r.sends()
		r.insert(to("notified", 500)...)
		r.pass(2 * time.Second)
		require.Equal(t, before+500, r.sends())
		reads.Store(0)
		r.pass(time.Minute)
		require.Less(t, reads.Load(), int32(300), "and is not read over and over")
		refuses.Store(false)
		r.pass(90 * time.Second)
		pending, _ := r.count()
		require.Zero(t, pending)
	})
}

// One person with thousands of messages holds up nobody else, and goes on at their own pace.
func TestOnePersonWithManyMessagesBesideOthers(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var reads atomic.Int32
		r.queue = &faulty{Queue: r.store, read: func(ctx context.Context, q outbox.Reading) (outbox.Read, error) {
			reads.Add(1)
			return r.store.Read(ctx, q)
		}}
		l := newLedger()
		r.on("elevate", l.over(answering(10*time.Millisecond)))
		for i := range 5000 {
			r.insert(msg(fmt.Sprint("one-", i), "one"))
		}
		others := r.insert(msgs(1000)...)
		r.start()
		begin := time.Now()
		for r.one(others[len(others)-1]).State != outbox.StateDelivered && time.Since(begin) < time.Minute {
			r.pass(10 * time.Millisecond)
		}
		require.Less(t, time.Since(begin), 1300*time.Millisecond, "nine of ten workers are theirs")
		one := r.sends() - 1000
		r.pass(10 * time.Second)
		require.InDelta(t, 1000, r.sends()-1000-one, 20, "one after another without a pause")
		require.Less(t, reads.Load(), int32(1500))
		r.pass(time.Minute)
		l.requireGood(t, 6000)
		pending, _ := r.count()
		require.Zero(t, pending)
	})
}

// A loud destination does not starve thousands of quiet ones.
func TestThousandsOfDestinations(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		const n = 3000
		var all []outbox.Message
		for i := range n {
			name := fmt.Sprint("elevate/", i)
			r.on(name, answering(10*time.Millisecond))
			all = append(all, to(name, 2)...)
		}
		r.on("elevate", answering(10*time.Millisecond))
		r.insert(to("elevate", 8000)...)
		r.start()
		r.pass(time.Second)
		before := r.sends()
		r.insert(all...)
		r.pass(time.Second)
		quiet := 0
		for _, m := range r.messages()[before:] {
			if m.Destination != "elevate" {
				quiet++
			}
		}
		require.Equal(t, 2*n, quiet)
		require.GreaterOrEqual(t, r.sends()-before-quiet, 900, "and goes on itself")
		r.pass(20 * time.Second)
		pending, _ := r.count()
		require.Zero(t, pending)
	})
}

func TestWakeBeforeRunIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
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
