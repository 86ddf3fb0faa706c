package amsbridge

import (
	"context"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Standing answers "where is my course?" from the outbox.
type Standing struct{ store outbox.Inspector }

// NewStanding returns a Standing that reads a store.
func NewStanding(store outbox.Inspector) (*Standing, error) {
	if check.IsNil(store) {
		return nil, check.Bad("amsbridge", "store", "is nil, or holds a nil pointer")
	}
	return &Standing{store}, nil
}

// PlaceState is an item's state as a member sees it.
type PlaceState string

// The states of a place.
const (
	// PlaceQueued: on its way; nobody has to act.
	PlaceQueued PlaceState = "queued"
	// PlaceDelivered: the platform has it.
	PlaceDelivered PlaceState = "delivered"
	// PlaceNeedsAttention: a person of the association must act.
	PlaceNeedsAttention PlaceState = "needs attention"
)

// Place is where one grant of a person stands: an item, for a line of an order.
type Place struct {
	OrderID, LineID string
	Destination     string
	Item            Item
	State           PlaceState
	// ProductURL leads to the product, where the platform gave a link.
	ProductURL string
	// Ordered is when the grant was stored, Settled when the platform accepted it.
	Ordered, Settled time.Time
}

// Of returns the places of a person of an association (empty for none), in the order of purchase, by one
// indexed query. What was given back, by a refund or a swap, is left out from then on, and so is what an
// operator discarded. An open seat is nobody's, and what waits for a known mapping or for a sound
// name and address has no grant yet: these are tasks of the order (see [outbox.Inspector]). A user ID that fails its check returns
// an [*InputError].
func (s *Standing) Of(ctx context.Context, association string, user UserID) ([]Place, error) {
	if err := user.Check(); err != nil {
		return nil, err
	}
	if err := checkAssociation("association", association); err != nil {
		return nil, err
	}
	var places []Place
	at := map[string]int{}     // of each grant, in places
	takes := map[string]bool{} // keys of takes
	var again []unit           // what somebody is to give again by hand
	q := outbox.Query{Person: string(user), Association: association, Limit: pageSize}
	for {
		records, err := s.store.Find(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			id, f, ok := grantOf(r.Message)
			if !ok {
				continue
			}
			i, known := at[id]
			takes[r.Key] = r.Kind != KindGive
			switch {
			case r.Kind == KindEnded && r.State == outbox.StateParked && len(r.KeyParts) > 1 && takes[r.KeyParts[1]]:
				again = append(again, f.Item.units()...)
			case r.Kind == KindTake && known && !f.Left:
				places[i].State = ""
			case r.Kind != KindGive:
			case !known:
				at[id] = len(places)
				places = append(places, placeOf(r, f))
			default:
				places[i] = places[i].then(placeOf(r, f))
			}
		}
		if len(records) < q.Limit {
			break
		}
		q.AfterID = records[len(records)-1].ID
	}
	for i := range places {
		if slices.ContainsFunc(places[i].Item.units(), func(u unit) bool { return slices.Contains(again, u) }) && places[i].State != "" {
			places[i].State = PlaceNeedsAttention
		}
	}
	return slices.DeleteFunc(places, func(p Place) bool { return p.State == "" }), nil
}

// pageSize is how many messages are read at once.
const pageSize = 10_000

// then is the place after another give of the same grant: what was delivered stays so.
func (p Place) then(next Place) Place {
	if next.State == "" || p.State == PlaceDelivered {
		return p
	}
	next.Ordered = p.Ordered
	return next
}

func placeOf(r outbox.Record, f grantFacts) Place {
	p := Place{
		OrderID: r.Subject, LineID: r.Items[0], Destination: r.Destination, Item: f.Item,
		ProductURL: DecodeReceipt(r.Receipt).ProductURL, Ordered: r.Created, Settled: r.Settled,
	}
	switch r.State {
	case outbox.StatePending:
		p.State = PlaceQueued
	case outbox.StateParked:
		p.State = PlaceNeedsAttention
	case outbox.StateDelivered, outbox.StateAlreadyDone, outbox.StateMarkedDone:
		p.State = PlaceDelivered
	default: // discarded, replaced, withdrawn
	}
	return p
}
