package outbox_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func TestAMessageThatNeedNotBeSentEndsSo(t *testing.T) {
	for _, state := range []outbox.State{outbox.StateWithdrawn, outbox.StateReplaced} {
		t.Run(state.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
					return outbox.Result{Ended: state, Detail: "given back meanwhile"}, nil
				})
				id := r.insert(msg("a", "U-1"))[0]
				r.start()
				r.pass(time.Second)
				rec := r.one(id)
				require.Equal(t, state, rec.State)
				require.Equal(t, outbox.OutcomeNone, rec.Outcome)
				log, err := r.store.Attempts(t.Context(), outbox.AttemptQuery{IDs: []outbox.ID{id}})
				require.NoError(t, err)
				require.Len(t, log, 1)
				require.Equal(t, "given back meanwhile", log[0].Reason)
				require.Empty(t, log[0].Detail)
				require.Empty(t, r.alarmed())
			})
		})
	}
}

// An ending without a call says nothing of the platform: the breaker stays open.
func TestAnUnsentMessageClosesNoBreaker(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.cfg.Breaker = outbox.Breaker{After: 1, First: 10 * time.Minute}
		r.on("elevate", failing(outbox.OutcomeUnavailable))
		r.insert(msg("a", "U-1"))
		r.start()
		r.pass(time.Second)
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			return outbox.Result{Ended: outbox.StateWithdrawn}, nil
		})
		id := r.insert(msg("b", "U-2"))[0]
		for range 30 {
			r.pass(time.Minute)
		}
		states, err := r.store.Destinations(t.Context())
		require.NoError(t, err)
		require.False(t, states[0].BrokenUntil.IsZero())
		require.Equal(t, outbox.StateWithdrawn, r.one(id).State)
	})
}

// What could not begin is no attempt, and says nothing of the platform.
func TestADeliveryThatCouldNotBeginIsDeferred(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.cfg.Breaker = outbox.Breaker{After: 1, First: 10 * time.Minute}
		var back atomic.Bool
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			if !back.Load() {
				return outbox.Result{}, fmt.Errorf("the look-up: %w", outbox.ErrNotBegun)
			}
			return outbox.Result{}, nil
		})
		id := r.insert(msg("a", "U-1"))[0]
		r.start()
		r.pass(10 * time.Minute)
		require.Zero(t, r.one(id).Attempt)
		back.Store(true)
		r.pass(10 * time.Second)
		require.Equal(t, outbox.StateDelivered, r.one(id).State)
		states, err := r.store.Destinations(t.Context())
		require.NoError(t, err)
		require.Empty(t, states)
		require.Empty(t, r.alarmed())
	})
}

// What could not begin keeps its place: what was committed later of its person waits, that of others does not.
func TestADeliveryThatCouldNotBeginKeepsItsPlace(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var failed atomic.Int64
		got := make(chan string, 3)
		r.on("elevate", func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			if m.Key == "a" && failed.Add(1) <= 3 {
				return outbox.Result{}, outbox.ErrNotBegun
			}
			if m.Person == "U-1" {
				got <- m.Key
			}
			return outbox.Result{}, nil
		})
		r.insert(msg("a", "U-1"), msg("b", "U-1"))
		r.start()
		r.pass(50 * time.Millisecond)
		other := r.insert(msg("d", "U-2"), msg("c", "U-1"))[0]
		r.sender.Wake()
		r.pass(100 * time.Millisecond)
		require.Equal(t, outbox.StateDelivered, r.one(other).State)
		require.Empty(t, got)
		r.pass(5 * time.Second)
		require.Equal(t, []string{"a", "b", "c"}, []string{<-got, <-got, <-got})
	})
}

// A flight is over too where its last message is taken back while the others' outcomes are being recorded: what is
// pending then counts as in flight no more, and nobody who takes over marks it.
func TestAFlightEndsWhereItsLastMessageIsTakenBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		settling, taken := make(chan struct{}), make(chan struct{})
		once := sync.OnceFunc(func() {
			close(settling)
			<-taken
		})
		r.queue = &hooked{Queue: r.store, before: func(_ context.Context, call string) error {
			if call == "Settle" {
				once()
			}
			return nil
		}}
		var back atomic.Bool
		r.on("elevate", func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			if m.Key != "b" || back.Load() {
				return outbox.Result{}, nil
			}
			<-settling
			return outbox.Result{}, outbox.ErrNotBegun
		})
		ids := r.insert(msg("a", "U-1"), msg("b", "U-2"))
		r.start()
		r.pass(50 * time.Millisecond)
		close(taken)
		r.pass(20 * time.Millisecond)
		require.Equal(t, outbox.StateDelivered, r.one(ids[0]).State)
		require.Zero(t, r.inFlight())
		r.stop()
		require.Zero(t, r.one(ids[1]).Doubt)
	})
}

func TestAResultsCountEndsAndReleasesAreSettled(t *testing.T) {
	end := func(id outbox.ID) []outbox.End {
		return []outbox.End{{ID: id, State: outbox.StateReplaced, Reason: "a newer one has it"}}
	}
	refused := &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Partly: true}
	unknown := &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown}
	for name, c := range map[string]struct {
		err   error
		state outbox.State
		doubt outbox.Doubt
		after int // messages that forgetting leaves
	}{
		"delivered": {nil, outbox.StateDelivered, 0, 1},
		"rejected":  {refused, outbox.StateParked, outbox.DoubtPartly, 2},
		"unknown":   {unknown, outbox.StatePending, outbox.DoubtUnknown, 2},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				first, other := msg("a", "U-1"), msg("b", "U-1")
				first.Sequel, other.Sequel = "take", "take"
				waiting := parked(t, r.store, other)
				id := r.insert(first)[0]
				r.on("elevate", func(_ context.Context, m outbox.Message) (outbox.Result, error) {
					return outbox.Result{Seq: 7, Ends: end(waiting), Releases: []outbox.ID{m.ID}}, c.err
				})
				r.cfg.Retry = outbox.Retry{First: 24 * time.Hour, Longest: 24 * time.Hour}
				r.start()
				r.pass(time.Second)
				rec := r.one(id)
				require.Equal(t, c.state, rec.State)
				require.EqualValues(t, 7, rec.Seq)
				require.Equal(t, c.doubt, rec.Doubt)
				require.Equal(t, outbox.StateReplaced, r.one(waiting).State)
				r.stop()
				r.pass(48 * time.Hour)
				_, err := r.store.Prune(t.Context(), outbox.Pruning{Forget: 24 * time.Hour})
				require.NoError(t, err)
				found, err := r.store.Find(t.Context(), outbox.Query{Subject: "order"})
				require.NoError(t, err)
				require.Len(t, found, c.after)
			})
		})
	}
}
