package outbox_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// answering is a destination that takes its time.
func answering(after time.Duration) deliverFunc {
	return func(context.Context, outbox.Message) (outbox.Result, error) {
		time.Sleep(after)
		return outbox.Result{}, nil
	}
}

// to returns n messages of different persons to one destination.
func to(name string, n int) []outbox.Message {
	out := make([]outbox.Message, n)
	for i := range out {
		out[i] = msg(fmt.Sprint(name, "-", i), fmt.Sprint("U-", i))
		out[i].Destination = name
	}
	return out
}

// slots is what a claim might take of a destination on top of what it holds.
func slots(req outbox.ClaimRequest, name string) int {
	return req.DestinationLimit - req.InFlight[name]
}

// The faster a destination takes messages, the more are claimed ahead, up to
// half of the window.
func TestClaimsGrowWithTheSpeedOfTheDestination(t *testing.T) {
	for name, c := range map[string]struct {
		answer      time.Duration
		n           int
		least, most int // of the largest claim for it
		claims      int // at most
	}{
		"slow":    {time.Second, 100, 10, 11, 120},
		"middle":  {50 * time.Millisecond, 1000, 11, 50, 150},
		"instant": {100 * time.Microsecond, 8000, 700, 1000, 100},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				p := &recordingQueue{}
				r.queue = p.over(r.store, nil)
				r.on("elevate", answering(c.answer))
				r.cfg.Window = 2000
				r.insert(to("elevate", c.n)...)
				r.start()
				begin := time.Now()
				r.pass(time.Duration(c.n/10)*c.answer + c.answer + 5*time.Millisecond)
				require.Equal(t, c.n, r.sends(), "all workers are busy all the time")
				require.LessOrEqual(t, r.times()[c.n-1].Sub(begin), time.Duration(c.n/10)*c.answer)
				most := 0
				for _, req := range p.requests() {
					most = max(most, slots(req, "elevate"))
				}
				require.GreaterOrEqual(t, most, c.least)
				require.LessOrEqual(t, most, c.most)
				require.LessOrEqual(t, len(p.requests()), c.claims)
			})
		})
	}
}

// A destination that hangs takes no more of the window than it has workers,
// whatever the speed of the others.
func TestHealthyBesideDeadDestinations(t *testing.T) {
	took := func(t *testing.T, dead int) (took time.Duration) {
		bubbleOf(t, func(_ *testing.T, r *rig) {
			r.cfg.Window = 100
			r.on("notified", answering(10*time.Millisecond))
			for i := range dead {
				name := fmt.Sprint("elevate/", i)
				r.on(name, func(ctx context.Context, _ outbox.Message) (outbox.Result, error) {
					<-ctx.Done()
					return outbox.Result{}, ctx.Err()
				})
				r.insert(to(name, 200)...)
			}
			r.start()
			r.pass(time.Second)
			begin := time.Now()
			ids := r.insert(to("notified", 3000)...)
			for r.one(ids[len(ids)-1]).State != outbox.StateDelivered {
				r.pass(time.Millisecond)
			}
			took = time.Since(begin)
		})
		return took
	}
	t.Parallel()
	alone := took(t, 0)
	for _, dead := range []int{1, 6} {
		require.Less(t, took(t, dead).Seconds(), alone.Seconds()/0.95, "beside %d dead ones", dead)
	}
}

// What ten thousand destinations need is looked at when they have something, and
// forgotten afterwards; all have their turn.
func TestThousandsOfDestinations(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := &recordingQueue{}
		r.queue = p.over(r.store, nil)
		const n = 3000
		var all []outbox.Message
		for i := range n {
			name := fmt.Sprint("elevate/", i)
			r.on(name, answering(10*time.Millisecond))
			all = append(all, to(name, 2)...)
		}
		// A loud one, whose turn comes first.
		r.on("elevate/", nil)
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
		require.Equal(t, 2*n, quiet, "a loud one does not starve the quiet ones")
		require.GreaterOrEqual(t, r.sends()-before-quiet, 900, "and goes on itself")
		r.pass(20 * time.Second)
		pending, _ := r.count()
		require.Zero(t, pending)
		p.forget()
		r.sender.Wake()
		r.pass(time.Millisecond)
		require.Empty(t, p.requests()[0].InFlight)
		require.Empty(t, p.requests()[0].Skip)
	})
}

// An outcome that cannot be recorded takes room in the window: the fetcher stops.
func TestFetcherStopsWhenTheDatabaseLags(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		w := &watch{}
		r.queue = w.over(r.store, 10*time.Second)
		r.on("elevate", answer(nil))
		r.cfg.Window = 50
		r.insert(to("elevate", 500)...)
		r.start()
		r.pass(9 * time.Second)
		require.Equal(t, 50, w.peak())
		require.Equal(t, 50, r.sends())
	})
}
