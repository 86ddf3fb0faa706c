package conformance

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// dyingQueue is a queue whose sender dies with the poison message, and begins anew: what it had in flight never
// comes back, and its next session takes the last one for dead at once.
type dyingQueue struct {
	outbox.Queue
	poison outbox.ID

	mu     sync.Mutex
	dead   outbox.SessionID
	beside []int // how many others each flight of the poison had
}

func (q *dyingQueue) Record(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
	rec, err := q.Queue.Record(ctx, f)
	for _, b := range rec.Begun {
		if b.ID != q.poison {
			continue
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		q.beside, q.dead = append(q.beside, len(rec.Begun)-1), f.Session
		return outbox.Recorded{}, outbox.ErrNoSession
	}
	return rec, err
}

func (q *dyingQueue) Beat(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
	p, err := q.Queue.Beat(ctx, outbox.Beat{Session: b.Session})
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case err != nil:
		return p, err
	case b.Session == q.dead:
		return p, outbox.ErrNoSession
	}
	for _, other := range p.Sessions {
		if other.ID == q.dead {
			b.Dead = append(b.Dead, other)
		}
	}
	return q.Queue.Beat(ctx, b)
}

func (q *dyingQueue) Settle(ctx context.Context, s outbox.Settling) (outbox.Settled, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.Session == q.dead {
		return outbox.Settled{}, outbox.ErrNoSession
	}
	return q.Queue.Settle(ctx, s)
}

func TestPromise04_PoisonIsIsolatedThenParkedAndOthersAreNotBlamed(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		var all []outbox.Message
		for i := range 6 {
			all = append(all, push(fmt.Sprintf("k%d", i), fmt.Sprintf("U-%d", i)))
		}
		ids := e.insert(t, all...)
		q := &dyingQueue{Queue: e.store, poison: ids[2]}
		var parked atomic.Int32
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
			return outbox.Result{}, nil
		})})
		cfg.Alarm = func(_ context.Context, a outbox.Alarm) {
			if a.Kind == outbox.AlarmParked && a.Key == "k2" {
				parked.Add(1)
			}
		}
		e.send(t, q, cfg)
		until(t, func() bool { return parked.Load() == 1 }, "the poison is parked, with an alarm")
		until(t, func() bool { return e.pending(t) == 0 }, "the others are delivered")
		require.Equal(t, []int{5, 5, 0, 0, 0, 0, 0}, q.beside, "twice beside others, five times isolated")
		for i, id := range ids {
			rec := e.one(t, id)
			if i == 2 {
				require.Equal(t, outbox.StateParked, rec.State)
				require.Equal(t, outbox.ReasonKillsWorker, rec.Reason)
				require.Equal(t, outbox.PoisonAfter, rec.Lost)
				require.Zero(t, rec.Attempt, "what died with its sender was settled by nobody")
				continue
			}
			require.Equal(t, outbox.StateDelivered, rec.State)
		}
	})
}

// Attempts are counted by settling, lost sessions by reaping.
func TestPromise04_DeferredSettlementGivesTheAttemptBack(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		id := e.insert(t, push("a", "U-1"))[0]
		s := e.join(t)
		for i := range 8 {
			got := s.begin(t)
			require.Len(t, got, 1)
			deferred := i%2 == 0
			require.True(t, s.settle(t, got[0], func(st *outbox.Settlement) {
				st.State, st.Deferred, st.Outcome = outbox.StatePending, deferred, outbox.OutcomeUnavailable
			}))
			require.Equal(t, (i+1)/2, e.one(t, id).Attempt)
		}
		s.begin(t)
		s = e.takeOver(t)
		lost := s.begin(t)[0]
		require.Equal(t, 1, lost.Lost)
		require.Equal(t, 4, e.one(t, id).Attempt, "a session that was lost is no attempt")
		require.True(t, s.settle(t, lost, func(st *outbox.Settlement) { st.State, st.Deferred = outbox.StatePending, true }))
		require.Zero(t, e.one(t, id).Lost, "any settlement resets the lost sessions")
	})
}

