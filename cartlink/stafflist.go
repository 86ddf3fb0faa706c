package cartlink

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/web"
)

// StaffListConfig configures [NewStaffList].
type StaffListConfig struct {
	// Links make the registration URLs. Required.
	Links *Links
	// Catalog lists the products. Required.
	Catalog amsbridge.CatalogList
	// Authorize returns an error unless the request comes from staff. Required.
	Authorize func(*http.Request) error
}

// NewStaffList returns a handler that gives staff each product's Remote Product
// ID and Registration URL, ready for Elevate's product set-up page, as CSV
// (RFC 4180, UTF-8, every cell quoted). What a spreadsheet could take for a formula, whichever separator it
// reads, has an apostrophe before it, so that such an ID must be typed without. It returns an
// [*amsbridge.InputError] that names the bad field.
func NewStaffList(cfg StaffListConfig) (http.Handler, error) {
	switch {
	case cfg.Links == nil:
		return nil, check.Bad("cartlink", "StaffListConfig.Links", "is nil")
	case check.IsNil(cfg.Catalog):
		return nil, check.Bad("cartlink", "StaffListConfig.Catalog", "is nil")
	case cfg.Authorize == nil:
		return nil, check.Bad("cartlink", "StaffListConfig.Authorize", "is nil; the list is for staff")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.Private(w.Header())
		switch {
		case !web.Allow(w, r, http.MethodGet, http.MethodHead):
			return
		case cfg.Authorize(r) != nil:
			http.Error(w, "This is for staff.", http.StatusForbidden)
			return
		}
		rows, err := cfg.Links.SetUp(r.Context(), cfg.Catalog)
		if err != nil {
			http.Error(w, "The catalogue cannot be read just now.", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="elevate-products.csv"`)
		writeCSV(w, rows)
	}), nil
}

// ProductSetUp is what staff type into Elevate's product set-up page.
type ProductSetUp struct {
	ProductID       string
	RemoteProductID string
	RegistrationURL string
}

// SetUp returns the set-up of every product on Elevate, in the catalogue's order, for the shop's own
// staff pages. It returns an error where the catalogue cannot be listed.
func (l *Links) SetUp(ctx context.Context, catalog amsbridge.CatalogList) ([]ProductSetUp, error) {
	products, err := productsOf(ctx, catalog)
	if err != nil {
		return nil, err
	}
	var rows []ProductSetUp
	for _, p := range products {
		if p.OnElevate() {
			rows = append(rows, ProductSetUp{
				ProductID: p.ID, RemoteProductID: p.RemoteProductID, RegistrationURL: l.URL(p),
			})
		}
	}
	return rows, nil
}

func productsOf(ctx context.Context, catalog amsbridge.CatalogList) ([]amsbridge.Product, error) {
	if check.IsNil(catalog) {
		return nil, check.Bad("cartlink", "catalog", "is nil")
	}
	products, err := catalog.Products(ctx)
	if err != nil {
		return nil, fmt.Errorf("cartlink: list the products: %w", err)
	}
	return products, nil
}

func writeCSV(w io.Writer, rows []ProductSetUp) {
	var b strings.Builder
	writeRow(&b, "Product ID", "Remote Product ID", "Remote Product Registration URL")
	for _, row := range rows {
		writeRow(&b, row.ProductID, row.RemoteProductID, row.RegistrationURL)
	}
	_, _ = io.WriteString(w, b.String()) // the reader may be gone
}
