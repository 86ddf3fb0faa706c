package conformance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// Two processes report one refund at once, others of the same line, and those of two lines
// that bring the same add-on: each grant is taken back once, by one row.
func TestPromise10_ConcurrentRefundsTakeEachGrantBackOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		processes := []*env{e, e.setup.openAt(t, e.dsn)}
		p := newPlatform()
		e.serve(t, p)
		for i, c := range []struct {
			refund func(i int) amsbridge.Refund
			takes  int
			has    string
		}{
			{func(int) amsbridge.Refund { return amsbridge.Refund{ID: "R-1", All: true} }, 3, "C-1"},
			{func(i int) amsbridge.Refund { return refundOf(fmt.Sprint("R-", i), "", "1", "2") }, 2, "4, 9985, C-1"},
			{func(i int) amsbridge.Refund { return refundOf(fmt.Sprint("R-", i%4), "", fmt.Sprint(1+i%4%3)) }, 3, "C-1"},
		} {
			person, id := fmt.Sprint("U-", i), fmt.Sprint("order-", i)
			e.complete(t, purchase(id, member(person), "course", "dinner", "brunch"))
			e.settleAll(t)
			var wg sync.WaitGroup
			errs := make(chan error, 12)
			for n := range cap(errs) {
				wg.Go(func() {
					r := c.refund(n)
					r.OrderID = id
					errs <- processes[n%2].shop(t, func(s *shopTx) error {
						_, err := s.refund(r)
						return err
					})
				})
			}
			wg.Wait()
			close(errs)
			for err := range errs {
				require.NoError(t, err)
			}
			e.settleAll(t)
			takes := 0
			for _, m := range e.messages(t, id) {
				if m.Kind == amsbridge.KindTake {
					takes++
				}
			}
			require.Equal(t, c.takes, takes, i)
			var has []string
			for _, u := range p.everything() {
				if unit, own := strings.CutPrefix(u, person+" "); own {
					has = append(has, unit)
				}
			}
			require.Equal(t, c.has, strings.Join(has, ", "), i)
		}
		require.Len(t, e.parked(t), 3, "what no call takes is a task, once for each person")
	})
}

// The next refund of an order waits for one that is open, and then knows it.
func TestPromise10_TheSecondRefundKnowsTheFirst(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		if e.dialect == sqlstore.SQLite {
			t.Skip("SQLite's writers go one after another")
		}
		e.complete(t, purchase("1001", member("U-1"), "dinner", "brunch"))
		first := e.beginShop(t)
		_, err := first.refund(refundOf("R-1", "1001", "1"))
		require.NoError(t, err)
		second, failed := make(chan *amsbridge.Report, 1), make(chan error, 1)
		go func() {
			failed <- e.shop(t, func(s *shopTx) error {
				r, err := s.refund(refundOf("R-2", "1001", "1", "2"))
				if err == nil {
					second <- r
				}
				return err
			})
		}()
		until(t, func() bool { return e.waiting(t) == 1 }, "the second refund waits for the first")
		require.NoError(t, first.commit())
		require.NoError(t, <-failed)
		require.Equal(t, []amsbridge.Did{"refunded", "refunded", "taking back"}, did(<-second))
	})
}

// A refund keeps what another order pays, its reversal gives what is gone, and both may come before
// their time.
func TestPromise10_EachHasWhatIsOwed(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		p := newPlatform()
		e.serve(t, p)
		has := func(what ...string) {
			t.Helper()
			e.settleAll(t)
			require.Equal(t, what, p.everything())
		}
		dinner := purchase("1001", member("U-1"), "dinner")
		e.complete(t, dinner)
		e.complete(t, purchase("1002", member("U-1"), "brunch"))
		has("U-1 10342", "U-1 4", "U-1 9985")
		e.refund(t, refundOf("R-1", "1001", "1"))
		has("U-1 4", "U-1 9985")
		e.reverse(t, "R-1", dinner)
		has("U-1 10342", "U-1 4", "U-1 9985")
		e.refund(t, refundOf("R-2", "1002", "1"))
		has("U-1 10342", "U-1 9985")
		e.refund(t, amsbridge.Refund{ID: "R-3", OrderID: "1003", All: true})
		e.complete(t, purchase("1003", member("U-1"), "lunch"))
		has("U-1 10342", "U-1 9985")
		e.reverse(t, "R-3", purchase("1003", member("U-1"), "lunch"))
		has("U-1 10342", "U-1 3", "U-1 9985")
		e.reverse(t, "R-4", purchase("1004", member("U-2"), "lunch"))
		e.refund(t, refundOf("R-4", "1004", "1"))
		has("U-1 10342", "U-1 3", "U-1 9985", "U-2 3")
		late := purchase("1005", member("U-2"), "brunch")
		late.Version = 5
		e.complete(t, late)
		e.refund(t, refundOf("R-5", "1005", "1"))
		has("U-1 10342", "U-1 3", "U-1 9985", "U-2 3")
		late.Version = 4
		require.True(t, e.reverse(t, "R-5", late).Stale, "an old report, and the reversal counts")
		has("U-1 10342", "U-1 3", "U-1 9985", "U-2 3", "U-2 4", "U-2 9985")
		require.Empty(t, e.parked(t))
		require.Empty(t, e.tasks(t))
	})
}

