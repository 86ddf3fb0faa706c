package amsbridge

import (
	"context"
	"slices"

	"github.com/amsbridge/amsbridge/internal/check"
)

// mapping is what the catalogue says of a line's product.
type mapping struct {
	items []Item
	// problem says why not all items are known; a person must mend the catalogue.
	problem string
}

// shopOnly tells that the product lives on no platform.
func (m mapping) shopOnly() bool { return len(m.items) == 0 && m.problem == "" }

const unknownMapping = "product has an unknown mapping: the catalogue does not say where it lives"

// lookUpOnce asks the catalogue once for each product.
func lookUpOnce(ctx context.Context, catalog Catalog) func(productID string) (mapping, error) {
	known := map[string]mapping{}
	return func(productID string) (mapping, error) {
		if m, ok := known[productID]; ok {
			return m, nil
		}
		m, err := lookUp(ctx, catalog, productID)
		if err == nil {
			known[productID] = m
		}
		return m, err
	}
}

// lookUp asks the catalogue about a product. Its errors count as an unknown mapping, since a paid order
// must not fail on them; only the context's end is returned.
func lookUp(ctx context.Context, catalog Catalog, productID string) (mapping, error) {
	var m mapping
	if check.Text(productID, 255) != "" {
		return mapping{problem: "product ID is empty, malformed or too long"}, nil
	}
	p, offering, err := catalog.Lookup(ctx, productID)
	if ctx.Err() != nil {
		return m, ctx.Err()
	}
	if err != nil {
		offering = Unknown
	}
	switch offering {
	case NotOffered:
		return m, nil
	case Offered:
	default:
		return mapping{problem: unknownMapping + " (product " + productID + ")"}, nil
	}
	parts, unknown, err := Parts(ctx, catalog, p)
	if ctx.Err() != nil {
		return m, ctx.Err()
	}
	if err != nil {
		return mapping{problem: unknownMapping + " (product " + productID + " includes others)"}, nil
	}
	if len(unknown) > 0 {
		m.problem = "product includes one with an unknown mapping (product " + unknown[0] + ")"
	}
	seen := map[string]bool{}
	for _, part := range parts {
		if s := part.Problem(); s != "" {
			m.problem = s + " (product " + part.ID + ")"
			continue
		}
		for _, item := range part.items() {
			if !seen[item.id()] {
				seen[item.id()] = true
				m.items = append(m.items, item)
			}
		}
	}
	if len(m.items) == 0 && m.problem == "" && !slices.ContainsFunc(parts, func(q Product) bool { return len(q.Includes) > 0 }) {
		m.problem = unknownMapping + " (product " + productID + ")"
	}
	return m, nil
}
