package amsbridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

func TestSendingAgainWhatWasRefundedGivesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.pass(time.Minute)
		give := e.find(outbox.Query{Subject: "1001"})[0]
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Minute)
		e.pass(20 * time.Hour)
		require.NoError(t, e.operator.Pause(t.Context(), staff, "notified", "so"))
		require.NoError(t, e.operator.SendAgain(t.Context(), staff, give.ID, "a mistake"))
		_, err := e.store.Prune(t.Context(), outbox.Pruning{Forget: 10 * time.Hour})
		require.NoError(t, err)
		require.NoError(t, e.operator.Resume(t.Context(), staff, "notified", "so"))
		e.pass(time.Minute)
		require.Empty(t, e.platform.everything())
	})
}

// Two orders brought it; the second one's take is forgotten, and the first one's refund reversed.
func TestForgettingATakeKeepsItsEvidence(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.report(order("1002", "gala"))
		e.pass(time.Minute)
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Minute)
		e.refundLine("R-2", "1002", "1")
		e.pass(time.Minute)
		require.Empty(t, e.platform.everything())
		e.pass(26 * time.Hour)
		for range 3 {
			_, err := e.store.Prune(t.Context(), outbox.Pruning{Forget: 25 * time.Hour})
			require.NoError(t, err)
		}
		e.reverse("R-1", order("1001", "gala"))
		e.pass(time.Hour)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
	})
}

// The same on Elevate: a needless task.
func TestForgettingATakeAsksForNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "course"))
		e.report(order("1002", "course"))
		e.pass(time.Minute)
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Minute)
		e.refundLine("R-2", "1002", "1")
		e.pass(time.Minute)
		delete(e.platform.has, "anna r1")
		require.NoError(t, e.operator.MarkDone(t.Context(), staff, e.parked().ID, "cancelled"))
		e.pass(26 * time.Hour)
		for range 3 {
			_, err := e.store.Prune(t.Context(), outbox.Pruning{Forget: 25 * time.Hour})
			require.NoError(t, err)
		}
		require.NoError(t, e.operator.Pause(t.Context(), staff, "elevate", "so"))
		e.report(order("1003", "course"))
		e.refundLine("R-3", "1003", "1")
		require.NoError(t, e.operator.Resume(t.Context(), staff, "elevate", "so"))
		e.pass(time.Hour)
		require.Empty(t, e.queue(), "nothing is there to be cancelled")
	})
}

// What is over is forgotten, and what people have is not.
func TestForgettingTouchesOnlyWhatIsOver(t *testing.T) {
	t.Parallel()
	s := newTurns(t)
	for _, o := range []struct{ id, product string }{{"1001", "gala"}, {"1002", "workshop"}, {"1003", "gala"}, {"1004", "course"}} {
		s.report(o.id, o.product)
	}
	s.play()
	s.refund("R-1", "1001") // what it brought stays, for 1003 brings it
	s.refund("R-2", "1002")
	s.play()
	require.Equal(t, []string{"anna 7/1", "anna r1"}, s.everything())
	s.now = s.now.Add(1000 * time.Hour)
	for range 5 {
		_, err := s.store.Prune(t.Context(), outbox.Pruning{Forget: 500 * time.Hour})
		require.NoError(t, err)
	}
	for of, n := range map[string]int{"1001": 2, "1002": 0, "1003": 1, "1004": 1} {
		left, err := s.store.Find(t.Context(), outbox.Query{Subject: of})
		require.NoError(t, err)
		require.Len(t, left, n, of)
	}
	s.refund("R-3", "1003")
	s.play()
	require.Equal(t, []string{"anna r1"}, s.everything())
	s.do(func(tx *outboxtest.Tx) error { // the last entry is kept
		r, err := s.hook.OrderCompleted(t.Context(), tx, order("1002", "workshop"))
		require.Equal(t, []string{"1 refunded"}, did(r))
		return err
	})
}
