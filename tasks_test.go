package amsbridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestAnAttendeeWithoutIDIsTold(t *testing.T) {
	for name, people := range map[string][]amsbridge.User{
		"in place of the holder": {{FirstName: "Gu", LastName: "Est", Email: "g@example.org"}},
		"beside the holder":      {anna(), {FirstName: "Gu", LastName: "Est", Email: "g@example.org"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				o := order("1001", "gala")
				o.Version = 1
				e.report(o)
				e.pass(time.Minute)
				o.Version, o.Lines[0].Attendees = 2, people
				r := e.report(o)
				t.Log(r.Entries)
				require.NotEmpty(t, r.NeedsStaff())
			})
		})
	}
}

func TestATaskDoneDoesNotSwallowTheNext(t *testing.T) {
	for name, unversioned := range map[string]bool{"swap": true} {
		_ = unversioned
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				o := order("1001", "gala")
				e.report(o)
				e.pass(time.Minute)
				o.Lines[0].Attendees = []amsbridge.User{berta()}
				e.report(o)
				open, err := e.store.Tasks(t.Context(), outbox.TaskQuery{Limit: 10})
				require.NoError(t, err)
				require.Len(t, open, 1)
				require.NoError(t, e.operator.TaskDone(t.Context(), staff, "", "1001", open[0].ID, "no, it stays Anna's"))
				o.Lines[0].Attendees = []amsbridge.User{carl()}
				require.NotEmpty(t, e.report(o).NeedsStaff())
				require.Len(t, e.tasks(), 1, "it is about somebody else")
			})
		})
	}
}

func TestTwoErasedPeopleOfALineAreTwoTasks(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Lines[0].Quantity, o.Lines[0].Attendees = 2, []amsbridge.User{anna(), berta()}
		o.Version = 1
		e.report(o)
		e.pass(time.Minute)
		for _, p := range []string{"anna", "berta"} {
			_, err := e.operator.Erase(t.Context(), staff, "", p, "request 17")
			require.NoError(t, err)
		}
		r1 := e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1", People: []amsbridge.UserID{"anna"}}}})
		require.Len(t, r1.NeedsStaff(), 1)
		open, err := e.store.Tasks(t.Context(), outbox.TaskQuery{Limit: 10})
		require.NoError(t, err)
		require.Len(t, open, 1)
		require.NoError(t, e.operator.TaskDone(t.Context(), staff, "", "1001", open[0].ID, "done"))
		r2 := e.refund(amsbridge.Refund{ID: "R-2", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1", People: []amsbridge.UserID{"berta"}}}})
		require.Len(t, r2.NeedsStaff(), 1)
		require.Len(t, e.tasks(), 1, "the second person's access is still there")
	})
}

func TestADefectReachesTheAlarm(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "course")
		o.Buyer.Email = "anna@"
		require.Len(t, e.report(o).NeedsStaff(), 1)
		e.pass(time.Hour)
		require.NotEmpty(t, e.alarms)
	})
}

func TestGoneTaskSurvivesAnOldWebhook(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala", "course")
		o.Version = 1
		e.report(o)
		o = order("1001", "gala")
		o.Version = 2
		e.report(o)
		require.Len(t, e.tasks(), 1)
		o.Version = 0
		e.report(o)
		require.Len(t, e.tasks(), 1)
	})
}

func TestAProfileTaskOfAGoneProduct(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "course")
		o.Version, o.Buyer.Email = 1, "anna@"
		e.report(o)
		o = order("1001", "gala")
		o.Version, o.Buyer.Email = 2, "anna@"
		e.report(o)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
		require.Empty(t, e.tasks())
		o.Lines = nil
		o.Version = 0
		o.Lines = []amsbridge.Line{{ID: "2", ProductID: "mug", Quantity: 1}}
		e.report(o)
		require.Empty(t, e.tasks(), "nothing waits for an address")
	})
}

func TestASecondBrokenAddressIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "course")
		bad := func(u amsbridge.User) amsbridge.User { u.Email = "x@"; return u }
		o.Lines[0].Quantity, o.Lines[0].Attendees = 3, []amsbridge.User{bad(anna()), berta(), carl()}
		o.Lines[0].Attendees = o.Lines[0].Attendees[:2]
		e.report(o)
		open, err := e.store.Tasks(t.Context(), outbox.TaskQuery{Limit: 10})
		require.NoError(t, err)
		for _, task := range open {
			require.NoError(t, e.operator.TaskDone(t.Context(), staff, "", "1001", task.ID, "called Anna"))
		}
		o.Lines[0].Attendees = []amsbridge.User{bad(anna()), berta(), bad(carl())}
		e.report(o)
		require.Len(t, e.tasks(), 1, "Carl's is broken too: %v", e.tasks())
	})
}

func TestManyErasedPeopleAreAllListed(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Lines[0].Quantity = 60
		for i := range 60 {
			o.Lines[0].Attendees = append(o.Lines[0].Attendees, person(fmt.Sprintf("U-%d", i)))
		}
		e.report(o)
		e.pass(time.Minute)
		for i := range 60 {
			_, err := e.operator.Erase(t.Context(), staff, "", fmt.Sprintf("U-%d", i), "so")
			require.NoError(t, err)
		}
		r := e.refundLine("R-1", "1001", "1")
		require.Len(t, r.NeedsStaff(), 60)
		open, err := e.store.Tasks(t.Context(), outbox.TaskQuery{Limit: 100})
		require.NoError(t, err)
		require.Len(t, open, 60)
	})
}

func TestATaskForAProfileStaysWhileItWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "course")
		o.Buyer.Email = "anna@"
		e.report(o)
		require.Len(t, e.tasks(), 1)
		o.Lines[0].Quantity = 0 // a slip of the shop
		e.report(o)
		o.Lines[0].Quantity = 1
		o.Lines[0].ProductID = "gala" // an old webhook
		e.report(o)
		t.Log(e.tasks())
		require.Len(t, e.tasks(), 2)
	})
}
