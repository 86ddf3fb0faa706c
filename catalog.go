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
	// ID is the shop's own product ID.
	ID string
	// RemoteProductID is the ID that staff entered on Elevate's product set-up page; Elevate's text
	// calls it the store's own product ID. Empty when the product is not on Elevate. At most 255 bytes
	// without control characters.
	RemoteProductID string
	// ShowKey is the product's show on Notified. Zero when the product is not on Notified.
	ShowKey int64
	// AddOnKeys are the AddOnItemKeys of that show that the product includes, each positive. At least
	// one is required where ShowKey is set and ShowPackageKey is not.
	AddOnKeys []int64
	// ShowPackageKey is the show's registration package. With it, a person who has no registration for
	// the show is registered for this package first. A person who is registered for another package
	// keeps it, and the push is parked for somebody to decide. Defaults to zero: registrations are made
	// elsewhere, and the push waits for one.
	ShowPackageKey int64
}

// OnElevate tells whether the product lives on Elevate.
func (p Product) OnElevate() bool { return p.RemoteProductID != "" }

// OnNotified tells whether the product lives on Notified.
func (p Product) OnNotified() bool {
	return p.ShowKey != 0 || p.ShowPackageKey != 0 || len(p.AddOnKeys) > 0
}

// Problem says in plain words what is wrong with the mapping, such as "show key is not positive". It is
// "" when pushes can be made of it. [NewCatalog] refuses products with a problem; a [Catalog] of your
// own may return them.
func (p Product) Problem() string {
	field, problem := p.problem()
	return strings.TrimSpace(field + " " + problem)
}

// problem returns the first field that prevents a push, and what is wrong with it.
func (p Product) problem() (field, problem string) {
	if p.OnElevate() {
		if s := check.Text(p.RemoteProductID, 255); s != "" {
			return "remote product ID", s
		}
	}
	if !p.OnNotified() {
		return "", ""
	}
	switch {
	case p.ShowKey <= 0:
		return "show key", "is not positive"
	case p.ShowPackageKey < 0:
		return "show package key", "is negative"
	case len(p.AddOnKeys) == 0 && p.ShowPackageKey == 0:
		return "add-on keys", "are empty"
	case len(p.AddOnKeys) > 1000:
		return "add-on keys", "are more than 1,000"
	case slices.ContainsFunc(p.AddOnKeys, func(k int64) bool { return k <= 0 }):
		return "add-on keys", "hold one that is not positive"
	}
	return "", ""
}

// productFields maps the staff's names of fields to those of [Product].
var productFields = map[string]string{
	"remote product ID": "RemoteProductID", "show key": "ShowKey", "show package key": "ShowPackageKey", "add-on keys": "AddOnKeys",
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
// caller.
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
		p.AddOnKeys = slices.Clone(p.AddOnKeys)
		c.products[p.ID] = p
	}
	return c, nil
}

// Products returns the products in the order of their IDs. It never fails.
func (c *StaticCatalog) Products(context.Context) ([]Product, error) {
	all := make([]Product, 0, len(c.products))
	for _, p := range c.products {
		p.AddOnKeys = slices.Clone(p.AddOnKeys)
		all = append(all, p)
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
	case !p.OnElevate() && !p.OnNotified():
		return p, NotOffered, nil
	}
	return p, Offered, nil
}
