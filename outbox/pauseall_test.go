package outbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// everything pauses and resumes everything.
func (r *env) everything(pause bool) {
	r.t.Helper()
	op, err := outbox.NewOperator(r.store, outbox.OperatorConfig{})
	require.NoError(r.t, err)
	act, pat := op.ResumeAll, outbox.Actor{Name: "pat"}
	if pause {
		act = op.PauseAll
	}
	require.NoError(r.t, act(r.t.Context(), pat, "a copy for staging"))
}

// inFlight is how many messages are recorded as in flight.
func (r *env) inFlight() (n int) {
	r.t.Helper()
	counts, err := r.store.Counts(r.t.Context())
	require.NoError(r.t, err)
	for _, c := range counts {
		n += c.InFlight
	}
	return n
}

func TestNothingIsBegunAnywhereWhileEverythingIsPaused(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.cfg.Concurrency = 2
		all := append(to("elevate", 40), to("notified", 40)...)
		for _, m := range msgs(20) { // of one person, so that a worker has several in hand
			m.Person = "U-many"
			all = append(all, m)
		}
		for _, name := range []string{"elevate", "notified", "later"} {
			r.on(name, answering(300*time.Millisecond))
		}
		r.insert(all...)
		r.start()
		r.pass(time.Second)
		r.everything(true)
		r.pass(1500 * time.Millisecond)
		begun := r.sends()
		require.NotZero(t, begun)
		require.Less(t, begun, len(all)/2)
		require.Zero(t, r.inFlight(), "what was recorded and not begun is given back")

		all = append(all, to("later", 5)...)
		r.insert(all[len(all)-5:]...)
		r.pass(time.Minute)
		second := r.member("two", func(c *outbox.SenderConfig) { c.Destinations = r }, nil)
		r.pass(time.Minute)
		require.NotZero(t, second.shards())
		r.stop()
		r.pass(time.Minute)
		require.Equal(t, outbox.Shards, second.shards())
		require.Equal(t, begun, r.sends())
		require.Zero(t, r.inFlight())

		r.everything(false)
		r.pass(1100 * time.Millisecond)
		require.Greater(t, r.sends(), begun, "it goes on within a beat")
		r.pass(time.Minute)
		require.Len(t, r.messages(), len(all), "each once")
		pending, parked := r.count()
		require.Zero(t, pending+parked)
	})
}

// A flight that was recorded just before is not begun when its sender knows by the time that it may.
func TestWhatWasRecordedIsNotBegunOnceEverythingIsPaused(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", answer(nil))
		slow := true
		r.queue = &faulty{Queue: r.store, record: func(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
			rec, err := r.store.Record(ctx, f)
			if slow {
				slow = false
				r.everything(true)
				time.Sleep(3 * time.Second)
			}
			return rec, err
		}}
		r.insert(msgs(5)...)
		r.start()
		r.pass(time.Minute)
		require.Zero(t, r.sends())
		require.Zero(t, r.inFlight())
		r.everything(false)
		r.pass(2 * time.Second)
		require.Equal(t, 5, r.sends())
	})
}

// A sender may learn of it first when it records: then it does not try again before it is over, and has
// forgotten nothing.
func TestAPauseOfEverythingIsLearnedWhileRecording(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.seldom()
		r.on("elevate", answer(nil))
		records := 0
		r.queue = &faulty{Queue: r.store, record: func(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
			records++
			return r.store.Record(ctx, f)
		}}
		r.start()
		r.pass(11 * time.Second)
		r.everything(true)
		r.insert(msgs(5)...)
		r.pass(time.Second)
		require.Equal(t, 1, records)
		r.pass(time.Minute)
		require.Equal(t, 1, records)
		require.Zero(t, r.sends())
		r.everything(false)
		r.pass(10 * time.Second)
		require.Equal(t, 5, r.sends())
	})
}

// A flight to two destinations, of which one is closed before it begins, stays recorded while the other is
// sent to.
func TestAFlightStaysWhileSomeOfItIsSent(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("closed", answer(nil))
		r.on("slow", answering(20*time.Second))
		r.queue = &faulty{Queue: r.store, record: func(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
			rec, err := r.store.Record(ctx, f)
			if f.N == 1 {
				require.Len(t, rec.Begun, 2)
				require.NoError(t, r.store.Act(ctx, outbox.Action{
					Verb: outbox.VerbPause, Destination: "closed", Actor: outbox.Actor{Name: "pat"}, Reason: "maintenance",
				}))
				time.Sleep(3 * time.Second)
			}
			return rec, err
		}}
		r.insert(append(to("closed", 1), to("slow", 1)...)...)
		r.start()
		r.pass(15 * time.Second)
		require.Equal(t, 1, r.sends())
		require.NotZero(t, r.inFlight())
		r.pass(15 * time.Second)
		require.Zero(t, r.inFlight())
	})
}
