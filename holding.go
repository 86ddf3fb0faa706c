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

// Holding sums up what a person has of a product: its part on Elevate and each of its add-ons on
// Notified. Where one part has several places, the one closest to delivered counts. Only places at the
// given destination count; an empty destination means any. The errors are those of [Standing.Of].
func (s *Standing) Holding(ctx context.Context, user UserID, p Product, destination string) (Holding, error) {
	places, err := s.Of(ctx, user)
	if err != nil {
		return Holding{}, err
	}
	if destination != "" {
		places = slices.DeleteFunc(places, func(place Place) bool { return place.Destination != destination })
	}
	return holdingOf(places, p), nil
}

// far orders the states by how far they are from delivered.
func (s PlaceState) far() int {
	return slices.Index([]PlaceState{PlaceDelivered, PlaceQueued, PlaceNeedsAttention}, s)
}

func holdingOf(places []Place, p Product) Holding {
	h := Holding{State: PlaceDelivered, Whole: p.OnElevate() || p.OnNotified()}
	part := func(is func(Place) bool) {
		var best *Place
		for i, place := range places {
			if is(place) && (best == nil || place.State.far() < best.State.far()) {
				best = &places[i]
			}
		}
		if best == nil {
			h.Whole = false
			return
		}
		if best.State.far() > h.State.far() {
			h.State = best.State
		}
		if h.ProductURL == "" {
			h.ProductURL = best.ProductURL
		}
	}
	if p.OnElevate() {
		part(func(place Place) bool { return place.RemoteProductID == p.RemoteProductID })
	}
	for _, key := range p.AddOnKeys {
		part(func(place Place) bool { return place.ShowKey == p.ShowKey && slices.Contains(place.AddOnKeys, key) })
	}
	if p.OnNotified() && len(p.AddOnKeys) == 0 { // the product only registers
		part(func(place Place) bool { return place.ShowKey == p.ShowKey })
	}
	return h
}
