package amsbridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// An erased person's seat is refunded, the refund reversed, and refunded again.
func TestAnErasedPersonRefundedTwice(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		done := func() {
			open, err := e.store.Tasks(t.Context(), outbox.TaskQuery{Limit: 10})
			require.NoError(t, err)
			require.Len(t, open, 1)
			t.Log(open[0].Text)
			require.NoError(t, e.operator.TaskDone(t.Context(), staff, "", "1001", open[0].ID, "done"))
		}
		o := order("1001", "gala")
		o.Version = 5
		e.report(o)
		e.pass(time.Minute)
		_, err := e.operator.Erase(t.Context(), staff, "", "anna", "so")
		require.NoError(t, err)
		e.refundLine("R-1", "1001", "1")
		done()
		o.Version = 4
		t.Log(e.reverse("R-1", o).Entries)
		e.refundLine("R-2", "1001", "1")
		t.Log(e.tasks())
	})
}

// A refund and an erasure at one moment: the refund has read who it was, the erasure commits, then the refund.
func TestARefundAndAnErasureAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.pass(time.Minute)
		tx := e.store.Begin()
		_, err := e.hook.OrderRefunded(t.Context(), tx, amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
		require.NoError(t, err)
		_, err = e.operator.Erase(t.Context(), staff, "", "anna", "request 17")
		require.NoError(t, err)
		if tx.Commit() != nil { // as it may, and is tried again
			e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
		}
		e.pass(time.Hour)
		require.True(t, len(e.platform.everything()) == 0 || len(e.tasks())+len(e.queue()) > 0,
			"the platform has %v, and nobody is asked", e.platform.everything())
	})
}

func TestErasingWhileATakeWaitsLeavesATask(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.pass(time.Minute)
		require.NoError(t, e.operator.Pause(t.Context(), staff, "notified", "so"))
		e.refundLine("R-1", "1001", "1")
		_, err := e.operator.Erase(t.Context(), staff, "", "anna", "request 17")
		require.NoError(t, err)
		require.Len(t, e.tasks(), 1)
		require.Contains(t, e.tasks()[0], "1001: a person was erased while a message about them (take, 1) waited for notified")
		require.NotContains(t, e.tasks()[0], "anna")
		e.report(order("1001", "gala", "course-2"))
		require.Len(t, e.tasks(), 1, "it stays until somebody did it")
		open, err := e.store.Tasks(t.Context(), outbox.TaskQuery{Limit: 10})
		require.NoError(t, err)
		require.NoError(t, e.operator.TaskDone(t.Context(), staff, "", "1001", open[0].ID, "done"))
		require.Empty(t, e.tasks())
	})
}

func TestAnErasedPersonsLineIsExchangedByHand(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "course")
		e.report(o)
		e.pass(time.Minute)
		_, err := e.operator.Erase(t.Context(), staff, "", "anna", "request 17")
		require.NoError(t, err)
		o.Version, o.Lines[0].ProductID = 2, "gala"
		r := e.report(o)
		require.Len(t, r.NeedsStaff(), 1)
		require.Contains(t, e.tasks()[0], "end by hand what elevate still has of them (product r1)")
	})
}

func TestAnErasedPersonIsNotGivenAnything(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		e.report(o)
		e.pass(time.Minute)
		_, err := e.operator.Erase(t.Context(), staff, "", "anna", "request 17")
		require.NoError(t, err)
		require.Equal(t, []string{"1 anna erased"}, did(e.report(o)))
		e.catalog["gala"] = amsbridge.Product{ID: "gala", ShowKey: 7, AddOnKeys: []int64{5}}
		require.Equal(t, []string{"1 anna erased"}, did(e.report(o)))
		r := e.refundLine("R-1", "1001", "1")
		require.Len(t, r.NeedsStaff(), 1)
		require.NotContains(t, r.NeedsStaff()[0].Text, "anna")
		require.Contains(t, r.NeedsStaff()[0].Text, "line 1")
		require.Len(t, e.tasks(), 1)
		e.platform.took()
		e.pass(time.Hour)
		require.Empty(t, e.platform.took())
	})
}
