package outbox_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func ofPersons(each int, persons ...string) []outbox.Message {
	var all []outbox.Message
	for _, p := range persons {
		for i := range each {
			all = append(all, msg(fmt.Sprintf("%s-%02d", p, i), p))
		}
	}
	return all
}

// What waits of one person goes to one worker, in order, while the others of its
// destination have theirs.
func TestOneWorkerDeliversAPersonsMessagesInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := &recordingQueue{}
		r.queue = p.over(r.store, nil)
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			time.Sleep(time.Second)
			return outbox.Result{}, nil
		})
		r.cfg.Concurrency = 9
		r.insert(append(ofPersons(7, "one"), ofPersons(1, "two", "three")...)...)
		r.start()
		r.pass(500 * time.Millisecond)
		require.Len(t, p.requests(), 1, "one claim brought all")
		require.Equal(t, 3, r.sends(), "one of each person")
		r.pass(7 * time.Second)
		var one []string
		for _, m := range r.messages() {
			if m.Person == "one" {
				one = append(one, m.Key)
			}
		}
		require.Len(t, one, 7)
		require.IsIncreasing(t, one)
		pending, _ := r.count()
		require.Zero(t, pending)
	})
}

// A failure in a run ends neither the run nor its order: what waits for its
// retry holds back no later one.
func TestRunGoesOnAfterAFailure(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		failed := false
		r.on("elevate", func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			if m.Key == "one-01" && !failed {
				failed = true
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable}
			}
			return outbox.Result{}, nil
		})
		r.insert(ofPersons(4, "one")...)
		r.start()
		r.pass(15 * time.Second)
		var keys []string
		for _, m := range r.messages() {
			keys = append(keys, m.Key)
		}
		require.Equal(t, []string{"one-00", "one-01", "one-02", "one-03", "one-01"}, keys)
	})
}

// Ten of one person at a time; while they are under way their lane is skipped,
// and when they are settled the next ten come at once.
func TestLongLaneIsSkippedWhileItsRunIsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := &recordingQueue{}
		r.queue = p.over(r.store, nil)
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			time.Sleep(100 * time.Millisecond)
			return outbox.Result{}, nil
		})
		lane := msg("", "one").OrderingKey()
		r.insert(ofPersons(35, "one")...)
		r.start()
		r.pass(500 * time.Millisecond)
		require.Equal(t, 10, p.requests()[0].KeyLimit)
		r.insert(msg("two-00", "two"))
		r.pass(time.Millisecond)
		last := p.requests()[len(p.requests())-1]
		require.Equal(t, []int64{lane}, last.Skip)
		r.pass(3*time.Second + 100*time.Millisecond)
		require.Equal(t, 36, r.sends(), "no second is lost between the runs")
		p.forget()
		r.insert(msg("two-01", "two"))
		r.pass(time.Millisecond)
		require.Empty(t, p.requests()[0].Skip, "nothing is skipped that is settled")
	})
}

// A run is so short that a third of the lease suffices for it.
func TestRunsAreShortWhereAnswersAreSlow(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := &recordingQueue{}
		r.queue = p.over(r.store, nil)
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			time.Sleep(9 * time.Second)
			return outbox.Result{}, nil
		})
		r.insert(ofPersons(40, "one")...)
		r.start()
		r.pass(5 * time.Minute)
		for _, req := range p.requests() {
			if len(req.InFlight) > 0 {
				require.LessOrEqual(t, req.KeyLimit, 3)
			}
		}
		sent := r.messages()
		require.Greater(t, len(sent), 30)
		for _, m := range sent {
			require.Equal(t, 1, m.Attempt)
			require.Zero(t, m.Doubt)
		}
	})
}

// Where slots are scarce, long runs of few people would leave workers idle.
func TestRunsAreShortWhereSlotsAreScarce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.on("elevate", answering(100*time.Millisecond))
		var persons []string
		for i := range 30 {
			persons = append(persons, fmt.Sprint("U-", i))
		}
		r.insert(ofPersons(20, persons...)...)
		r.start()
		r.pass(9 * time.Second)
		require.Equal(t, 600, r.sends(), "ten workers need six seconds")
	})
}

// Lanes that another sender is busy with are left alone for a moment; what is
// behind them is looked for again, soon and then ever more seldom.
func TestLanesOfOtherSendersAreSkippedForAMoment(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := &recordingQueue{}
		var busy atomic.Bool
		r.queue = p.over(r.store, func(c *outbox.Claim) {
			if busy.Load() {
				c.Busy = []int64{7, 8}
			}
		})
		r.on("elevate", answer(nil))
		r.start()
		r.pass(10 * time.Millisecond)
		p.forget()
		begin := time.Now()
		busy.Store(true)
		r.sender.Wake()
		r.pass(30 * time.Second)
		reqs, at := p.requests(), p.times()
		require.Empty(t, reqs[0].Skip)
		require.ElementsMatch(t, []int64{7, 8}, reqs[1].Skip, "a claim that met only busy lanes is repeated at once")
		require.Zero(t, at[1].Sub(begin))
		require.Empty(t, reqs[2].Skip)
		require.Equal(t, 20*time.Millisecond, at[2].Sub(begin))
		require.Less(t, len(reqs), 100)
	})
}

