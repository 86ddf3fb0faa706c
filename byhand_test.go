package amsbridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// What staff gave again by hand is done.
func TestATaskToGiveAgainEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "course"))
		e.report(order("1002", "course"))
		e.pass(time.Minute)
		require.NoError(t, e.operator.Pause(t.Context(), staff, "elevate", "so"))
		e.refundLine("R-1", "1001", "1")
		take := e.find(outbox.Query{Subject: "1001", States: []outbox.State{outbox.StatePending}})
		delete(e.platform.has, "anna r1")
		require.NoError(t, e.operator.MarkDone(t.Context(), staff, take[0].ID, "cancelled, too early"))
		require.NoError(t, e.operator.Resume(t.Context(), staff, "elevate", "so"))
		e.pass(time.Minute)
		for range 3 {
			task := e.parked()
			t.Log(task.ID, task.Reason)
			e.platform.has["anna r1"] = true
			require.NoError(t, e.operator.MarkDone(t.Context(), staff, task.ID, "given again"))
			e.pass(time.Minute)
			if len(e.queue()) == 0 {
				return
			}
		}
		require.Empty(t, e.queue(), "it was done three times")
	})
}

// A refund while somebody is asked to give again.
func TestARefundWhileSomebodyIsAskedToGiveAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "course"))
		e.report(order("1002", "course"))
		e.pass(time.Minute)
		require.NoError(t, e.operator.Pause(t.Context(), staff, "elevate", "so"))
		e.refundLine("R-1", "1001", "1")
		take := e.find(outbox.Query{Subject: "1001", States: []outbox.State{outbox.StatePending}})
		require.NoError(t, e.operator.MarkDone(t.Context(), staff, take[0].ID, "cancelled, too early"))
		require.NoError(t, e.operator.Resume(t.Context(), staff, "elevate", "so"))
		e.pass(time.Minute)
		e.parked()
		e.refundLine("R-2", "1002", "1")
		e.pass(time.Minute)
		require.Equal(t, []string{"parked take anna product r1"}, e.queue(), "nobody is owed it any more, and it may be there")
	})
}

// A give in doubt is discarded, and what it may have brought is cancelled by hand. Later the person buys it, and
// gives it back.
func TestWhatWasCancelledOnceCanBeCancelledAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.platform.answer = func(string) (bool, error) { return true, noAnswer }
		e.report(order("1001", "course"))
		e.pass(3 * time.Second)
		e.platform.answer = nil
		give := e.find(outbox.Query{Subject: "1001"})
		require.NoError(t, e.operator.Discard(t.Context(), staff, give[0].ID, "a mistake"))
		e.pass(time.Minute)
		require.Equal(t, []string{"parked ended anna product r1"}, e.queue())
		delete(e.platform.has, "anna r1")
		require.NoError(t, e.operator.MarkDone(t.Context(), staff, e.parked().ID, "cancelled"))
		e.pass(time.Minute)
		require.Empty(t, e.queue())

		e.report(order("1002", "course"))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna r1"}, e.platform.everything())
		e.refundLine("R-2", "1002", "1")
		e.pass(time.Hour)
		require.Equal(t, []string{"parked take anna product r1"}, e.queue(), "somebody must cancel it")
	})
}

// What was cancelled by hand although it is paid for is not there.
func TestStandingOfWhatIsToBeGivenAgainByHand(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "course"))
		e.report(order("1002", "course"))
		e.pass(time.Minute)
		require.NoError(t, e.operator.Pause(t.Context(), staff, "elevate", "so"))
		e.refundLine("R-1", "1001", "1")
		take := e.find(outbox.Query{Subject: "1001", States: []outbox.State{outbox.StatePending}})
		delete(e.platform.has, "anna r1")
		require.NoError(t, e.operator.MarkDone(t.Context(), staff, take[0].ID, "cancelled, too early"))
		require.NoError(t, e.operator.Resume(t.Context(), staff, "elevate", "so"))
		e.pass(time.Minute)
		e.parked()
		places, err := e.standing.Of(t.Context(), "", "anna")
		require.NoError(t, err)
		require.Len(t, places, 1)
		require.Equal(t, amsbridge.PlaceNeedsAttention, places[0].State)
	})
}

