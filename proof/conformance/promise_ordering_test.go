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

		op, err := outbox.NewOperator(e.store, outbox.OperatorConfig{})
		require.NoError(t, err)
		require.NoError(t, op.MarkDone(t.Context(), outbox.Actor{Name: "pat"}, ids[0], "added by hand"))
		require.Equal(t, outbox.StatePending, e.one(t, ids[1]).State, "settling the predecessor releases it")
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

// What waits for another is released by each way in which that one can end, and
// by that one alone; what was parked for its own sake stays parked.
func TestPromise09_FollowersAreReleasedByTheirOwnPredecessor(t *testing.T) {
	pat := outbox.Actor{Name: "pat"}
	ends := map[string]func(*testing.T, *env, *outbox.Operator, outbox.ID){
		"marked done": func(t *testing.T, _ *env, op *outbox.Operator, id outbox.ID) {
			require.NoError(t, op.MarkDone(t.Context(), pat, id, "added by hand"))
		},
		"discarded": func(t *testing.T, _ *env, op *outbox.Operator, id outbox.ID) {
			require.NoError(t, op.Discard(t.Context(), pat, id, "not wanted"))
		},
		"delivered after all": func(t *testing.T, e *env, op *outbox.Operator, id outbox.ID) {
			require.NoError(t, op.SendAgain(t.Context(), pat, id, "mended"))
			token := outbox.NewToken()
			got := e.claim(t, token)
			require.Len(t, got, 1, "its follower is not claimed with it")
			require.Equal(t, id, got[0].ID)
			require.True(t, e.settle(t, token, got[0], nil))
		},
	}
	onEngines(t, func(t *testing.T, e *env) {
		op, err := outbox.NewOperator(e.store, outbox.OperatorConfig{})
		require.NoError(t, err)
		for name, end := range ends {
			park := func(want int) {
				t.Helper()
				token := outbox.NewToken()
				got := e.claim(t, token)
				require.Len(t, got, want, name)
				for _, l := range got {
					require.True(t, e.settle(t, token, l, func(s *outbox.Settlement) {
						s.State, s.Outcome, s.Reason = outbox.StateParked, outbox.OutcomeRejected, "rejected"
					}))
				}
			}
			own := push(name+" own", "U-1")
			own.After = "a key that no message has"
			e.insert(t, own)
			park(1)
			follower, stranger := push(name+" follower", "U-1"), push(name+" stranger", "U-2")
			follower.After, stranger.After = name+" adding", name+" other adding"
			ids := e.insert(t, push(name+" adding", "U-1"), follower, push(name+" other adding", "U-2"), stranger)
			park(2)
			reasons := func() (out []string) {
				for _, id := range []outbox.ID{ids[1], ids[3]} {
					rec := e.one(t, id)
					out = append(out, rec.State.String()+": "+rec.Reason)
				}
				return out
			}
			waits := []string{"parked: waits for " + follower.After, "parked: waits for " + stranger.After}
			require.Equal(t, waits, reasons(), name)
			end(t, e, op, ids[0])
			require.Equal(t, []string{"pending: ", waits[1]}, reasons(), name)
			mine, err := e.store.Find(t.Context(), outbox.Query{Keys: []string{own.Key}})
			require.NoError(t, err)
			require.Equal(t, outbox.StateParked, mine[0].State, "it waits for nobody")

			token := outbox.NewToken()
			got := e.claim(t, token)
			require.Len(t, got, 1, name)
			require.Equal(t, follower.Key, got[0].Key)
			require.True(t, e.settle(t, token, got[0], nil))
		}
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
