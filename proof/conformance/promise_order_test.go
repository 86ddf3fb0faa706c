package conformance

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func TestPromise08_DeadPlatformDoesNotHoldTheOther(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		for i := range 60 {
			dead, alive := push(fmt.Sprintf("d%d", i), fmt.Sprintf("U-%d", i)), push(fmt.Sprintf("a%d", i), fmt.Sprintf("U-%d", i))
			dead.Destination = "notified"
			e.insert(t, dead, alive)
		}
		stuck := make(chan struct{})
		cfg := quick(outbox.Fixed{
			"notified": deliverFunc(func(ctx context.Context, _ outbox.Message) (outbox.Result, error) {
				select {
				case <-stuck:
					return outbox.Result{}, nil
				case <-ctx.Done():
					return outbox.Result{}, ctx.Err()
				}
			}),
			"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) { return outbox.Result{}, nil }),
		})
		e.send(t, e.store, cfg)
		until(t, func() bool { return e.pending(t) == 60 }, "all of the healthy platform's are delivered")
		close(stuck)
		until(t, func() bool { return e.pending(t) == 0 }, "and then the others")
	})
}

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

func TestPromise09_WaitingHoldsBackNoLaterOneButFollowers(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		follower, bystander := push("follower", "U-1"), push("other", "U-2")
		follower.After = "adding"
		ids := e.insert(t, push("adding", "U-1"), follower, push("later", "U-1"), bystander)
		keys := func(leased []outbox.Leased) (out []string) {
			for _, l := range leased {
				out = append(out, l.Key)
			}
			return out
		}
		token := outbox.NewToken()
		got := e.claim(t, token)
		require.Equal(t, []string{"adding", "other"}, keys(got), "the earliest of each person")
		require.True(t, e.settle(t, token, got[0], func(s *outbox.Settlement) {
			s.State, s.Outcome, s.Delay = outbox.StatePending, outbox.OutcomeUnavailable, time.Hour
		}))
		token2 := outbox.NewToken()
		require.Equal(t, []string{"later"}, keys(e.claim(t, token2)), "a retry holds back no later one, but its follower")

		e.ahead.Add(int64(2 * time.Hour))
		token = outbox.NewToken()
		got = e.claim(t, token)
		require.Equal(t, []string{"adding", "other"}, keys(got), "both leases were lost; the earliest of the first person is due")
		require.True(t, e.settle(t, token, got[0], func(s *outbox.Settlement) {
			s.State, s.Outcome, s.Reason = outbox.StateParked, outbox.OutcomeRejected, "no such show"
		}))
		rec := e.one(t, ids[1])
		require.Equal(t, outbox.StateParked, rec.State)
		require.Equal(t, "waits for adding", rec.Reason)

		op, err := outbox.NewOperator(e.store)
		require.NoError(t, err)
		require.NoError(t, op.MarkDone(t.Context(), outbox.Actor{Name: "pat"}, ids[0], "added by hand"))
		require.Equal(t, outbox.StatePending, e.one(t, ids[1]).State, "settling the predecessor releases it")
	})
}
