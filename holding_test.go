package amsbridge

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHoldingOfAProduct(t *testing.T) {
	t.Parallel()
	course := Place{Item: Item{RemoteProductID: "C-1"}, State: PlaceDelivered, ProductURL: "https://learn.example.org/c-1"}
	queued := Place{Item: Item{RemoteProductID: "C-1"}, State: PlaceQueued}
	gala := Place{Item: Item{ShowKey: 7, ShowPackageKey: 70, AddOnKeys: []int64{1}}, State: PlaceDelivered}
	dinner := Place{Item: Item{ShowKey: 7, AddOnKeys: []int64{2, 3}}, State: PlaceNeedsAttention}
	elsewhere := Place{Item: Item{ShowKey: 8, AddOnKeys: []int64{2}}, State: PlaceDelivered}
	const delivered, onItsWay, stuck = PlaceDelivered, PlaceQueued, PlaceNeedsAttention
	for name, c := range map[string]struct {
		product Product
		places  []Place
		state   PlaceState
		whole   bool
	}{
		"nothing":                      {Product{RemoteProductID: "C-1"}, nil, delivered, false},
		"the course":                   {Product{RemoteProductID: "C-1"}, []Place{gala, course}, delivered, true},
		"bought again":                 {Product{RemoteProductID: "C-1"}, []Place{queued, course, queued}, delivered, true},
		"on its way":                   {Product{RemoteProductID: "C-1"}, []Place{queued}, onItsWay, true},
		"another add-on of the show":   {Product{ShowKey: 7, AddOnKeys: []int64{2}}, []Place{gala, elsewhere}, delivered, false},
		"one of two add-ons":           {Product{ShowKey: 7, AddOnKeys: []int64{1, 2}}, []Place{gala}, delivered, false},
		"two add-ons by two orders":    {Product{ShowKey: 7, AddOnKeys: []int64{1, 2}}, []Place{gala, dinner}, stuck, true},
		"the show, not the course":     {Product{RemoteProductID: "C-1", ShowKey: 7, AddOnKeys: []int64{1}}, []Place{gala}, delivered, false},
		"both, the course on its way":  {Product{RemoteProductID: "C-1", ShowKey: 7, AddOnKeys: []int64{1}}, []Place{gala, queued}, onItsWay, true},
		"entrance alone":               {Product{ShowKey: 7, ShowPackageKey: 70}, []Place{dinner, gala}, delivered, true},
		"entrance, another show's":     {Product{ShowKey: 7, ShowPackageKey: 70}, []Place{elsewhere}, delivered, false},
		"a product that lives nowhere": {Product{}, []Place{course, gala}, delivered, false},
	} {
		h := holdingOf(c.places, []Product{c.product})
		require.Equal(t, c.state, h.State, name)
		require.Equal(t, c.whole, h.Whole, name)
	}
	h := holdingOf([]Place{gala, course}, []Product{{}, {ShowKey: 7, AddOnKeys: []int64{1}}, {RemoteProductID: "C-1"}})
	require.Equal(t, "https://learn.example.org/c-1", h.ProductURL)
}
