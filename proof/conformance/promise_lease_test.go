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
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// dyingQueue is a queue whose sender dies with the poison message: it claims and
// settles nothing, and the clock jumps to where its leases have ended.
type dyingQueue struct {
	*env
	t      *testing.T
	poison string

	mu     sync.Mutex
	beside []int // how many others each claim of the poison leased
}

func (q *dyingQueue) Claim(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
	c, err := q.store.Claim(ctx, req)
	for _, l := range c.Leased {
		if l.Key != q.poison {
			continue
		}
		q.mu.Lock()
		q.beside = append(q.beside, len(c.Leased)-1)
		q.mu.Unlock()
		q.ahead.Add(int64(req.Lease + time.Second))
		c.Leased = nil // the process died with them
		return c, err
	}
	return c, err
}

func (q *dyingQueue) Settle(ctx context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
	return q.store.Settle(ctx, batch)
}

func (q *dyingQueue) Prune(ctx context.Context, p outbox.Pruning) (outbox.Pruned, error) {
	return q.store.Prune(ctx, p)
}

func (q *dyingQueue) NewTasks(ctx context.Context, limit int) ([]outbox.OpenTask, error) {
	return q.store.NewTasks(ctx, limit)
}

func (q *dyingQueue) TasksTold(ctx context.Context, told []outbox.OpenTask) error {
	return q.store.TasksTold(ctx, told)
}

func TestPromise04_PoisonIsIsolatedThenParkedAndOthersAreNotBlamed(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		var all []outbox.Message
		for i := range 6 {
			all = append(all, push(fmt.Sprintf("k%d", i), fmt.Sprintf("U-%d", i)))
		}
		ids := e.insert(t, all...)
		q := &dyingQueue{env: e, t: t, poison: "k2"}
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
				require.Equal(t, outbox.PoisonAfter, rec.Attempt)
				continue
			}
			require.Equal(t, outbox.StateDelivered, rec.State)
		}
	})
}

func TestPromise04_DeferredSettlementGivesTheAttemptBack(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		id := e.insert(t, push("a", "U-1"))[0]
		for i := range 8 {
			token := outbox.NewToken()
			got := e.claim(t, token)
			require.Len(t, got, 1)
			deferred := i%2 == 0
			require.True(t, e.settle(t, token, got[0], func(s *outbox.Settlement) {
				s.State, s.Deferred, s.Outcome = outbox.StatePending, deferred, outbox.OutcomeUnavailable
			}))
			require.Equal(t, (i+1)/2, e.one(t, id).Attempt)
		}
		e.claim(t, outbox.NewToken())
		e.ahead.Add(int64(time.Hour))
		token := outbox.NewToken()
		lost := e.claim(t, token)[0]
		require.Equal(t, 1, lost.Lost)
		require.True(t, e.settle(t, token, lost, func(s *outbox.Settlement) { s.State, s.Deferred = outbox.StatePending, true }))
		require.Zero(t, e.one(t, id).Lost, "any settlement resets the lost leases")
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
		// The claim's connection goes back at once; nothing takes another.
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

func TestPromise06_DeliveryEndsBeforeItsLease(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ids := e.insert(t, push("a", "U-1"))
		cfg := quick(nil)
		cfg.DeliverTimeout, cfg.SettleTimeout, cfg.Margin, cfg.Lease = 3*time.Second, time.Second, time.Second, 5*time.Second
		cfg.Destinations = outbox.Fixed{"elevate": taking}
		_, err := outbox.NewSender(e.store, cfg)
		var field *check.InputError
		require.ErrorAs(t, err, &field, "a lease that does not cover delivery, settlement and margin")
		require.Equal(t, "SenderConfig.Lease", field.Field)

		type times struct{ deadline, lease time.Time }
		seen := make(chan times, 1)
		cfg.Lease = 10 * time.Second
		cfg.Destinations = outbox.Fixed{"elevate": deliverFunc(func(ctx context.Context, _ outbox.Message) (outbox.Result, error) {
			var until int64
			if err := e.db.QueryRowContext(ctx, "SELECT lease_until FROM amsbridge_queue").Scan(&until); err != nil {
				return outbox.Result{}, err
			}
			deadline, ok := ctx.Deadline()
			if !ok {
				deadline = time.UnixMicro(until).Add(time.Hour)
			}
			seen <- times{deadline, time.UnixMicro(until)}
			return outbox.Result{}, nil
		})}
		e.send(t, e.store, cfg)
		got := <-seen
		require.LessOrEqual(t, got.deadline.Add(cfg.SettleTimeout+cfg.Margin), got.lease)
		until(t, func() bool { return e.one(t, ids[0]).State == outbox.StateDelivered }, "delivered")
	})
}

func TestPromise07_RepeatedSendCarriesTheSameKeyAndIsMarked(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		id := e.insert(t, push("a", "U-1"))[0]
		first := e.claim(t, outbox.NewToken())[0]
		require.False(t, first.PossibleDuplicate())
		e.ahead.Add(int64(time.Hour)) // kill -9: nothing was settled
		token := outbox.NewToken()
		second := e.claim(t, token)[0]
		require.Equal(t, first.Key, second.Key)
		require.Equal(t, outbox.DoubtLostLease, second.Doubt)
		require.True(t, e.settle(t, token, second, func(s *outbox.Settlement) {
			s.State, s.Outcome = outbox.StatePending, outbox.OutcomeUnknown // a time-out, a cut connection
		}))
		token = outbox.NewToken()
		third := e.claim(t, token)[0]
		require.Equal(t, first.Key, third.Key)
		require.Equal(t, outbox.DoubtLostLease|outbox.DoubtUnknown, third.Doubt)
		require.True(t, e.settle(t, token, third, nil))
		log := e.log(t, id)
		require.Len(t, log, 3)
		require.Equal(t, []bool{false, true, true}, []bool{log[0].PossibleDuplicate, log[1].PossibleDuplicate, log[2].PossibleDuplicate})
	})
}
