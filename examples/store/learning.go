package main

import (
	"context"
	"slices"

	"github.com/amsbridge/amsbridge"
)

// progress is where one line of an order has got to.
type progress struct {
	OrderID string
	Product product
	// Steps are one for each platform that the product lives on; none for what
	// is the shop's alone.
	Steps []step
}

// step is where a product is on one platform.
type step struct {
	// Platform is "Elevate" or "Notified"; empty while nobody has said where the
	// product lives.
	Platform string
	// Audience names the platform for a hand-off.
	Audience string
	State    amsbridge.PlaceState
	// Link leads to the product; empty where the platform gave none.
	Link string
}

// Queued, Delivered and NeedsAttention let the pages ask for the state.
func (s step) Queued() bool         { return s.State == amsbridge.PlaceQueued }
func (s step) Delivered() bool      { return s.State == amsbridge.PlaceDelivered }
func (s step) NeedsAttention() bool { return s.State == amsbridge.PlaceNeedsAttention }

// progressOf joins the shop's order lines with what amsbridge knows of them.
func progressOf(ctx context.Context, db *database, standing *amsbridge.Standing, member amsbridge.UserID) ([]progress, error) {
	lines, err := linesOf(ctx, db, member)
	if err != nil {
		return nil, err
	}
	places, err := standing.Of(ctx, member)
	if err != nil {
		return nil, err
	}
	var out []progress
	for _, l := range lines {
		p, ok := productByID(l.ProductID)
		if !ok {
			p = product{ID: l.ProductID, Title: l.ProductID} // no longer sold
		}
		line := progress{OrderID: l.OrderID, Product: p}
		for _, at := range places {
			if at.OrderID == l.OrderID && slices.Contains(at.LineIDs, l.LineID) {
				line.Steps = append(line.Steps, stepOf(at))
			}
		}
		out = append(out, line)
	}
	return out, nil
}

func stepOf(at amsbridge.Place) step {
	s := step{Audience: at.Destination, State: at.State, Link: at.ProductURL}
	switch at.Destination {
	case toElevate:
		s.Platform = "Elevate"
	case toNotified:
		s.Platform = "Notified"
	default:
		s.Audience = ""
	}
	return s
}

// onTheirWay tells whether a page of these lines will soon look otherwise.
func onTheirWay(lines []progress) bool {
	return slices.ContainsFunc(lines, func(l progress) bool { return slices.ContainsFunc(l.Steps, step.Queued) })
}
