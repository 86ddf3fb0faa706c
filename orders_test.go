package amsbridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

func TestAReportGivesEachPersonEachItemOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala", "mug", "membership")
		require.Equal(t, []string{"1 anna queued", "2 shop only", "3 anna queued", "3 anna queued"}, did(e.report(o)))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1", "anna r1"}, e.platform.everything())
		require.Equal(t, []string{"1 anna unchanged", "2 shop only", "3 anna unchanged", "3 anna unchanged"}, did(e.report(o)))
		e.platform.took()
		e.pass(time.Hour)
		require.Empty(t, e.platform.took())
		require.Empty(t, e.queue())
		require.Empty(t, e.tasks())
	})
}

func TestNewLinesArriveAndNothingIsSentAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.pass(time.Minute)
		e.platform.took()
		require.Equal(t, []string{"1 anna unchanged", "2 anna queued", "3 anna queued"}, did(e.report(order("1001", "gala", "workshop", "course"))))
		e.pass(time.Minute)
		require.ElementsMatch(t, []string{"give anna 7/9", "give anna r1"}, e.platform.took())
		e.refundLine("R-1", "1001", "1")
		require.Equal(t, []string{"1 refunded", "2 anna unchanged", "3 anna unchanged", "4 anna queued"},
			did(e.report(order("1001", "gala", "workshop", "course", "course-2"))))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/9", "anna r1", "anna r2"}, e.platform.everything())
	})
}

func TestOpenSeatsAreToldAndNamedLater(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		e.report(o)
		e.pass(time.Minute)
		o.Lines[0].Quantity = 3
		r := e.report(o)
		require.Equal(t, []string{"1 absent", "1 needs staff"}, did(r))
		require.Equal(t, "line 1: 2 of 3 seats have no person", r.NeedsStaff()[0].Text)
		require.Equal(t, []string{"1001: line 1: 2 of 3 seats have no person"}, e.tasks())
		require.Contains(t, e.log.String(), "2 of 3 seats have no person")
		e.pass(time.Minute)
		require.Len(t, e.alarms, 1)
		require.Equal(t, outbox.AlarmTask, e.alarms[0].Kind)
		e.platform.took()
		o.Lines[0].Attendees = []amsbridge.User{carl(), anna(), berta(), berta()}
		require.ElementsMatch(t, []string{"1 anna unchanged", "1 berta queued", "1 carl queued"}, did(e.report(o)))
		e.pass(time.Minute)
		require.ElementsMatch(t, []string{"give carl 7/1", "give berta 7/1"}, e.platform.took())
		require.Empty(t, e.tasks())
		require.Len(t, e.alarms, 1)
	})
}

func TestOneIDInTwoAssociations(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		for _, a := range []string{"acme", "beta"} {
			o := order("1042", "gala")
			o.Association, o.Buyer.ID = a, "1042"
			e.report(o)
		}
		e.pass(time.Minute)
		require.Equal(t, []string{"acme/1042 7/1", "beta/1042 7/1"}, e.platform.everything())
		e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1042", Association: "acme", All: true})
		_, err := e.operator.Erase(t.Context(), staff, "acme", "1042", "request 17")
		require.NoError(t, err)
		for a, n := range map[string]int{"acme": 0, "beta": 1, "": 0} {
			places, err := e.standing.Of(t.Context(), a, "1042")
			require.NoError(t, err)
			require.Len(t, places, n, a)
		}
	})
}

func TestSeveralOrdersInOneTransaction(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		tx := e.store.Begin()
		reports, err := e.hook.OrdersCompleted(t.Context(), tx, order("1001", "gala"), order("1002", "course"), order("1001", "gala", "workshop"))
		require.NoError(t, err)
		require.Equal(t, []string{"1 anna queued"}, did(reports[0]))
		require.Equal(t, []string{"1 anna queued"}, did(reports[1]))
		require.Equal(t, []string{"1 anna unchanged", "2 anna queued"}, did(reports[2]))
		require.NoError(t, tx.Commit())
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1", "anna 7/9", "anna r1"}, e.platform.everything())
	})
}

func TestMistakesOfTheProgrammerAreErrors(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		twice := order("1001", "gala", "course")
		twice.Lines[1].ID = "1"
		nameless := order("1001", "gala")
		nameless.Lines[0].ID = ""
		elsewhere := order("1001", "gala")
		elsewhere.Association = "a/b"
		for field, o := range map[string]amsbridge.Order{
			"Order.Lines[1].ID": twice, "Order.Lines[0].ID": nameless, "Order.Association": elsewhere,
		} {
			tx := e.store.Begin()
			_, err := e.hook.OrderCompleted(t.Context(), tx, o)
			var bad *amsbridge.InputError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, field, bad.Field)
			_, err = e.hook.OrderCompleted(t.Context(), tx, order("1001", "gala"))
			require.NoError(t, err, "the transaction is usable")
			tx.Rollback()
		}
		_, err := e.hook.OrderCompleted(t.Context(), nil, order("1001", "gala"))
		require.ErrorIs(t, err, outbox.ErrNoTransaction)
		_, err = e.hook.OrderRefunded(t.Context(), (*outboxtest.Tx)(nil), amsbridge.Refund{ID: "R", OrderID: "1001", All: true})
		require.ErrorIs(t, err, outbox.ErrNoTransaction)
	})
}
