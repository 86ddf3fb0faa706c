package amsbridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

func (e *env) find(q outbox.Query) []outbox.Record {
	e.t.Helper()
	all, err := e.store.Find(e.t.Context(), q)
	require.NoError(e.t, err)
	return all
}

// What a take left by hand is the grant of another product by now.
func TestLeftByHandIsNotTheWordOnAnotherGrant(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "pass")
		e.report(o)
		e.pass(time.Minute)
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 8"}, e.platform.everything())
		e.catalog["pass"] = amsbridge.Product{ID: "pass", ShowKey: 8, ShowPackageKey: 3}
		// Staff end the registration by hand.
		task := e.parked()
		delete(e.platform.has, "anna 8")
		require.NoError(t, e.operator.MarkDone(t.Context(), staff, task.ID, "ended"))
		e.pass(time.Minute)
		e.reverse("R-1", o)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 8"}, e.platform.everything())
		places, err := e.standing.Of(t.Context(), "", "anna")
		require.NoError(t, err)
		require.Len(t, places, 1)
	})
}

// A take in doubt of an item that is partly by hand gives again what is owed by now.
func TestATaskByHandDoesNotKeepBackWhatIsOwed(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.catalog["dinner"] = amsbridge.Product{ID: "dinner", ShowKey: 8, AddOnKeys: []int64{4}}
		e.report(order("1001", "pass"))
		e.pass(time.Minute)
		n := 0
		e.platform.answer = func(call string) (bool, error) {
			if call == "take anna 8, anna 8/4" {
				n++
				return false, noAnswer // it takes effect later
			}
			return true, nil
		}
		e.refundLine("R-1", "1001", "1")
		for n == 0 {
			e.pass(10 * time.Millisecond)
		}
		e.report(order("1002", "dinner"))
		for dinner := e.find(outbox.Query{Subject: "1002"}); !dinner[0].State.Final(); dinner = e.find(outbox.Query{Subject: "1002"}) {
			e.pass(10 * time.Millisecond)
		}
		delete(e.platform.has, "anna 8/4") // the take's late effect
		e.pass(24 * time.Hour)
		t.Log(e.platform.took(), e.queue())
		require.Equal(t, []string{"anna 8", "anna 8/4"}, e.platform.everything())
	})
}

// T1 is parked with a part of its item kept. Staff do the rest by hand, and mark it done.
func TestAPartlyKeptTakeMarkedDone(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala-and-tour"))
		e.report(order("1002", "tour-and-talk"))
		e.pass(time.Minute)
		e.platform.answer = func(call string) (bool, error) {
			if call == "take anna 7/1" {
				return false, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "cannot remove add-on 1"}
			}
			return true, nil
		}
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Minute)
		task := e.parked()
		delete(e.platform.has, "anna 7/1") // what could not be removed, by hand
		require.NoError(t, e.operator.Pause(t.Context(), staff, "notified", "so"))
		require.NoError(t, e.operator.MarkDone(t.Context(), staff, task.ID, "removed add-on 1"))
		e.refundLine("R-2", "1002", "1")
		require.NoError(t, e.operator.Resume(t.Context(), staff, "notified", "so"))
		e.pass(time.Hour)
		require.Empty(t, e.platform.everything())
	})
}

// As before, but the first reversal comes before the take's turn: the count of settlements overflows.
func TestTheCountOfSettlementsStaysSane(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.platform.answer = func(string) (bool, error) {
			return false, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "no"}
		}
		o := order("1001", "gala")
		e.report(o)
		e.pass(time.Minute)
		e.platform.answer = nil
		e.platform.has["anna 7/1"] = true
		require.NoError(t, e.operator.MarkDone(t.Context(), staff, e.parked().ID, "given by hand"))
		e.pass(time.Minute)
		require.NoError(t, e.operator.Pause(t.Context(), staff, "notified", "so"))
		e.refundLine("R-1", "1001", "1")
		e.reverse("R-1", o)
		require.NoError(t, e.operator.Resume(t.Context(), staff, "notified", "so"))
		e.pass(time.Minute)
		// Now something else of the same show, that has nothing to do with it.
		e.report(order("1002", "workshop"))
		e.pass(time.Minute)
		for _, r := range e.find(outbox.Query{Person: "anna"}) {
			t.Log(r.ID, r.Kind, r.Subject, r.State, r.Seq)
		}
		e.refundLine("R-2", "1002", "1")
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
		e.reverse("R-2", order("1002", "workshop"))
		e.pass(time.Hour)
		require.Equal(t, []string{"anna 7/1", "anna 7/9"}, e.platform.everything())
	})
}

func TestTheRegistrationForAShowIsTakenByHand(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "pass"))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 8", "anna 8/4"}, e.platform.everything())
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 8"}, e.platform.everything())
		require.Equal(t, []string{"parked take anna show 8: registration by package 3"}, e.queue())
		e.report(order("1002", "pass"))
		e.pass(time.Minute)
		require.Empty(t, e.queue())
		require.Equal(t, []string{"anna 8", "anna 8/4"}, e.platform.everything())
	})
}