func TestPromise05_NoTransactionIsOpenWhileHTTPIsUnderWay(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		e.insert(t, push("a", "U-1"))
		under, release := make(chan struct{}), make(chan struct{})
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
			close(under)
			<-release
			return outbox.Result{}, nil
		})})
		cfg.Poll = time.Hour
		e.send(t, e.store, cfg)
		answer := sync.OnceFunc(func() { close(release) })
		t.Cleanup(answer)
		<-under
		// The connection that recorded it goes back at once; nothing takes another.
		until(t, func() bool { return e.db.Stats().InUse == 0 }, "no connection is held")
		if e.dialect == sqlstore.MySQL {
			conn, err := e.db.Conn(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, conn.Close()) }()
			for _, statement := range []string{"SET lock_wait_timeout = 5", "LOCK TABLES amsbridge_queue WRITE, amsbridge_message WRITE", "UNLOCK TABLES"} {
				_, err := conn.ExecContext(t.Context(), statement)
				require.NoError(t, err, "no transaction has read or written them")
			}
		} else if e.dialect == sqlstore.PostgreSQL {
			until(t, func() bool { // but for a look at new tasks, which ends at once
				var open int
				err := e.db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity
					WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'`).Scan(&open)
				return err == nil && open == 0
			}, "no transaction is open")
		} else {
			_, err := e.db.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)")
			require.NoError(t, err)
			tx, err := e.db.BeginTx(t.Context(), nil)
			require.NoError(t, err, "the write lock is free")
			require.NoError(t, tx.Rollback())
		}
		answer()
		until(t, func() bool { return e.pending(t) == 0 }, "delivered")
	})
}

// A delivery is cancelled before others may take its sender for dead, however much of its own time it has left.
func TestPromise06_DeliveryEndsBeforeItsSession(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		e.insert(t, push("a", "U-1"))
		stalled, goesOn := make(chan struct{}), make(chan struct{})
		t.Cleanup(func() { close(goesOn) })
		ended := make(chan time.Duration, 1)
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(ctx context.Context, _ outbox.Message) (outbox.Result, error) {
			select {
			case <-stalled:
				return outbox.Result{}, nil
			default:
			}
			close(stalled)
			begun := time.Now()
			<-ctx.Done()
			ended <- time.Since(begun)
			return outbox.Result{}, ctx.Err()
		})})
		cfg.DeliverTimeout, cfg.Session = time.Minute, 2*time.Second
		e.send(t, stallingQueue{e.store, stalled, goesOn}, cfg)
		require.Less(t, <-ended, cfg.Session)
	})
}

func TestPromise07_RepeatedSendCarriesTheSameKeyAndIsMarked(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		id := e.insert(t, push("a", "U-1"))[0]
		first := e.join(t).begin(t)[0]
		require.False(t, first.PossibleDuplicate())
		s := e.takeOver(t) // kill -9: nothing was settled
		second := s.begin(t)[0]
		require.Equal(t, first.Key, second.Key)
		require.Equal(t, outbox.DoubtLost, second.Doubt)
		require.True(t, s.settle(t, second, func(st *outbox.Settlement) {
			st.State, st.Outcome = outbox.StatePending, outbox.OutcomeUnknown // a time-out, a cut connection
		}))
		third := s.begin(t)[0]
		require.Equal(t, first.Key, third.Key)
		require.Equal(t, outbox.DoubtLost|outbox.DoubtUnknown, third.Doubt)
		require.True(t, s.settle(t, third, nil))
		log := e.log(t, id)
		require.Len(t, log, 2)
		require.Equal(t, []bool{true, true}, []bool{log[0].PossibleDuplicate, log[1].PossibleDuplicate})
	})
}

// Whatever a dead sender had recorded as in flight is marked, whether or not it had begun; what it had only read
// is not.
func TestPromise07_AllThatADeadSenderHadInFlightIsMarked(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		e.insert(t, push("a", "U-1"), push("b", "U-1"), push("c", "U-2"))
		dead := e.join(t)
		require.Len(t, dead.beginAll(t), 3)
		e.insert(t, push("d", "U-3"))
		require.Len(t, dead.waiting(t), 4)
		s := e.takeOver(t)
		for _, h := range s.beginAll(t) {
			require.Equal(t, h.Key != "d", h.PossibleDuplicate(), h.Key)
		}
	})
}
