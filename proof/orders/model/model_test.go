package model_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/proof/orders/model"
)

var (
	anna  = amsbridge.User{ID: "anna", FirstName: "Anna", Email: "anna@example.org"}
	berta = amsbridge.User{ID: "berta", FirstName: "Berta", Email: "berta@example.org"}
	carl  = amsbridge.User{ID: "carl", FirstName: "Carl", Email: "carl@example.org"}
)

// view maps each product to an item of its name, and "unmapped" to nothing that is known.
func view(arrived bool) model.View {
	return model.View{
		Mapping: func(product string) model.Mapped {
			if product == "unmapped" {
				return model.Mapped{Unknown: true}
			}
			return model.Mapped{Items: []model.Item{{Name: product, Units: []model.Unit{{Product: product}}}}}
		},
		Arrived: func(model.Grant) bool { return arrived },
		Now:     time.Date(2026, time.December, 1, 0, 0, 0, 0, time.UTC),
	}
}

func order(version int64, lines ...amsbridge.Line) amsbridge.Order {
	return amsbridge.Order{ID: "1001", Buyer: anna, Version: version, Lines: lines}
}

func line(product string, quantity int, people ...amsbridge.User) amsbridge.Line {
	return amsbridge.Line{ID: "1", ProductID: product, Quantity: quantity, Attendees: people}
}

func owed(product string, people ...amsbridge.User) map[model.Owed]bool {
	out := map[model.Owed]bool{}
	for _, u := range people {
		out[model.Owed{Person: u.ID, Unit: model.Unit{Product: product}}] = true
	}
	return out
}

func tasks(kinds ...model.Kind) map[model.Task]bool {
	out := map[model.Task]bool{}
	for _, kind := range kinds {
		out[model.Task{Order: "1001", Line: "1", Kind: kind}] = true
	}
	return out
}

func TestReports(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reports []amsbridge.Order
		owed    map[model.Owed]bool
		tasks   map[model.Task]bool
	}{
		"a line of one is the buyer's": {
			[]amsbridge.Order{order(1, line("c", 1))}, owed("c", anna), tasks(),
		},
		"seats of others are open": {
			[]amsbridge.Order{order(1, line("c", 2))}, owed("c"), tasks(model.Open),
		},
		"who fits is given": {
			[]amsbridge.Order{order(1, line("c", 2, anna)), order(1, line("c", 2, anna, berta))},
			owed("c", anna, berta), tasks(),
		},
		"a swap with a rising version": {
			[]amsbridge.Order{order(1, line("c", 1, anna)), order(2, line("c", 1, berta))}, owed("c", berta), tasks(),
		},
		"a swap without": {
			[]amsbridge.Order{order(1, line("c", 1, anna)), order(1, line("c", 1, berta))},
			owed("c", anna), tasks(model.Whose),
		},
		"more people than seats": {
			[]amsbridge.Order{order(1, line("c", 1, anna)), order(2, line("c", 1, anna, berta))},
			owed("c", anna), tasks(model.Whose),
		},
		"absent people stay": {
			[]amsbridge.Order{order(1, line("c", 2, anna, berta)), order(2, line("c", 2, berta))},
			owed("c", anna, berta), tasks(),
		},
		"a missing line is asked about": {
			[]amsbridge.Order{
				order(1, line("c", 1, anna)), order(2, amsbridge.Line{ID: "2", ProductID: "unmapped", Quantity: 2}),
			},
			owed("c", anna),
			map[model.Task]bool{
				{Order: "1001", Line: "1", Kind: model.Gone}: true, {Order: "1001", Line: "2", Kind: model.Mapping}: true,
				{Order: "1001", Line: "2", Kind: model.Open}: true,
			},
		},
		"an exchange": {
			[]amsbridge.Order{order(1, line("c", 1, anna)), order(2, line("d", 1, anna))}, owed("d", anna), tasks(),
		},
		"a late report": {
			[]amsbridge.Order{order(2, line("c", 1, anna)), order(1, line("c", 1, berta))},
			owed("c", anna),
			map[model.Task]bool{{Order: "1001", Kind: model.Kept}: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := model.New()
			for _, o := range c.reports {
				m.Completed(o, view(true))
			}
			require.Equal(t, c.owed, m.Owed())
			require.Equal(t, c.tasks, m.Tasks())
		})
	}
}

func TestRefunds(t *testing.T) {
	t.Parallel()
	all := amsbridge.Refund{ID: "R1", OrderID: "1001", All: true}
	two := order(1, line("c", 2, anna, berta))
	m := model.New()
	m.Refunded(all) // before its order
	m.Completed(two, view(true))
	require.Empty(t, m.Owed())
	m.Reversed("R1", two, view(true))
	require.Equal(t, owed("c", anna, berta), m.Owed())
	m.Refunded(all) // once
	require.Equal(t, owed("c", anna, berta), m.Owed())

	part := amsbridge.RefundLine{LineID: "1", People: []amsbridge.UserID{anna.ID}}
	m.Refunded(amsbridge.Refund{ID: "R2", OrderID: "1001", Lines: []amsbridge.RefundLine{part}})
	m.Refunded(amsbridge.Refund{ID: "R3", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1"}}})
	m.Reversed("R2", two, view(true))
	require.Empty(t, m.Owed(), "another refund covers the seat")
	m.Reversed("R3", two, view(true))
	require.Equal(t, owed("c", anna, berta), m.Owed())

	m.Completed(order(2, line("c", 2, carl, berta)), view(true))
	require.Equal(t, owed("c", carl, berta), m.Owed())
	one := amsbridge.RefundLine{LineID: "1", Seats: 1}
	m.Refunded(amsbridge.Refund{ID: "R4", OrderID: "1001", Lines: []amsbridge.RefundLine{one}})
	require.Equal(t, owed("c", carl, berta), m.Owed(), "whose seat it is, is a task")
	require.Equal(t, tasks(model.Kept), m.Tasks())
}

func TestMappings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arrived bool
		owed    map[model.Owed]bool
	}{
		"what never arrived is exchanged": {false, owed("new", anna)},
		"what was delivered stays":        {true, owed("c", anna)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := model.New()
			m.Completed(order(1, line("c", 1, anna)), view(c.arrived))
			v := view(c.arrived)
			v.Mapping = func(string) model.Mapped {
				return model.Mapped{Items: []model.Item{{Name: "new", Units: []model.Unit{{Product: "new"}}}}}
			}
			m.Completed(order(1, line("c", 1, anna)), v)
			require.Equal(t, c.owed, m.Owed())
		})
	}
}
