package outbox_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// While outcomes cannot be recorded nothing new is begun: what is sent and not recorded would be sent twice.
func TestNothingIsBegunWhileOutcomesCannotBeRecorded(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", answer(nil))
		var away atomic.Bool
		r.queue = &faulty{Queue: r.store, settle: func(ctx context.Context, s outbox.Settling) (outbox.Settled, error) {
			if away.Load() {
				return outbox.Settled{}, errAway
			}
			return r.store.Settle(ctx, s)
		}}
		r.start()
		r.pass(2 * time.Second)
		away.Store(true)
		ids := r.insert(msgs(20)...)
		r.pass(2 * time.Second)
		sent := r.sends()
		require.GreaterOrEqual(t, sent, 10)
		more := msgs(520)[20:]
		ids = append(ids, r.insert(more...)...)
		r.pass(5 * time.Minute)
		require.Equal(t, sent, r.sends(), "nothing new is begun")
		away.Store(false)
		r.pass(3 * time.Second)
		r.requireAllDeliveredOnce(ids)
	})
}

// A message that somebody else has locked holds up no other one, and somebody is told.
func TestLockedMessageHoldsUpNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var lines counter
		r.cfg.Logger = slog.New(slog.NewTextHandler(&lines, nil))
		r.on("elevate", answer(nil))
		var locked atomic.Int64
		r.queue = &faulty{Queue: r.store, settle: func(ctx context.Context, s outbox.Settling) (outbox.Settled, error) {
			free, id := s, outbox.ID(locked.Load())
			free.Batch = nil
			for _, st := range s.Batch {
				if st.Message.ID != id {
					free.Batch = append(free.Batch, st)
				}
			}
			if len(free.Batch) < len(s.Batch) {
				free.Over = nil
			}
			got, err := r.store.Settle(ctx, free)
			if len(free.Batch) < len(s.Batch) {
				got.Locked = append(got.Locked, id)
			}
			return got, err
		}}
		r.start()
		r.pass(time.Second)
		ids := r.insert(msgs(30)...)
		locked.Store(int64(ids[7]))
		r.pass(10 * time.Second)
		ids = append(ids, r.insert(msgs(60)[30:]...)...)
		r.pass(10 * time.Second)
		for i, id := range ids {
			require.Equal(t, i != 7, r.one(id).State == outbox.StateDelivered, id)
		}
		require.Contains(t, lines.text(), "somebody else has locked")
		locked.Store(0)
		r.pass(5 * time.Second)
		r.requireAllDeliveredOnce(ids)
	})
}

// A message that may not be recorded, since somebody else has it locked, is sent once it may.
func TestMessageThatIsLockedBeforeItIsSent(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", answer(nil))
		var locked atomic.Int64
		var records atomic.Int32
		r.queue = &faulty{Queue: r.store, record: func(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
			records.Add(1)
			free := f
			free.Messages = nil
			for _, q := range f.Messages {
				if q.ID != outbox.ID(locked.Load()) {
					free.Messages = append(free.Messages, q)
				}
			}
			return r.store.Record(ctx, free)
		}}
		ids := r.insert(msgs(10)...)
		locked.Store(int64(ids[4]))
		r.start()
		r.pass(10 * time.Second)
		require.Equal(t, 9, r.sends())
		require.Less(t, records.Load(), int32(30), "it is not tried in a loop")
		locked.Store(0)
		r.pass(time.Minute + 5*time.Second)
		r.requireAllDeliveredOnce(ids)
	})
}

// Whatever call of the store does not come back, whatever its context says: the sender goes on, says so, and
// stops in the time that Run promises.
func TestStoreCallThatNeverReturns(t *testing.T) {
	for _, call := range []string{"Join", "Beat", "Read", "Record", "Settle", "Leave", "NewTasks", "Prune"} {
		t.Run(call, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				var lines counter
				r.cfg.Logger = slog.New(slog.NewTextHandler(&lines, nil))
				r.on("elevate", answer(nil))
				r.cfg.Retention.Replies = time.Hour
				release := make(chan struct{})
				t.Cleanup(func() { close(release) })
				var hangs atomic.Int32 // so many calls
				hangs.Store(1)
				r.queue = &hooked{Queue: r.store, before: func(_ context.Context, name string) error {
					if name == call && hangs.Add(-1) >= 0 {
						<-release
						return errAway
					}
					return nil
				}}
				r.insert(msgs(30)...)
				r.start()
				r.pass(time.Minute)
				require.LessOrEqual(t, 30, r.sends())
				pending, _ := r.count()
				require.Zero(t, pending)
				for _, m := range r.messages() {
					require.Zero(t, m.Doubt&outbox.DoubtLost)
				}
				if call == "Leave" || call == "Prune" {
					r.pass(time.Hour)
				} else {
					require.Contains(t, lines.text(), "left behind")
				}
				hangs.Store(1 << 30)
				r.insert(msgs(40)[30:]...)
				r.pass(10 * time.Second)
				began := time.Now()
				r.stop()
				require.LessOrEqual(t, time.Since(began), 30*time.Second+2*10*time.Second+10*time.Second)
				require.Contains(t, lines.text(), "left behind")
			})
		})
	}
}

// So does a delivery.
func TestDeliveryThatNeverReturns(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var lines counter
		r.cfg.Logger = slog.New(slog.NewTextHandler(&lines, nil))
		release := make(chan struct{})
		t.Cleanup(func() { close(release) })
		r.on("elevate", func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			if strings.HasPrefix(m.Key, "key-000") {
				<-release
			}
			return outbox.Result{}, nil
		})
		ids := r.insert(msgs(50)...)
		r.start()
		r.pass(time.Minute)
		for _, id := range ids[1:] {
			require.Equal(t, outbox.StateDelivered, r.one(id).State)
		}
		began := time.Now()
		r.stop()
		require.LessOrEqual(t, time.Since(began), 50*time.Second)
		require.Contains(t, lines.text(), "left behind")
		require.Equal(t, outbox.StatePending, r.one(ids[0]).State)
		require.Equal(t, outbox.DoubtLost, r.one(ids[0]).Doubt, "whoever sends it next knows")
	})
}
