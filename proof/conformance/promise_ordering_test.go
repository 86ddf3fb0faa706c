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

func TestPromise09_OneUnderWayPerPersonEarliestFirst(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		const persons, each = 7, 12
		for i := range each {
			var all []outbox.Message
			for p := range persons {
				all = append(all, push(fmt.Sprintf("%02d-%d", i, p), fmt.Sprintf("U-%d", p)))
			}
			e.insert(t, all...)
		}
		var mu sync.Mutex
		under, order, overlaps := map[string]int{}, map[string][]string{}, 0
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			mu.Lock()
			under[m.Person]++
			if under[m.Person] > 1 {
				overlaps++
			}
			order[m.Person] = append(order[m.Person], m.Key)
			mu.Unlock()
			defer func() {
				mu.Lock()
				under[m.Person]--
				mu.Unlock()
			}()
			return outbox.Result{}, nil
		})})
		e.send(t, e.store, cfg)
		other := cfg
		other.Name = "second"
		e.send(t, e.store, other)
		until(t, func() bool { return e.pending(t) == 0 }, "all are delivered")
		require.Zero(t, overlaps)
		for person, keys := range order {
			require.Len(t, keys, each, person)
			require.IsIncreasing(t, keys, person)
		}
	})
}

func TestPromise09_WaitingHoldsBackNoLaterOne(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		e.insert(t, push("first", "U-1"), push("later", "U-1"), push("other", "U-2"))
		keys := func(leased []outbox.Leased) (out []string) {
			for _, l := range leased {
				out = append(out, l.Key)
			}
			return out
		}
		token := outbox.NewToken()
		got := e.claim(t, token)
		require.Equal(t, []string{"first", "other"}, keys(got), "the earliest of each person")
		require.True(t, e.settle(t, token, got[0], func(s *outbox.Settlement) {
			s.State, s.Outcome, s.Delay = outbox.StatePending, outbox.OutcomeUnavailable, time.Hour
		}))
		require.Equal(t, []string{"later"}, keys(e.claim(t, outbox.NewToken())), "a retry holds back no later one")
		e.ahead.Add(int64(2 * time.Hour))
		require.Equal(t, []string{"first", "other"}, keys(e.claim(t, outbox.NewToken())), "the earlier of those that are due")
	})
}

// Two senders claim at the same moment, and between their looks at the clock an
// earlier message of the person falls due: without a common lock each would
// take another one. On SQLite claims go one after another by themselves.
func TestPromise09_ClaimsAtTheSameMomentShareNoPerson(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx := t.Context()
		e.insert(t, push("early", "U-1"), push("late", "U-1"))
		token := outbox.NewToken()
		require.True(t, e.settle(t, token, e.claim(t, token)[0], func(s *outbox.Settlement) {
			s.State, s.Outcome, s.Delay = outbox.StatePending, outbox.OutcomeUnavailable, time.Minute
		}))
		var leased, ended atomic.Int32
		claims := make(chan error, 2)
		claim := func() {
			c, err := e.store.Claim(context.Background(), outbox.ClaimRequest{
				Token: outbox.NewToken(), Lease: time.Hour, Limit: 10, DestinationLimit: 10, ProbeEvery: time.Minute,
			})
			leased.Add(int32(len(c.Leased))) //nolint:gosec // they are few
			ended.Add(1)
			claims <- err
		}
		if e.dialect != sqlstore.SQLite {
			tx, err := e.db.BeginTx(ctx, nil)
			require.NoError(t, err)
			defer func() { _ = tx.Rollback() }() // harmless after the one below
			_, err = tx.ExecContext(ctx, "SELECT 1 FROM amsbridge_queue WHERE due_at = (SELECT min(due_at) FROM amsbridge_queue) FOR UPDATE")
			require.NoError(t, err)
			go claim()
			until(t, func() bool { return e.waiting(t) == 1 }, "the first claim is at the late one's row")
			e.ahead.Add(int64(2 * time.Minute))
			go claim()
			until(t, func() bool { return e.waiting(t) == 2 || ended.Load() == 1 }, "the second waits for the first, or is done")
			require.NoError(t, tx.Rollback())
		} else {
			go claim()
			e.ahead.Add(int64(2 * time.Minute))
			go claim()
		}
		for range 2 {
			require.NoError(t, <-claims)
		}
		require.Equal(t, int32(1), leased.Load())
	})
}

func TestPromise09_ParkedHoldsBackNoLaterOne(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		e.insert(t, push("first", "U-1"), push("second", "U-1"))
		token := outbox.NewToken()
		got := e.claim(t, token)
		require.Len(t, got, 1)
		require.True(t, e.settle(t, token, got[0], func(s *outbox.Settlement) {
			s.State, s.Outcome, s.Reason = outbox.StateParked, outbox.OutcomeRejected, "no such product"
		}))
		got = e.claim(t, outbox.NewToken())
		require.Len(t, got, 1)
		require.Equal(t, "second", got[0].Key)
	})
}

func TestPromise09_EarlierOneThatFallsDueWaitsForTheLaterUnderWay(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		e.insert(t, push("early", "U-1"), push("late", "U-1"))
		token := outbox.NewToken()
		require.True(t, e.settle(t, token, e.claim(t, token)[0], func(s *outbox.Settlement) {
			s.State, s.Outcome, s.Delay = outbox.StatePending, outbox.OutcomeUnavailable, time.Minute
		}))
		token = outbox.NewToken()
		claim, err := e.store.Claim(t.Context(), outbox.ClaimRequest{Token: token, Lease: time.Hour, Limit: 10, DestinationLimit: 10, ProbeEvery: time.Minute})
		require.NoError(t, err)
		late := claim.Leased
		require.Len(t, late, 1)
		require.Equal(t, "late", late[0].Key)
		e.ahead.Add(int64(2 * time.Minute))
		require.Empty(t, e.claim(t, outbox.NewToken()))
		require.True(t, e.settle(t, token, late[0], nil))
		early := e.claim(t, outbox.NewToken())
		require.Len(t, early, 1)
		require.Equal(t, "early", early[0].Key)
	})
}
