package outbox_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// faulty is a queue whose calls go wrong as a test says.
type faulty struct {
	outbox.Queue
	beat   func(ctx context.Context, b outbox.Beat) (outbox.Pulse, error)
	read   func(ctx context.Context, r outbox.Reading) (outbox.Read, error)
	record func(ctx context.Context, f outbox.Flight) (outbox.Recorded, error)
	settle func(ctx context.Context, s outbox.Settling) (outbox.Settled, error)
}

func (q *faulty) Beat(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
	if q.beat != nil {
		return q.beat(ctx, b)
	}
	return q.Queue.Beat(ctx, b)
}

func (q *faulty) Read(ctx context.Context, r outbox.Reading) (outbox.Read, error) {
	if q.read != nil {
		return q.read(ctx, r)
	}
	return q.Queue.Read(ctx, r)
}

func (q *faulty) Record(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
	if q.record != nil {
		return q.record(ctx, f)
	}
	return q.Queue.Record(ctx, f)
}

func (q *faulty) Settle(ctx context.Context, s outbox.Settling) (outbox.Settled, error) {
	if q.settle != nil {
		return q.settle(ctx, s)
	}
	return q.Queue.Settle(ctx, s)
}

var errAway = errors.New("the database is away")

// requireAllDeliveredOnce asks that nothing was sent twice or recorded twice.
func (r *env) requireAllDeliveredOnce(ids []outbox.ID) {
	r.t.Helper()
	require.Equal(r.t, len(ids), r.sends())
	for _, id := range ids {
		rec := r.one(id)
		require.Equal(r.t, outbox.StateDelivered, rec.State)
		require.Equal(r.t, []int{1, 0}, []int{rec.Attempt, rec.Lost})
		log, err := r.store.Attempts(r.t.Context(), outbox.AttemptQuery{IDs: []outbox.ID{id}})
		require.NoError(r.t, err)
		require.Len(r.t, log, 1)
	}
	require.Empty(r.t, r.alarmKinds())
}

func TestOutcomesOutlastAStoreThatIsAwayForAMinute(t *testing.T) {
	for name, settle := range map[string]func(ctx context.Context) error{
		"fails at once": func(context.Context) error { return errAway },
		"hangs":         func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				r.on("elevate", answer(nil))
				back := time.Now().Add(time.Minute)
				var tries atomic.Int32
				r.queue = &faulty{Queue: r.store, settle: func(ctx context.Context, batch outbox.Settling) (outbox.Settled, error) {
					tries.Add(1)
					if time.Now().Before(back) {
						deadline, ok := ctx.Deadline()
						require.True(t, ok && time.Until(deadline) <= 10*time.Second, "each try is bounded")
						return outbox.Settled{}, settle(ctx)
					}
					return r.store.Settle(ctx, batch)
				}}
				ids := r.insert(msgs(300)...)
				r.start()
				r.pass(59 * time.Second)
				pending, _ := r.count()
				require.Equal(t, 300, pending)
				require.Less(t, tries.Load(), int32(150), "it does not hammer")
				r.pass(20 * time.Second)
				r.requireAllDeliveredOnce(ids)
			})
		})
	}
}

