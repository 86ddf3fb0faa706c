package amsbridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func (e *env) completed(o amsbridge.Order) (*amsbridge.Report, error) {
	tx := e.store.Begin()
	r, err := e.hook.OrderCompleted(e.t.Context(), tx, o)
	if err != nil {
		tx.Rollback()
		return r, err
	}
	return r, tx.Commit()
}

func TestReportsFromTheFutureAreNoErrors(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.UpdatedAt = time.Now().AddDate(1, 0, 0)
		_, err := e.completed(o)
		require.NoError(t, err)
		o.Lines = append(o.Lines, amsbridge.Line{ID: "2", ProductID: "course", Quantity: 1})
		_, err = e.completed(o)
		require.NoError(t, err)
	})
}

func TestVersionAndUpdatedAtInTurnsAreNoErrors(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		now := time.Now()
		for i := range 3 {
			o.Version, o.UpdatedAt = int64(i+1), time.Time{}
			_, err := e.completed(o)
			require.NoError(t, err)
			o.Version, o.UpdatedAt = 0, now.Add(time.Duration(i)*time.Second)
			_, err = e.completed(o)
			require.NoError(t, err)
		}
	})
}

func TestOrdersCompletedWritesNothingOnMistake(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		bad := order("1002", "gala", "course")
		bad.Lines[1].ID = "1"
		for _, id := range []string{"1001", "1003", "1004", "1005", "1006", "1007"} {
			tx := e.store.Begin()
			_, err := e.hook.OrdersCompleted(t.Context(), tx, order(id, "gala"), bad)
			var input *amsbridge.InputError
			require.ErrorAs(t, err, &input)
			require.NoError(t, tx.Commit())
		}
		require.Empty(t, e.queue())
	})
}

// Two hooks at once on one order: one of them is tried again, and both have their effect.
func TestTwoHooksAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.pass(time.Minute)
		a, b := e.store.Begin(), e.store.Begin()
		_, err := e.hook.OrderRefunded(t.Context(), a, amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
		require.NoError(t, err)
		_, err = e.hook.OrderCompleted(t.Context(), b, order("1001", "gala", "course"))
		require.NoError(t, err)
		require.NoError(t, b.Commit())
		require.Error(t, a.Commit())
		e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
		e.pass(time.Minute)
		require.Empty(t, e.queue())
		require.Empty(t, e.platform.everything())
	})
}
