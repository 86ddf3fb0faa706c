package amsbridge

import (
	"context"
	"slices"
)

// Holding is what a person has of a product.
type Holding struct {
	// State is the state of the part that is furthest from delivered. It is PlaceDelivered where the
	// person has no part.
	State PlaceState
	// ProductURL leads to the product, where the platform gave a link.
	ProductURL string
	// Whole is false where a part of the product is missing, such as one of its add-ons.
	Whole bool
}

// Holding sums up what a person of an association (empty for none) has of a product and of the products
// that it includes (see [Parts]): each part on Elevate and each add-on on Notified. Where one part has
// several places, the one closest to delivered counts. Only places at the given destination count; an
// empty destination means any. The errors are those of [Standing.Of].
func (s *Standing) Holding(ctx context.Context, association string, user UserID, parts []Product, destination string) (Holding, error) {
	places, err := s.Of(ctx, association, user)
	if err != nil {
		return Holding{}, err
	}
	if destination != "" {
		places = slices.DeleteFunc(places, func(place Place) bool { return place.Destination != destination })
	}
	return holdingOf(places, parts), nil
}

// far orders the states by how far they are from delivered.
func (s PlaceState) far() int {
	return slices.Index([]PlaceState{PlaceDelivered, PlaceQueued, PlaceNeedsAttention}, s)
}

func holdingOf(places []Place, parts []Product) Holding {
	h := Holding{State: PlaceDelivered}
	var wanted []unit
	for _, p := range parts {
		for _, item := range p.items() {
			wanted = append(wanted, item.units()...)
		}
	}
	h.Whole = len(wanted) > 0
	for _, u := range wanted {
		var best *Place
		for i, place := range places {
			if slices.Contains(place.Item.units(), u) && (best == nil || place.State.far() < best.State.far()) {
				best = &places[i]
			}
		}
		if best == nil {
			h.Whole = false
			continue
		}
		if best.State.far() > h.State.far() {
			h.State = best.State
		}
		if h.ProductURL == "" {
			h.ProductURL = best.ProductURL
		}
	}
	return h
}