func TestOneBadRowDoesNotHoldUpTheOthers(t *testing.T) {
	for name, parks := range map[string]bool{"parked in its place": true, "not even that": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				r.on("elevate", answer(nil))
				all := msgs(100)
				all[37].Key = "bad"
				r.queue = &faulty{Queue: r.store, settle: func(ctx context.Context, batch outbox.Settling) (outbox.Settled, error) {
					for _, s := range batch.Batch {
						if s.Message.Key == "bad" && (s.State != outbox.StateParked || !parks) {
							return outbox.Settled{}, errAway
						}
					}
					return r.store.Settle(ctx, batch)
				}}
				ids := r.insert(all...)
				r.start()
				r.pass(10 * time.Second)
				_, parked := r.count()
				later := r.insert(msg("later", "U-later"))[0]
				r.pass(5 * time.Second)
				require.Equal(t, outbox.StateDelivered, r.one(later).State, "and those that came after it")
				for i, id := range ids {
					if i != 37 {
						require.Equal(t, outbox.StateDelivered, r.one(id).State, "all the others are recorded")
					}
				}
				require.Equal(t, outbox.AlarmUnsettled, r.alarmKinds()[0])
				require.Equal(t, 101, r.sends(), "nothing is sent again")
				if parks {
					require.Equal(t, 1, parked)
					require.Contains(t, r.one(ids[37]).Reason, "could not be recorded")
					return
				}
				require.Zero(t, parked)
				r.stop()
				r.start()
				r.pass(time.Second)
				sent := r.messages()
				require.Equal(t, outbox.DoubtLost, sent[len(sent)-1].Doubt, "a later session sends it again, marked")
				r.stop()
			})
		})
	}
}

func TestReadingFailingForAMinuteIsWaitedOut(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", answer(nil))
		back := time.Now().Add(time.Minute)
		var tries atomic.Int32
		r.queue = &faulty{Queue: r.store, read: func(ctx context.Context, req outbox.Reading) (outbox.Read, error) {
			tries.Add(1)
			if time.Now().Before(back) {
				return outbox.Read{}, errAway
			}
			return r.store.Read(ctx, req)
		}}
		ids := r.insert(msgs(10)...)
		r.start()
		r.pass(59 * time.Second)
		require.Zero(t, r.sends())
		require.Less(t, tries.Load(), int32(40), "it waits longer each time")
		r.pass(10 * time.Second)
		r.requireAllDeliveredOnce(ids)
	})
}

// Outcomes are recorded at once when nothing else is under way, and otherwise in
// batches, after 5 ms at the latest.
func TestOutcomesAreRecordedInBatches(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		type flush struct {
			n     int
			after time.Duration
		}
		var flushes notes[flush]
		var begin atomic.Int64
		anew := func() {
			begin.Store(time.Now().UnixNano())
			flushes.clear()
		}
		anew()
		r.queue = &faulty{Queue: r.store, settle: func(ctx context.Context, batch outbox.Settling) (outbox.Settled, error) {
			flushes.add(flush{len(batch.Batch), time.Duration(time.Now().UnixNano() - begin.Load())})
			return r.store.Settle(ctx, batch)
		}}
		r.on("elevate", answering(0))
		r.on("notified", answering(20*time.Second))
		r.start()
		r.insert(msg("a", "U-a"))
		r.pass(time.Second)
		require.Equal(t, []flush{{1, 0}}, flushes.all())

		r.insert(to("notified", 1)...)
		r.pass(time.Second)
		anew()
		r.insert(msg("b", "U-b"))
		r.pass(time.Second)
		require.Equal(t, []flush{{1, 5 * time.Millisecond}}, flushes.all())

		anew()
		r.insert(to("elevate", 3000)...)
		r.pass(time.Second)
		require.Less(t, len(flushes.all()), 20)
		for _, f := range flushes.all() {
			require.LessOrEqual(t, f.n, 500)
		}
	})
}

// A reading that hangs until its time-out must not leave the sender deaf.
func TestReadingIsBounded(t *testing.T) {
	bubble(t, func(_ *testing.T, r *env) {
		r.on("elevate", answer(nil))
		hung := false
		r.queue = &faulty{Queue: r.store, read: func(ctx context.Context, req outbox.Reading) (outbox.Read, error) {
			if !hung {
				hung = true
				<-ctx.Done()
				return outbox.Read{}, ctx.Err()
			}
			return r.store.Read(ctx, req)
		}}
		ids := r.insert(msgs(3)...)
		r.start()
		r.pass(12 * time.Second)
		r.requireAllDeliveredOnce(ids)
	})
}

