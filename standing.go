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

// PlaceState is a product's state as a member sees it.
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

// Place is what became of one push of a person.
type Place struct {
	OrderID     string
	LineIDs     []string
	Destination string
	State       PlaceState
	// RemoteProductID is set for products on Elevate, ShowKey and AddOnKeys for those on Notified. None
	// is set where the mapping is unknown.
	RemoteProductID string
	ShowKey         int64
	AddOnKeys       []int64
	// ProductURL leads to the product, where the platform gave a link.
	ProductURL string
	// Ordered is when the order was stored, Settled when the platform accepted the push.
	Ordered, Settled time.Time
}

// Of returns the places of a person's products, in the order of purchase, by one indexed query. Pushes
// that were discarded, replaced or withdrawn are left out, and so are refunded lines from the refund
// on; where several lines bring the same add-on, the remaining lines' places still show it. A user ID
// that fails its check returns an [*InputError].
func (s *Standing) Of(ctx context.Context, user UserID) ([]Place, error) {
	if err := user.Check(); err != nil {
		return nil, err
	}
	records, err := s.store.Find(ctx, outbox.Query{Person: string(user), Limit: maxRecords})
	if err != nil {
		return nil, err
	}
	refunded := givenBack{}
	refunded.add(records)
	var places []Place
	for _, r := range records {
		if p, ok := placeOf(r, refunded); ok {
			places = append(places, p)
		}
	}
	return places, nil
}

func placeOf(r outbox.Record, refunded givenBack) (Place, bool) {
	gone := func(line string) bool { return !r.IsTask() && refunded.has(r.Message, line) }
	lines := slices.DeleteFunc(slices.Clone(r.Items), gone)
	p := Place{
		OrderID: r.Subject, LineIDs: lines, Destination: r.Destination,
		ProductURL: DecodeReceipt(r.Receipt).ProductURL, Ordered: r.Created, Settled: r.Settled,
	}
	switch r.State {
	case outbox.StatePending, outbox.StateHeld:
		p.State = PlaceQueued
	case outbox.StateParked:
		p.State = PlaceNeedsAttention
	case outbox.StateDelivered, outbox.StateAlreadyDone, outbox.StateMarkedDone:
		p.State = PlaceDelivered
	default:
		return p, false
	}
	// A payload of a newer program is shown without these details.
	switch r.Kind {
	case KindRegistration:
		if reg, err := DecodeRegistration(factsOf(r.Message)); err == nil {
			p.RemoteProductID = reg.RemoteProductID
		}
	case KindAddOns:
		if a, err := DecodeAddOns(factsOf(r.Message)); err == nil {
			a.Lines = slices.DeleteFunc(a.Lines, func(l LineAddOns) bool { return gone(l.LineID) })
			p.ShowKey, p.AddOnKeys = a.ShowKey, a.Keys()
		}
	case KindParkedLine:
	default:
		return p, false // not a product: a removal, a mail or a task
	}
	return p, len(lines) > 0 || len(r.Items) == 0
}
