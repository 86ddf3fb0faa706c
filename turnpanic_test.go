package amsbridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// A client that panics after its call took effect.
func TestAPanicMayHaveHadItsEffect(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		require.NoError(t, e.operator.Pause(t.Context(), staff, "notified", "so"))
		e.report(order("1001", "gala-and-tour"))
		e.report(order("1002", "gala"))
		e.refundLine("R-2", "1002", "1")
		first := true
		e.platform.answer = func(string) (bool, error) {
			if first {
				first = false
				e.platform.has["anna 7/1"], e.platform.has["anna 7/2"] = true, true
				panic("oops")
			}
			return true, nil
		}
		require.NoError(t, e.operator.Resume(t.Context(), staff, "notified", "so"))
		e.pass(3 * time.Second)
		e.refundLine("R-1", "1001", "1")
		e.pass(24 * time.Hour)
		require.Empty(t, e.platform.everything())
	})
}

func TestAPanicBeforeItsTake(t *testing.T) {
	s := newTurns(t)
	s.report("1001", "gala")
	s.report("1002", "gala")
	// 1001's give panics after its effect; 1002's take comes in the same run, its give having been discarded.
	s.platform.answer = func(string) (bool, error) {
		s.has["anna 7/1"] = true
		panic("oops")
	}
	all := s.begin()
	require.Len(t, all, 2)
	_, err := s.to.Deliver(t.Context(), all[0])
	require.Error(t, err)
	s.platform.answer = nil
	// Both are refunded before 1002's turn.
	s.refund("R-1", "1001")
	s.refund("R-2", "1002")
	st2 := s.deliver(all[1])
	st1 := outbox.Settlement{Message: all[0], State: outbox.StatePending, Outcome: outbox.OutcomeUnknown}
	s.settle(st1, st2)
	for range 3 {
		s.play()
	}
	require.Empty(t, s.everything())
}