// A take that waits (the platform is paused or down) is done by hand in the platform's own pages, and marked
// done. Later the refund is reversed.
func TestAPendingTakeDoneByHandAndItsReversal(t *testing.T) {
	for name, c := range map[string]struct{ product, unit, to string }{
		"Notified": {"gala", "anna 7/1", "notified"}, "Elevate": {"course", "anna r1", "elevate"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				o := order("1001", c.product)
				e.report(o)
				e.pass(time.Minute)
				require.NoError(t, e.operator.Pause(t.Context(), staff, c.to, "maintenance"))
				e.refundLine("R-1", "1001", "1")
				takes := e.find(outbox.Query{Subject: "1001", States: []outbox.State{outbox.StatePending}})
				require.Len(t, takes, 1)
				delete(e.platform.has, c.unit)
				require.NoError(t, e.operator.MarkDone(t.Context(), staff, takes[0].ID, "taken away by hand"))
				require.NoError(t, e.operator.Resume(t.Context(), staff, c.to, "done"))
				e.pass(time.Hour)
				require.Empty(t, e.queue())
				e.reverse("R-1", o)
				e.pass(time.Hour)
				require.Equal(t, []string{c.unit}, e.platform.everything())
			})
		})
	}
}

// A parked message that wants to give again asks nobody to take.
func TestATaskToGiveIsNoTaskToTake(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "course"))
		e.report(order("1002", "course"))
		e.pass(time.Minute)
		require.NoError(t, e.operator.Pause(t.Context(), staff, "elevate", "so"))
		e.refundLine("R-1", "1001", "1")
		takes := e.find(outbox.Query{Subject: "1001", States: []outbox.State{outbox.StatePending}})
		require.Len(t, takes, 1)
		// Somebody thinks that it was to be cancelled, and says so before they did it.
		require.NoError(t, e.operator.MarkDone(t.Context(), staff, takes[0].ID, "cancelled"))
		e.platform.answer = func(string) (bool, error) {
			return false, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "first name is empty"}
		}
		require.NoError(t, e.operator.Resume(t.Context(), staff, "elevate", "so"))
		e.pass(time.Minute)
		t.Log(e.queue())
		e.platform.answer = nil
		e.refundLine("R-2", "1002", "1")
		e.pass(time.Hour)
		t.Log(e.queue())
		require.Contains(t, e.queue(), "parked take anna product r1")
	})
}

// Staff gave it by hand. It is refunded, taken, and the refund reversed.
func TestAGiveDoneByHandItsRefundAndReversal(t *testing.T) {
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
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Minute)
		require.Empty(t, e.platform.everything())
		e.reverse("R-1", o)
		e.pass(time.Hour)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
	})
}

func TestATaskByHandEndsWhenItIsBoughtAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "course"))
		e.report(order("1002", "course"))
		e.pass(time.Minute)
		e.refundLine("R-1", "1001", "1")
		e.refundLine("R-2", "1002", "1")
		e.pass(time.Minute)
		require.Equal(t, []string{"parked take anna product r1"}, e.queue(), "one task for person and product")
		e.report(order("1003", "course"))
		e.pass(time.Minute)
		require.Empty(t, e.queue())
		e.refundLine("R-3", "1003", "1")
		e.pass(time.Minute)
		task := e.parked()
		require.Equal(t, "cancel r1", task.Reason)
		require.NoError(t, e.operator.MarkDone(t.Context(), staff, task.ID, "cancelled"))
		delete(e.platform.has, "anna r1")
		e.pass(time.Minute)
		require.Empty(t, e.queue())
	})
}

func TestWhatWasCancelledByHandWhileItIsOwedIsGivenAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "course"))
		e.pass(time.Minute)
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Minute)
		task := e.parked()
		require.NoError(t, e.operator.Pause(t.Context(), staff, "elevate", "maintenance"))
		e.report(order("1002", "course"))
		delete(e.platform.has, "anna r1")
		require.NoError(t, e.operator.MarkDone(t.Context(), staff, task.ID, "cancelled"))
		require.NoError(t, e.operator.Resume(t.Context(), staff, "elevate", "done"))
		e.pass(time.Hour)
		require.Equal(t, []string{"anna r1"}, e.platform.everything())
		require.Empty(t, e.queue())
	})
}
