package amsbridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestASwapNeedsARisingVersion(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		at := func(version int64, who amsbridge.User) amsbridge.Order {
			o := order("1001", "gala")
			o.Version, o.Lines[0].Attendees = version, []amsbridge.User{who}
			return o
		}
		e.report(at(1, anna()))
		e.pass(time.Minute)
		require.ElementsMatch(t, []string{"1 taking back", "1 berta queued"}, strip(did(e.report(at(2, berta()))), "anna "))
		e.pass(time.Minute)
		require.Equal(t, []string{"berta 7/1"}, e.platform.everything())
		// Late, with and without its version.
		r := e.report(at(1, anna()))
		require.True(t, r.Stale)
		r = e.report(at(0, anna()))
		require.Len(t, r.NeedsStaff(), 2)
		require.Len(t, e.tasks(), 1)
		e.pass(time.Minute)
		require.Equal(t, []string{"berta 7/1"}, e.platform.everything())
		e.report(at(3, anna()))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
		require.Empty(t, e.tasks())
		require.Empty(t, e.queue())
	})
}

func strip(all []string, what string) []string {
	for i, s := range all {
		for j := 0; j+len(what) <= len(s); j++ {
			if s[j:j+len(what)] == what && s != "1 anna queued" {
				all[i] = s[:j] + s[j+len(what):]
				break
			}
		}
	}
	return all
}

func TestASwapByHandIsATask(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		e.report(o)
		e.pass(time.Minute)
		o.Version, o.Lines[0].Attendees = 2, []amsbridge.User{berta()}
		require.NotEmpty(t, e.report(o).NeedsStaff())
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
		require.Len(t, e.tasks(), 1)
	}, func(cfg *amsbridge.HookConfig) { cfg.SwapsByHand = true })
}

func TestPeopleWhoDoNotFitAreATask(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Lines[0].Quantity, o.Lines[0].Attendees = 2, []amsbridge.User{anna(), berta(), carl()}
		r := e.report(o)
		require.Len(t, r.NeedsStaff(), 3)
		require.Len(t, e.tasks(), 1)
		e.pass(time.Minute)
		require.Empty(t, e.platform.everything())
		o.Lines[0].Attendees = []amsbridge.User{anna(), berta()}
		e.report(o)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1", "berta 7/1"}, e.platform.everything())
		require.Empty(t, e.tasks())
		o.Lines[0].Quantity, o.Lines[0].Attendees = 1, []amsbridge.User{anna()}
		o.Version = 5
		e.report(o)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1", "berta 7/1"}, e.platform.everything(), "absence says nothing")
		require.Equal(t, []string{"1001: line 1: 1 people named, 2 hold seats, 1 seats: say whose they are"}, e.tasks())
	})
}

func TestAbsentLinesStay(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala", "course"))
		e.pass(time.Minute)
		o := order("1001", "gala")
		require.Equal(t, []string{"1 anna unchanged", "2 absent"}, did(e.report(o)))
		require.Empty(t, e.tasks())
		o.Version = 1
		require.Equal(t, []string{"1 anna unchanged", "2 absent", "2 needs staff"}, did(e.report(o)))
		require.Equal(t, []string{"1001: line 2 is no longer on the order: was it refunded? Nothing was taken"}, e.tasks())
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1", "anna r1"}, e.platform.everything())
		e.refundLine("R-1", "1001", "2")
		require.Empty(t, e.tasks())
	})
}

func TestAReportThatNamesNobodySaysNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Version, o.Lines[0].Attendees = 1, []amsbridge.User{berta()}
		e.report(o)
		e.pass(time.Minute)
		for o.Version = 2; o.Version < 4; o.Version++ {
			o.Lines[0].Attendees = nil
			require.Equal(t, []string{"1 absent"}, did(e.report(o)))
			e.pass(time.Minute)
			require.Equal(t, []string{"berta 7/1"}, e.platform.everything())
		}
		require.Empty(t, e.tasks())
	})
}
