package conformance

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
		keys := func(all []held) (out []string) {
			for _, h := range all {
				out = append(out, h.Key)
			}
			return out
		}
		s := e.join(t)
		got := s.begin(t)
		require.Equal(t, []string{"first", "other"}, keys(got), "the earliest of each person")
		require.True(t, s.settle(t, got[0], func(st *outbox.Settlement) {
			st.State, st.Outcome, st.Delay = outbox.StatePending, outbox.OutcomeUnavailable, time.Hour
		}))
		require.Equal(t, []string{"later"}, keys(s.begin(t)), "a retry holds back no later one")
		e.ahead.Add(int64(2 * time.Hour))
		require.ElementsMatch(t, []string{"first", "other"}, keys(e.takeOver(t).begin(t)), "the earlier of those that are due")
	})
}

// Senders that take shards at the same moment share none of them, and so no person; a shard that one has is read
// by no other.
func TestPromise09_SendersAtTheSameMomentShareNoPerson(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx := t.Context()
		for i := range 100 {
			e.insert(t, push(fmt.Sprint("k", i), fmt.Sprint("U-", i)))
		}
		const senders = 6
		type taken struct {
			owned []int
			err   error
		}
		all := make(chan taken, senders)
		ready := make(chan struct{})
		for range senders {
			id, err := e.store.Join(ctx, outbox.Joining{By: "test", Length: time.Minute})
			require.NoError(t, err)
			go func() {
				<-ready
				p, err := e.store.Beat(context.Background(), outbox.Beat{Session: id, Take: outbox.Shards / 2})
				all <- taken{p.Owned, err}
			}()
		}
		close(ready)
		owners := map[int]int{}
		for range senders {
			got := <-all
			require.NoError(t, got.err)
			for _, shard := range got.owned {
				owners[shard]++
			}
		}
		require.NotEmpty(t, owners)
		for shard, n := range owners {
			require.Equal(t, 1, n, "shard %d", shard)
		}
	})
}

func TestPromise09_ParkedHoldsBackNoLaterOne(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		e.insert(t, push("first", "U-1"), push("second", "U-1"))
		s := e.join(t)
		got := s.begin(t)
		require.Len(t, got, 1)
		require.True(t, s.settle(t, got[0], func(st *outbox.Settlement) {
			st.State, st.Outcome, st.Reason = outbox.StateParked, outbox.OutcomeRejected, "no such product"
		}))
		got = s.begin(t)
		require.Len(t, got, 1)
		require.Equal(t, "second", got[0].Key)
	})
}

func TestPromise09_EarlierOneThatFallsDueWaitsForTheLaterUnderWay(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		e.insert(t, push("early", "U-1"), push("late", "U-1"))
		var mu sync.Mutex
		var sent []string
		late := make(chan struct{})
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			mu.Lock()
			sent = append(sent, m.Key)
			n := len(sent)
			mu.Unlock()
			if m.Key == "late" {
				<-late
			}
			if n == 1 {
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable, Reason: "as told"}
			}
			return outbox.Result{}, nil
		})})
		answer := sync.OnceFunc(func() { close(late) })
		e.send(t, e.store, cfg)
		t.Cleanup(answer)
		now := func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(sent)
		}
		until(t, func() bool { return len(now()) == 2 }, "the later one is under way")
		early := e.only(t, "early").ID
		until(t, func() bool { return len(e.log(t, early)) == 1 && e.one(t, early).Due.Before(time.Now()) }, "the earlier one is due")
		require.Never(t, func() bool { return len(now()) > 2 }, moment, 5*time.Millisecond)
		answer()
		until(t, func() bool { return e.pending(t) == 0 }, "all are delivered")
		require.Equal(t, []string{"early", "late", "early"}, now())
	})
}

// only returns the message of a key.
func (e *env) only(t *testing.T, key string) outbox.Record {
	t.Helper()
	found, err := e.store.Find(t.Context(), outbox.Query{Keys: []string{key}})
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}
