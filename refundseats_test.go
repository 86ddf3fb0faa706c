package amsbridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestRefundOfAnUnknownLineIsNotSilent(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.pass(time.Minute)
		r := e.refundLine("R-1", "1001", "refund-item-77")
		t.Log(r.Entries)
		require.NotEmpty(t, r.NeedsStaff())
		require.NotEmpty(t, e.tasks())
	})
}

func TestRefundOfSomebodyUnknownIsNotSilent(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.pass(time.Minute)
		r := e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1", People: []amsbridge.UserID{"ANNA"}}}})
		t.Log(r.Entries)
		require.NotEmpty(t, r.NeedsStaff())
		require.NotEmpty(t, e.tasks())
	})
}

func TestRefundOfSomebodySwappedOffIsNotSilent(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		e.report(o)
		e.pass(time.Minute)
		o.Version, o.Lines[0].Attendees = 2, []amsbridge.User{berta()}
		e.report(o)
		e.pass(time.Minute)
		r := e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1", People: []amsbridge.UserID{"anna"}}}})
		t.Log(r.Entries)
		require.NotEmpty(t, r.NeedsStaff())
		require.NotEmpty(t, e.tasks())
	})
}

func TestRefundedBeforeNamedIsNotFree(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Lines[0].Quantity, o.Lines[0].Attendees = 2, nil
		e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1", People: []amsbridge.UserID{"berta"}}}})
		o.Lines[0].Attendees = []amsbridge.User{anna(), carl()}
		r := e.report(o)
		t.Log(r.Entries)
		e.pass(time.Minute)
		require.Less(t, len(e.platform.everything()), 2, "one of two seats was refunded")
	})
}

func TestNetQuantityZero(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala", "course")
		e.report(o)
		e.pass(time.Minute)
		e.refundLine("R-1", "1001", "1")
		o.Lines[0].Quantity = 0
		r := e.report(o)
		t.Log(r.Entries)
		require.Empty(t, r.NeedsStaff())
	}, func(cfg *amsbridge.HookConfig) { cfg.NetQuantities = true })
}

func TestNetTwoRefundsOfOneOpenSeat(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Lines[0].Quantity, o.Lines[0].Attendees = 3, []amsbridge.User{anna(), berta()}
		e.report(o)
		e.pass(time.Minute)
		seats := func(id string) *amsbridge.Report {
			return e.refund(amsbridge.Refund{ID: id, OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1", Seats: 1}}})
		}
		t.Log(seats("R-1").Entries, e.tasks())
		r := seats("R-2")
		t.Log(r.Entries, e.tasks())
		found := false
		for _, entry := range r.NeedsStaff() {
			found = found || strings.Contains(entry.Text, "say whose")
		}
		require.True(t, found, "the second takes a seat that somebody holds: %v", r.Entries)
	}, func(cfg *amsbridge.HookConfig) { cfg.NetQuantities = true })
}

func TestARefundOfAnotherOrderUnderAUsedID(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1", "gala")
		o.PlacedAt = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
		e.report(o)
		e.pass(time.Minute)
		o2 := order("1", "course")
		o2.Buyer, o2.PlacedAt = berta(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		require.True(t, e.report(o2).OtherOrder)
		e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1", All: true})
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything(), "it may be Berta's order that was refunded")
	})
}

// Fifty late reports must not hide a refund that needs staff.
func TestOddReportsDoNotHideARefund(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Version = 100
		o.Lines[0].Quantity, o.Lines[0].Attendees = 2, []amsbridge.User{anna(), berta()}
		e.report(o)
		for i := range 50 {
			late := o
			late.Version = 1
			late.Lines = []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: 1, Attendees: []amsbridge.User{person(fmt.Sprintf("U-%d", i))}}}
			e.report(late)
		}
		r := e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1", Seats: 1}}})
		require.NotEmpty(t, r.NeedsStaff())
		found := false
		for _, text := range e.tasks() {
			found = found || text == "1001: refund R-1 gives 1 seats of line 1 back that people hold: say whose, by a refund that names them"
		}
		require.True(t, found, "%d tasks", len(e.tasks()))
	})
}

// All lines are refunded, one of which was reported with a slip.
func TestARefundOfAllCoversALineWithASlip(t *testing.T) {
	for name, slip := range map[string]func(l *amsbridge.Line){
		"quantity zero": func(l *amsbridge.Line) { l.Quantity = 0 },
		"unmapped":      func(l *amsbridge.Line) { l.ProductID = "nowhere" },
		"shop-only":     func(l *amsbridge.Line) { l.ProductID = "mug" },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				o := order("1001", "gala", "course")
				o.Version = 1
				slip(&o.Lines[1])
				e.report(o)
				e.pass(time.Minute)
				e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
				o = order("1001", "gala", "course")
				o.Version = 2
				t.Log(did(e.report(o)))
				e.pass(time.Minute)
				require.Empty(t, e.platform.everything())
			})
		})
	}
}

func TestOpenSeatsAreRefundedFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Lines[0].Quantity, o.Lines[0].Attendees = 4, []amsbridge.User{anna(), berta()}
		e.report(o)
		e.pass(time.Minute)
		seats := func(id string, n int) *amsbridge.Report {
			return e.refund(amsbridge.Refund{ID: id, OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1", Seats: n}}})
		}
		seats("R-1", 1)
		require.Equal(t, []string{"1001: line 1: 1 of 4 seats have no person"}, e.tasks())
		require.Len(t, seats("R-2", 2).NeedsStaff(), 1)
		require.Len(t, e.tasks(), 1)
		e.pass(time.Minute)
		require.Len(t, e.platform.everything(), 2)
		require.Empty(t, e.report(o).NeedsStaff(), "quantity is as bought")
		e.refund(amsbridge.Refund{ID: "R-3", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1", People: []amsbridge.UserID{"berta"}}}})
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
		require.Equal(t, []string{"1 berta refunded", "1 anna unchanged"}, did(e.report(o)))
	})
}