// A settlement whose acknowledgement was lost on the way is refused the second
// time, for the message has left the queue; that is no alarm and sends nothing again.
func TestSettleThatTookPlaceAndFailed(t *testing.T) {
	bubble(t, func(_ *testing.T, r *env) {
		r.on("elevate", answer(nil))
		cut := false
		r.queue = &faulty{Queue: r.store, settle: func(ctx context.Context, batch outbox.Settling) (outbox.Settled, error) {
			acked, err := r.store.Settle(ctx, batch)
			if !cut {
				cut = true
				return outbox.Settled{}, errAway
			}
			return acked, err
		}}
		ids := r.insert(msgs(20)...)
		r.start()
		r.pass(3 * time.Minute)
		r.requireAllDeliveredOnce(ids)
		later := r.insert(msg("later", "U-000"))
		r.pass(time.Second)
		r.requireAllDeliveredOnce(append(ids, later...))
	})
}

func TestStopDoesNotWaitForeverForAStoreThatIsAway(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", answer(nil))
		r.queue = &faulty{Queue: r.store, settle: func(context.Context, outbox.Settling) (outbox.Settled, error) { return outbox.Settled{}, errAway }}
		r.insert(msgs(3)...)
		r.start()
		r.pass(time.Second)
		begin := time.Now()
		r.stop()
		require.LessOrEqual(t, time.Since(begin), 12*time.Second)
		require.Equal(t, []outbox.AlarmKind{outbox.AlarmUnsettled, outbox.AlarmUnsettled, outbox.AlarmUnsettled}, r.alarmKinds())
	})
}

func TestFollowUpsAreSentAndBadOnesLeftOutWithAnAlarm(t *testing.T) {
	noKey, twice := msg("", "U-9"), msg("then", "U-9")
	twice.Destination, twice.Facts = "notified", []byte("other facts")
	good := msg("then", "U-9")
	good.Destination = "notified"
	for name, c := range map[string]struct {
		result outbox.Result
		sent   []string
		alarm  string
	}{
		"good":                   {outbox.Result{Then: []outbox.Message{good}}, []string{"first", "then"}, ""},
		"exists":                 {outbox.Result{Then: []outbox.Message{msg("first", "U-1"), good}}, []string{"first", "then"}, ""},
		"no key":                 {outbox.Result{Then: []outbox.Message{noKey}}, []string{"first"}, "Result.Then[0].Key is empty"},
		"twice":                  {outbox.Result{Then: []outbox.Message{good, twice}}, []string{"first", "then"}, ""},
		"receipt beyond 64 KiB":  {outbox.Result{Receipt: make([]byte, 64<<10+1), Then: []outbox.Message{good}}, []string{"first", "then"}, "receipt"},
		"receipt of just 64 KiB": {outbox.Result{Receipt: make([]byte, 64<<10)}, []string{"first"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) { return c.result, nil })
				r.on("notified", answer(nil))
				id := r.insert(msg("first", "U-1"))[0]
				r.start()
				r.pass(5 * time.Second)
				var keys []string
				for _, m := range r.messages() {
					keys = append(keys, m.Key)
				}
				require.Equal(t, c.sent, keys)
				rec := r.one(id)
				require.Equal(t, outbox.StateDelivered, rec.State, "the delivery itself is recorded")
				if strings.HasPrefix(c.alarm, "receipt") {
					require.Nil(t, rec.Receipt)
				} else {
					require.Len(t, rec.Receipt, len(c.result.Receipt))
				}
				if c.alarm == "" {
					require.Empty(t, r.alarmKinds())
					return
				}
				require.Equal(t, []outbox.AlarmKind{outbox.AlarmFollowUp}, r.alarmKinds())
				r.mu.Lock()
				defer r.mu.Unlock()
				require.Contains(t, r.alarms[0].Reason, c.alarm)
				require.Equal(t, "first", r.alarms[0].Key)
			})
		})
	}
}
