package amsbridge

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Product is one of the shop's products and the platforms that it lives on. A product that names no
// platform exists in the shop alone.
type Product struct {
	// ID is the shop's own product ID. At most 255 bytes without control characters.
	ID string
	// RemoteProductID is the ID that staff entered on Elevate's product set-up page; Elevate's text
	// calls it the store's own product ID. Empty when the product is not on Elevate. At most 255 bytes
	// without control characters.
	RemoteProductID string
	// ShowKey is the product's show on Notified. Zero when the product is not on Notified.
	ShowKey int64
	// AddOnKeys are the AddOnItemKeys of that show that the product brings, each positive; as a list they
	// take at most [MaxAddOnList] bytes. At least one is required where ShowKey is set and ShowPackageKey
	// is not.
	AddOnKeys []int64
	// ShowPackageKey is the show's registration package. With it, a person who has no registration for
	// the show is registered for this package first. A person who is registered for another package
	// keeps it, and the push is parked for somebody to decide. Defaults to zero: registrations are made
	// elsewhere, and the push waits for one.
	ShowPackageKey int64
	// Includes are IDs of other products that this one brings too, such as the courses of a membership.
	// They may include others in turn.
	Includes []string
}

// Problem says in plain words what is wrong with the mapping, such as "show key is not positive". It is
// "" when pushes can be made of it. [NewCatalog] refuses products with a problem; a [Catalog] of your
// own may return them.
func (p Product) Problem() string {
	field, problem := p.problem()
	return strings.TrimSpace(field + " " + problem)
}

// productFields maps the staff's names of fields to those of [Product].
var productFields = map[string]string{
	"remote product ID": "RemoteProductID", "show key": "ShowKey", "show package key": "ShowPackageKey", "add-on keys": "AddOnKeys",
	"included products": "Includes",
}

// Offering is a catalogue's answer.
type Offering uint8

// A catalogue's answers. The zero value is the safe one: it parks the line, so that an operator sees
// it.
const (
	// Unknown: the catalogue cannot tell.
	Unknown Offering = iota
	// NotOffered: the product lives on no platform.
	NotOffered
	// Offered: the product lives where the returned Product says.
	Offered
)

// Catalog says which of the shop's products live on which platform. Lookup is called inside the shop's
// transaction, once for each product of an order, so it should answer from memory. An error counts as
// Unknown, because a paid order must not fail on it; only the end of the context is returned to the
// caller. Cart links ask only for texts that can be IDs, by the limits of [Product].ID, and take an
// [*InputError] to say that this one cannot: the product is then one that nobody sells.
type Catalog interface {
	Lookup(ctx context.Context, productID string) (Product, Offering, error)
}

// CatalogList is a catalogue that can also list its products, for staff.
type CatalogList interface {
	Catalog
	// Products returns all products, in the order in which staff should see them.
	Products(ctx context.Context) ([]Product, error)
}

// StaticCatalog is a catalogue in memory. It is safe for concurrent use.
type StaticCatalog struct {
	products map[string]Product
	unlisted Offering
}

// CatalogConfig configures a [StaticCatalog].
type CatalogConfig struct {
	// Products are the shop's products. One that names no platform exists in the shop alone.
	Products []Product
	// UnlistedNotOffered treats products that are not listed as products of the shop alone. Defaults to
	// false: their lines are parked, so that a forgotten mapping is noticed.
	UnlistedNotOffered bool
}

// NewCatalog returns a catalogue, or an [*InputError] that names the first bad
// product and field.
func NewCatalog(cfg CatalogConfig) (*StaticCatalog, error) {
	c := &StaticCatalog{products: make(map[string]Product, len(cfg.Products))}
	if cfg.UnlistedNotOffered {
		c.unlisted = NotOffered
	}
	for i, p := range cfg.Products {
		bad := func(field, problem string) error {
			return check.Bad("amsbridge", fmt.Sprintf("CatalogConfig.Products[%d].%s", i, field), problem)
		}
		if s := check.Text(p.ID, 255); s != "" {
			return nil, bad("ID", s)
		}
		if field, s := p.problem(); s != "" {
			return nil, bad(productFields[field], s)
		}
		if _, ok := c.products[p.ID]; ok {
			return nil, bad("ID", "is listed twice")
		}
		c.products[p.ID] = p.clone()
	}
	for i, p := range cfg.Products {
		for _, id := range p.Includes {
			if _, ok := c.products[id]; !ok {
				return nil, check.Bad("amsbridge", fmt.Sprintf("CatalogConfig.Products[%d].Includes", i), "have one that is not listed")
			}
		}
	}
	return c, nil
}

// Products returns the products in the order of their IDs. It never fails.
func (c *StaticCatalog) Products(context.Context) ([]Product, error) {
	all := make([]Product, 0, len(c.products))
	for _, p := range c.products {
		all = append(all, p.clone())
	}
	slices.SortFunc(all, func(a, b Product) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Lookup returns the product. It never fails.
func (c *StaticCatalog) Lookup(_ context.Context, productID string) (Product, Offering, error) {
	p, ok := c.products[productID]
	switch {
	case !ok:
		return Product{}, c.unlisted, nil
	case !p.OnElevate() && !p.OnNotified() && len(p.Includes) == 0:
		return p, NotOffered, nil
	}
	return p.clone(), Offered, nil
}

func (p Product) clone() Product {
	p.AddOnKeys, p.Includes = slices.Clone(p.AddOnKeys), slices.Clone(p.Includes)
	return p
}

// Parts returns the product and all products that it includes, each once, as the catalogue has them.
// What the catalogue does not offer is left out; unknown are the IDs of those that it does not know.
// The error is the catalogue's, or the context's.
func Parts(ctx context.Context, c Catalog, p Product) (parts []Product, unknown []string, err error) {
	parts = []Product{p}
	seen := map[string]bool{p.ID: true}
	for i := 0; i < len(parts); i++ {
		for _, id := range parts[i].Includes {
			if seen[id] {
				continue
			}
			seen[id] = true
			part, offering, err := c.Lookup(ctx, id)
			if err != nil {
				return nil, nil, err
			}
			switch offering {
			case Offered:
				parts = append(parts, part)
			case NotOffered:
			default:
				unknown = append(unknown, id)
			}
		}
	}
	return parts, unknown, nil
}
