package amsbridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestAnotherOrderUnderAUsedIDIsATask(t *testing.T) {
	placed := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		change func(o *amsbridge.Order)
		other  bool
	}{
		"numbers that restart":             {func(o *amsbridge.Order) { o.PlacedAt = placed.AddDate(1, 0, 0) }, true},
		"another buyer at another time":    {func(o *amsbridge.Order) { o.Buyer, o.PlacedAt = berta(), placed.Add(time.Hour) }, true},
		"another buyer, no time":           {func(o *amsbridge.Order) { o.Buyer, o.PlacedAt = berta(), time.Time{} }, true},
		"a guest who became a member":      {func(o *amsbridge.Order) { o.Buyer = berta() }, false},
		"the same, times of two databases": {func(o *amsbridge.Order) { o.PlacedAt = placed.Add(13 * time.Hour) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				o := order("1001", "gala")
				o.PlacedAt, o.Lines[0].Attendees = placed, []amsbridge.User{carl()}
				e.report(o)
				e.pass(time.Minute)
				c.change(&o)
				o.Lines = append(o.Lines, amsbridge.Line{ID: "2", ProductID: "course", Quantity: 1})
				r := e.report(o)
				require.Equal(t, c.other, r.OtherOrder)
				e.pass(time.Minute)
				if c.other {
					require.Equal(t, []string{"carl 7/1"}, e.platform.everything())
					require.Len(t, e.tasks(), 1)
					e.report(o)
					require.Len(t, e.tasks(), 1)
				} else {
					require.Len(t, e.platform.everything(), 2)
					require.Empty(t, e.tasks())
				}
			})
		})
	}
}

func TestOrdersWithoutAnIDOfTheirOwn(t *testing.T) {
	for _, id := range []string{"", "0", "000", "00000000-0000-0000-0000-000000000000", "null", "a\x00b", "\xff", fmt.Sprint(make([]byte, 300))} {
		t.Run(fmt.Sprintf("%.20q", id), func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				for _, buyer := range []amsbridge.User{anna(), berta(), berta()} {
					o := order(id, "gala")
					o.Buyer = buyer
					require.Len(t, e.report(o).NeedsStaff(), 1)
				}
				e.pass(time.Minute)
				require.Empty(t, e.platform.everything())
				require.Len(t, e.tasks(), 2, "one for each order")
				require.Len(t, e.alarms, 2)
			})
		})
	}
}

func TestAnOrderWithoutLinesIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		r := e.report(order("1001"))
		require.True(t, r.Empty)
		require.Len(t, r.NeedsStaff(), 1)
		require.Len(t, e.tasks(), 1)
		e.report(order("1001", "gala"))
		require.Empty(t, e.tasks())
		e.pass(time.Minute)
		e.report(order("1001"))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
	})
}

func TestTimesInPlaceOfVersions(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		now := time.Now()
		at := func(updated time.Time, who amsbridge.User) amsbridge.Order {
			o := order("1001", "gala")
			o.UpdatedAt, o.Lines[0].Attendees = updated, []amsbridge.User{who}
			return o
		}
		e.report(at(now.Add(-3*time.Hour), anna()))
		e.report(at(now.Add(-2*time.Hour), berta()))
		require.True(t, e.report(at(now.Add(-3*time.Hour), anna())).Stale)
		require.Empty(t, e.tasks())
		require.NotEmpty(t, e.report(at(now.AddDate(1, 0, 0), berta())).NeedsStaff(), "a time in the future")
		require.False(t, e.report(at(now.Add(-time.Hour), carl())).Stale, "later reports still count")
		e.pass(time.Minute)
		require.Equal(t, []string{"carl 7/1"}, e.platform.everything())
		o := at(time.Time{}, anna())
		o.Version = 1
		require.NotEmpty(t, e.report(o).NeedsStaff())
		o.Version = 2
		e.report(o)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
	})
}

func TestALateReportThatNamesSomethingNewIsATask(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Version = 5
		e.report(o)
		o = order("1001", "gala", "course")
		o.Version = 4
		r := e.report(o)
		require.True(t, r.Stale)
		require.Len(t, e.tasks(), 1)
		e.report(o)
		require.Len(t, e.tasks(), 1)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
	})
}