// A take that got no answer takes effect late, after its refund was reversed and the grant given again:
// its next attempt gives it back.
func TestPromise10_ATakeThatTakesEffectLateIsMadeGood(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		p := newPlatform()
		p.answer = func(call string) (bool, error) {
			if strings.HasPrefix(call, "take") {
				return false, &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown, Reason: "no answer yet"}
			}
			return true, nil
		}
		d, err := amsbridge.NewDestination(e.store, p, amsbridge.DestinationConfig{})
		require.NoError(t, err)
		cfg := quick(outbox.Fixed{"notified": d})
		cfg.Retry = outbox.Retry{First: time.Hour, Longest: time.Hour}
		e.send(t, e.store, cfg)
		lunch := purchase("1001", member("U-1"), "lunch")
		e.complete(t, lunch)
		e.settleAll(t)
		e.refund(t, refundOf("R-1", "1001", "1"))
		take := e.messages(t, "1001")[1].ID
		until(t, func() bool { return len(e.log(t, take)) == 1 }, "the take is tried")
		e.reverse(t, "R-1", lunch)
		again := e.messages(t, "1001")[2].ID
		until(t, func() bool { return e.one(t, again).State == outbox.StateDelivered }, "it is given again")
		p.mu.Lock()
		delete(p.has, "U-1 3") // only now
		p.mu.Unlock()
		e.ahead.Add(int64(2 * time.Hour))
		e.settleAll(t)
		require.Equal(t, []string{"U-1 3"}, p.everything())
	})
}

// Orders are refunded and some refunds reversed while two senders deliver to a platform that often
// gives no answer: in the end each has what is owed, and nothing else.
func TestPromise10_RefundsWhileSendersDeliver(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		p := newPlatform()
		p.answer = func(string) (bool, error) {
			if rand.IntN(3) == 0 { //nolint:gosec // a test's dice
				return rand.IntN(2) == 0, &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown, Reason: "no answer"} //nolint:gosec // as above
			}
			return true, nil
		}
		e.serve(t, p)
		e.serve(t, p)
		const orders = 30
		var want []string
		for i := range orders {
			person := fmt.Sprintf("U-%02d", i)
			e.complete(t, purchase(fmt.Sprint(i+1), member(person), "dinner", "brunch"))
			if i < 5 {
				continue
			}
			i -= 5 // by now in flight, delivered, or waiting for a retry
			person, id := fmt.Sprintf("U-%02d", i), fmt.Sprint(i+1)
			switch i % 4 {
			case 0:
				e.refund(t, refundOf("R", id, "1"))
				want = append(want, person+" 4", person+" 9985")
			case 1:
				e.refund(t, refundOf("R", id, "2"))
				want = append(want, person+" 10342", person+" 9985")
			case 2:
				e.refund(t, amsbridge.Refund{ID: "R", OrderID: id, All: true})
			default:
				e.refund(t, refundOf("R", id, "1"))
				e.reverse(t, "R", purchase(id, member(person), "dinner", "brunch"))
				want = append(want, person+" 10342", person+" 4", person+" 9985")
			}
		}
		for i := orders - 5; i < orders; i++ {
			person := fmt.Sprintf("U-%02d", i)
			want = append(want, person+" 10342", person+" 4", person+" 9985")
		}
		e.settleAll(t)
		slices.Sort(want)
		require.Equal(t, want, p.everything())
		require.Empty(t, e.parked(t))
	})
}
