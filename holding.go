package amsbridge

import "slices"

// holding is what somebody has of a product.
type holding struct {
	// state is that of the part that is furthest from done; delivered where there
	// is none.
	state PlaceState
	url   string
}

// far orders the states by how far they are from done.
func (s PlaceState) far() int {
	return slices.Index([]PlaceState{PlaceDelivered, PlaceQueued, PlaceNeedsAttention}, s)
}

// holdingOf sums up what places somebody has of a product: of its part on
// Elevate, and of each of its add-ons on Notified. Of several places of one part
// the best counts. All is false where a part of the product is missing: who has
// one add-on of a show has not what another product brings there.
func holdingOf(places []Place, p Product) (h holding, all bool) {
	h.state, all = PlaceDelivered, p.OnElevate() || p.OnNotified()
	part := func(is func(Place) bool) {
		var best *Place
		for i, place := range places {
			if is(place) && (best == nil || place.State.far() < best.State.far()) {
				best = &places[i]
			}
		}
		if best == nil {
			all = false
			return
		}
		if best.State.far() > h.state.far() {
			h.state = best.State
		}
		if h.url == "" {
			h.url = best.ProductURL
		}
	}
	if p.OnElevate() {
		part(func(place Place) bool { return place.RemoteProductID == p.RemoteProductID })
	}
	for _, key := range p.AddOnKeys {
		part(func(place Place) bool { return place.ShowKey == p.ShowKey && slices.Contains(place.AddOnKeys, key) })
	}
	if p.OnNotified() && len(p.AddOnKeys) == 0 { // it only registers
		part(func(place Place) bool { return place.ShowKey == p.ShowKey })
	}
	return h, all
}
