package outbox_test

import (
	"context"
	"errors"
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
		"SenderConfig.Window":         func(c *outbox.SenderConfig) { c.Window = 5 },
		"SenderConfig.DeliverTimeout": func(c *outbox.SenderConfig) { c.DeliverTimeout = -time.Second },
		"SenderConfig.SettleTimeout":  func(c *outbox.SenderConfig) { c.SettleTimeout = -1 },
		"SenderConfig.Margin":         func(c *outbox.SenderConfig) { c.Margin = -1 },
		"SenderConfig.Lease":          func(c *outbox.SenderConfig) { c.Lease = 45 * time.Second },
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
			_, err := outbox.NewSender(newRig(t).store, cfg)
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
		"outbox: SenderConfig.Destinations is nil":   (*rig)(nil),
		"outbox: SenderConfig.Destinations is empty": outbox.Fixed{},
		`outbox: SenderConfig.Destinations["elevate/b"] is nil`: outbox.Fixed{
			"elevate": answer(nil), "elevate/a": answer(nil), "elevate/b": nil,
		},
		`outbox: SenderConfig.Destinations["notified"] is nil`: outbox.Fixed{"notified": deliverFunc(nil)},
		`outbox: SenderConfig.Destinations["Elevate"] is not of the form [a-z0-9]+(/[A-Za-z0-9._-]{1,64})?`: outbox.Fixed{
			"Elevate": answer(nil), "elevate": answer(nil),
		},
	} {
		_, err := outbox.NewSender(newRig(t).store, outbox.SenderConfig{Destinations: to})
		require.EqualError(t, err, want)
	}
}

func TestSenderDeliversInOrderOfOnePersonAndInParallelOtherwise(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
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

func TestSenderWakesAtOnceAndPollsOtherwise(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.on("elevate", answer(nil))
		r.cfg.Poll = time.Minute
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
		r.pass(30 * time.Second)
		require.Equal(t, 1, r.sends())
		r.pass(time.Minute)
		require.Equal(t, 2, r.sends())
	})
}

func TestSenderStopsGracefully(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
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
			log, err := r.store.Attempts(t.Context(), id)
			require.NoError(t, err)
			require.Empty(t, log)
		}
	})
}

func TestSenderRunsOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		synctest.Wait()
		require.ErrorIs(t, r.sender.Run(t.Context()), outbox.ErrRunning)
	})
}

func TestSenderDoesNotBeginWhatCouldOutlastItsLease(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			time.Sleep(10 * time.Second)
			return outbox.Result{}, nil
		})
		r.cfg.DeliverTimeout, r.cfg.SettleTimeout, r.cfg.Margin = 20*time.Second, 5*time.Second, 5*time.Second
		r.cfg.Lease = 39 * time.Second
		all := msgs(3)
		for i := range all {
			all[i].Person = "one"
		}
		var given notes[string]
		r.queue = &faulty{Queue: r.store, settle: func(ctx context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
			for _, st := range batch {
				if st.Deferred {
					given.add(st.Message.Key)
				}
			}
			return r.store.Settle(ctx, batch)
		}}
		ids := r.insert(all...)
		r.start()
		r.pass(15 * time.Second)
		// They came together. After 10 s there were 29 s left where 30 are needed:
		// the second was given back, and came again with a fresh lease.
		require.Equal(t, 2, r.sends())
		require.ElementsMatch(t, []string{"key-001", "key-002"}, given.all())
		require.Equal(t, "key-000", r.messages()[0].Key)
		r.pass(time.Minute)
		require.Equal(t, 3, r.sends())
		for _, id := range ids {
			rec := r.one(id)
			require.Equal(t, outbox.StateDelivered, rec.State)
			require.Zero(t, rec.Lost)
		}
		for _, m := range r.messages() {
			require.Equal(t, 1, m.Attempt)
		}
	})
}

func TestSenderEndsDeliveriesBeforeTheLease(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.on("elevate", func(ctx context.Context, _ outbox.Message) (outbox.Result, error) {
			<-ctx.Done()
			return outbox.Result{}, ctx.Err()
		})
		id := r.insert(msg("slow", "U-1"))[0]
		r.start()
		r.pass(31 * time.Second)
		rec := r.one(id)
		require.Equal(t, outbox.OutcomeUnknown, rec.Outcome)
		require.Equal(t, outbox.DoubtUnknown, rec.Doubt)
		require.False(t, rec.InFlight)
	})
}

func TestSenderSurvivesPanicsAndForeignErrors(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.on("elevate", func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			if m.Key == "panics" {
				panic("secret-in-panic")
			}
			return outbox.Result{}, errors.New("secret-in-error")
		})
		ids := r.insert(msg("panics", "U-1"), msg("fails", "U-2"))
		r.start()
		r.pass(time.Second)
		for _, id := range ids {
			rec := r.one(id)
			require.Equal(t, outbox.StatePending, rec.State)
			require.Equal(t, outbox.OutcomeUnknown, rec.Outcome)
			require.NotContains(t, rec.Reason, "secret")
			require.NotEmpty(t, rec.Reason)
		}
	})
}

func TestSenderDefersWhatANewerProgramMayKnow(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.on("elevate", answer(outbox.ErrNewerVersion))
		stranger := msg("stranger", "U-2")
		stranger.Destination = "elevate/acme"
		r.cfg.Poll = time.Hour // what falls due is known
		ids := r.insert(msg("newer", "U-1"), stranger)
		r.start()
		r.pass(100 * time.Hour)
		for _, id := range ids {
			rec := r.one(id)
			require.Equal(t, outbox.StatePending, rec.State)
			require.Zero(t, rec.Attempt)
		}
		require.Contains(t, r.alarmKinds(), outbox.AlarmNewerVersion)
		require.Contains(t, r.alarmKinds(), outbox.AlarmUnknownDestination)
		require.NotContains(t, r.alarmKinds(), outbox.AlarmParked)
	})
}
