package outbox_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

func TestSenderConfigNamesTheBadField(t *testing.T) {
	t.Parallel()
	good := func() outbox.SenderConfig {
		return outbox.SenderConfig{Destinations: outbox.Fixed{"elevate": answer(nil)}}
	}
	for field, spoil := range map[string]func(*outbox.SenderConfig){
		"SenderConfig.Destinations":   func(c *outbox.SenderConfig) { c.Destinations = nil },
		"SenderConfig.Concurrency":    func(c *outbox.SenderConfig) { c.Concurrency = -1 },
		"SenderConfig.Installation":   func(c *outbox.SenderConfig) { c.Installation = "two\nlines" },
		"SenderConfig.Window":         func(c *outbox.SenderConfig) { c.Window = 5 },
		"SenderConfig.DeliverTimeout": func(c *outbox.SenderConfig) { c.DeliverTimeout = -time.Second },
		"SenderConfig.SettleTimeout":  func(c *outbox.SenderConfig) { c.SettleTimeout = -1 },
		"SenderConfig.Session":        func(c *outbox.SenderConfig) { c.Session = time.Millisecond },
		"SenderConfig.Poll":           func(c *outbox.SenderConfig) { c.Poll = time.Microsecond },
		"SenderConfig.ProbeEvery":     func(c *outbox.SenderConfig) { c.ProbeEvery = -1 },
		"SenderConfig.Breaker.First":  func(c *outbox.SenderConfig) { c.Breaker.First = -1 },
		"SenderConfig.Breaker.Longest": func(c *outbox.SenderConfig) {
			c.Breaker = outbox.Breaker{First: time.Minute, Longest: time.Second}
		},
		"SenderConfig.Retention.ForgetAfter": func(c *outbox.SenderConfig) { c.Retention.ForgetAfter = time.Hour },
		"SenderConfig.Retry.First":           func(c *outbox.SenderConfig) { c.Retry.First = -1 },
		"SenderConfig.Retry.Longest":         func(c *outbox.SenderConfig) { c.Retry.Longest = time.Second },
		"SenderConfig.Retry.Attempts":        func(c *outbox.SenderConfig) { c.Retry.Attempts = -1 },
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			cfg := good()
			spoil(&cfg)
			_, err := outbox.NewSender(newEnv(t).store, cfg)
			var bad *check.InputError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, field, bad.Field)
		})
	}
	for _, queue := range []outbox.Queue{nil, (*outboxtest.Memory)(nil)} {
		_, err := outbox.NewSender(queue, good())
		requireField(t, err, "queue")
	}
}

// A destination that no message can reach is named.
func TestSenderRefusesDestinationsThatCanNeverMatch(t *testing.T) {
	t.Parallel()
	for want, to := range map[string]outbox.Resolver{
		"outbox: SenderConfig.Destinations is nil":   (*env)(nil),
		"outbox: SenderConfig.Destinations is empty": outbox.Fixed{},
		`outbox: SenderConfig.Destinations["elevate/b"] is nil`: outbox.Fixed{
			"elevate": answer(nil), "elevate/a": answer(nil), "elevate/b": nil,
		},
		`outbox: SenderConfig.Destinations["notified"] is nil`: outbox.Fixed{"notified": deliverFunc(nil)},
		`outbox: SenderConfig.Destinations["Elevate"] is not of the form [a-z0-9]+(/[A-Za-z0-9._-]{1,64})?`: outbox.Fixed{
			"Elevate": answer(nil), "elevate": answer(nil),
		},
	} {
		_, err := outbox.NewSender(newEnv(t).store, outbox.SenderConfig{Destinations: to})
		require.EqualError(t, err, want)
	}
}

func TestSenderDeliversInOrderOfOnePersonAndInParallelOtherwise(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var now, most atomic.Int32
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return outbox.Result{Receipt: []byte("r")}, nil
		})
		r.cfg.Concurrency = 4
		all := msgs(20)
		for i := range all[:5] {
			all[i].Person = "one"
		}
		ids := r.insert(all...)
		r.start()
		r.pass(10 * time.Second)
		for _, id := range ids {
			rec := r.one(id)
			require.Equal(t, outbox.StateDelivered, rec.State)
			require.Equal(t, []byte("r"), rec.Receipt)
			require.Nil(t, rec.Profile)
		}
		require.EqualValues(t, 4, most.Load())
		var one []string
		for _, m := range r.messages() {
			if m.Person == "one" {
				one = append(one, m.Key)
			}
		}
		require.Equal(t, []string{"key-000", "key-001", "key-002", "key-003", "key-004"}, one)
	})
}

func TestSenderWakesAtOnceAndLooksOtherwise(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", answer(nil))
		r.start()
		r.pass(time.Second)
		begin := time.Now()
		r.insert(msg("woken", "U-1"))
		r.pass(time.Millisecond)
		require.Equal(t, 1, r.sends())
		require.Zero(t, r.times()[0].Sub(begin))
		tx := r.store.Begin()
		_, err := r.store.InsertTx(t.Context(), tx, msg("polled", "U-1"))
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		require.Equal(t, 1, r.sends())
		r.pass(1100 * time.Millisecond)
		require.Equal(t, 2, r.sends())
	})
}

// asked counts what a sender asks the store.
type asked struct {
	outbox.Queue
	beats, reads atomic.Int64
}

func (a *asked) Beat(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
	a.beats.Add(1)
	return a.Queue.Beat(ctx, b)
}

func (a *asked) Read(ctx context.Context, r outbox.Reading) (outbox.Read, error) {
	a.reads.Add(1)
	return a.Queue.Read(ctx, r)
}

func TestIdleSenderAsksOnceASecond(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		a := &asked{Queue: r.queue}
		r.queue = a
		r.on("elevate", answer(nil))
		r.start()
		r.insert(msgs(100)...)
		r.pass(time.Minute)
		require.Equal(t, 100, r.sends())
		a.beats.Store(0)
		a.reads.Store(0)
		r.pass(10 * time.Minute)
		require.InDelta(t, 600, a.beats.Load(), 2)
		require.LessOrEqual(t, a.reads.Load(), int64(40), "now and then it looks through everything")
	})
}

func TestSenderStopsGracefully(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			time.Sleep(10 * time.Second)
			return outbox.Result{}, nil
		})
		r.cfg.Concurrency = 2
		ids := r.insert(msgs(6)...)
		r.start()
		r.pass(time.Second)
		begin := time.Now()
		r.stop()
		require.Equal(t, 9*time.Second, time.Since(begin), "what is under way ends")
		require.Equal(t, 2, r.sends())
		for i, id := range ids {
			rec := r.one(id)
			require.False(t, rec.InFlight)
			if i < 2 {
				require.Equal(t, outbox.StateDelivered, rec.State)
				continue
			}
			require.Equal(t, outbox.StatePending, rec.State)
			require.Zero(t, rec.Attempt, "the attempt was given back")
			log, err := r.store.Attempts(t.Context(), outbox.AttemptQuery{IDs: []outbox.ID{id}})
			require.NoError(t, err)
			require.Empty(t, log)
		}
	})
}

func TestSenderRunsOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.start()
		synctest.Wait()
		require.ErrorIs(t, r.sender.Run(t.Context()), outbox.ErrRunning)
	})
}