func TestBusyOwnLanesAreSkippedUntilSettled(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := &recordingQueue{}
		lane := msg("", "one").OrderingKey()
		r.queue = p.over(r.store, nil)
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			time.Sleep(10 * time.Second)
			return outbox.Result{}, nil
		})
		r.cfg.Poll = time.Minute
		r.insert(msg("a", "one"))
		r.start()
		r.pass(time.Second)
		r.insert(msg("b", "one")) // the store tells that its lane is busy
		r.pass(time.Second)
		p.forget()
		r.sender.Wake()
		r.pass(7 * time.Second)
		require.Len(t, p.requests(), 1)
		require.Equal(t, []int64{lane}, p.requests()[0].Skip)
		r.pass(1001 * time.Millisecond)
		require.Equal(t, 2, r.sends(), "as soon as the first is settled")
		require.Empty(t, p.requests()[1].Skip)
	})
}

// The tour over the destinations goes on where the last one ended.
func TestTourGoesOnWhereItEnded(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p := &recordingQueue{}
		r.queue = p.over(r.store, nil)
		r.cfg.Concurrency, r.cfg.Window = 2, 4
		var all []outbox.Message
		for i := range 6 {
			name := fmt.Sprint("elevate/", i)
			r.on(name, answer(nil))
			for j := range 4 {
				m := msg(fmt.Sprint(i, "-", j), fmt.Sprint("U-", j))
				m.Destination = name
				all = append(all, m)
			}
		}
		r.insert(all...)
		r.start()
		r.pass(500 * time.Millisecond)
		require.Equal(t, 24, r.sends())
		var from []string
		for _, req := range p.requests() {
			from = append(from, req.From)
		}
		require.Equal(t, []string{"", "elevate/1", "elevate/3"}, from[:3])
	})
}

// A run stops where its destination was paused meanwhile; what was not begun
// goes back.
func TestRunStopsWhereItsDestinationWasShut(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.on("elevate", func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			if m.Person == "two" {
				time.Sleep(100 * time.Millisecond)
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeThrottled, RetryAfter: time.Minute}
			}
			time.Sleep(time.Second)
			return outbox.Result{}, nil
		})
		ids := r.insert(append(ofPersons(5, "one"), ofPersons(1, "two")...)...)
		r.start()
		r.pass(30 * time.Second)
		// The hold was recorded long before the first delivery ended.
		require.Equal(t, 2, r.sends())
		require.Equal(t, outbox.StateDelivered, r.one(ids[0]).State)
		for _, id := range ids[1:5] {
			require.Zero(t, r.one(id).Attempt)
			require.False(t, r.one(id).InFlight)
		}
	})
}

// A claim that was under way when the destination was paused may bring more of
// it: that goes back as well.
func TestWhatIsClaimedWhileItsDestinationIsShutGoesBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		slow := false
		r.queue = &faulty{Queue: r.store, claim: func(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
			c, err := r.store.Claim(ctx, req)
			if slow {
				slow = false
				time.Sleep(5 * time.Second)
			}
			return c, err
		}}
		r.on("elevate", func(context.Context, outbox.Message) (outbox.Result, error) {
			time.Sleep(time.Second)
			return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnauthorized, Code: "401"}
		})
		r.insert(msg("a", "U-a"))
		r.start()
		r.pass(500 * time.Millisecond)
		slow = true
		id := r.insert(msg("b", "U-b"))[0]
		r.pass(30 * time.Second)
		require.Equal(t, 1, r.sends())
		require.False(t, r.one(id).InFlight)
		require.Zero(t, r.one(id).Attempt)
	})
}

// What is behind another's message is sent soon after that is settled, whatever
// else has the sender look in between, and though nobody announces it.
func TestWhatWasBehindAnothersMessageIsSentSoon(t *testing.T) {
	for name, woken := range map[string]bool{"left alone": false, "woken meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubbleOf(t, func(t *testing.T, r *rig) {
				r.on("elevate", answer(nil))
				r.cfg.Poll = time.Hour // nothing is left to the clock
				r.insert(msg("first", "one"), msg("second", "one"))
				token := outbox.NewToken()
				c, err := r.store.Claim(t.Context(), outbox.ClaimRequest{Token: token, Lease: time.Minute, Limit: 1, DestinationLimit: 1})
				require.NoError(t, err)
				require.Len(t, c.Leased, 1)
				r.start()
				r.pass(10 * time.Millisecond)
				if woken {
					r.sender.Wake()
				}
				r.pass(5 * time.Millisecond)
				require.Zero(t, r.sends())
				_, err = r.store.Settle(t.Context(), []outbox.Settlement{{
					Message: c.Leased[0].Message, Token: token, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered,
				}})
				require.NoError(t, err)
				r.pass(100 * time.Millisecond)
				require.Equal(t, 1, r.sends())
			})
		})
	}
}
