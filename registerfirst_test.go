package amsbridge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// eventProducts sell registrations for a show, with and without add-ons.
var eventProducts = map[string]amsbridge.Product{
	"entrance": {ID: "entrance", ShowKey: 7, ShowPackageKey: 70},
	"gala":     {ID: "gala", ShowKey: 7, ShowPackageKey: 70, AddOnKeys: []int64{3}},
	"day":      {ID: "day", ShowKey: 7, ShowPackageKey: 71, AddOnKeys: []int64{4}},
	"workshop": {ID: "workshop", ShowKey: 7, AddOnKeys: []int64{5}},
}

func newEventShop(t *testing.T) *shop {
	s := newShop(t)
	s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
		p, ok := eventProducts[id]
		if !ok {
			return p, amsbridge.Unknown, nil
		}
		return p, amsbridge.Offered, nil
	}
	return s
}

func TestPackagesToRegisterForFirstArePushesOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newEventShop(t)
	lines := []amsbridge.Line{line("1", "entrance"), line("2", "workshop"), line("3", "gala"), line("4", "day"), line("5", "entrance", bob)}
	q := s.complete(order(lines...))
	require.Empty(t, q.Parked)
	got := map[string]amsbridge.AddOns{}
	for _, r := range s.stored() {
		a, err := amsbridge.DecodeAddOns(r.Message)
		require.NoError(t, err)
		got[string(a.User.ID)+" "+string(rune('0'+a.ShowPackageKey%10))+" "+r.Items[0]] = a
		var lineIDs []string
		for _, l := range a.Lines {
			lineIDs = append(lineIDs, l.LineID)
		}
		require.Equal(t, r.Items, lineIDs, "a line that only registers is among them")
	}
	require.Len(t, got, 4)
	require.Equal(t, []int64{3}, got["U-1 0 1"].Keys())
	require.EqualValues(t, 70, got["U-1 0 1"].ShowPackageKey)
	require.Zero(t, got["U-1 0 2"].ShowPackageKey)
	require.EqualValues(t, 71, got["U-1 1 4"].ShowPackageKey)
	require.Empty(t, got["U-2 0 5"].Keys(), "it registers, and adds nothing")

	lines[0], lines[2] = lines[2], lines[0]
	for _, m := range s.complete(order(lines...)).Messages {
		require.True(t, m.Duplicate, "whatever order the lines come in")
	}
}

func TestBackfillIsNoOtherPush(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	old := order(line("1", "course"), line("2", "dinner"))
	old.Backfill = true
	s.complete(old)
	read := func() amsbridge.Registration {
		r, err := amsbridge.DecodeRegistration(s.stored(outbox.StatePending)[0].Message)
		require.NoError(t, err)
		return r
	}
	require.True(t, read().Backfill)
	addOns, err := amsbridge.DecodeAddOns(s.stored(outbox.StatePending)[1].Message)
	require.NoError(t, err)
	require.True(t, addOns.Backfill)
	old.Backfill = false
	require.True(t, s.complete(old).Messages[0].Duplicate, "the hook's own report of the same order is no conflict")
	require.True(t, read().Backfill, "and the first one stays")
}
