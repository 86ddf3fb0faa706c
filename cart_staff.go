package amsbridge

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
)

// StaffListConfig configures [NewStaffList].
type StaffListConfig struct {
	// Links make the registration URLs. Required.
	Links *CartLinks
	// Catalog lists the products. Required.
	Catalog CatalogList
	// Authorize says whether a request is of staff; an error refuses it. Required.
	Authorize func(*http.Request) error
}

// NewStaffList returns a handler that gives staff each product's Remote Product
// ID and Registration URL, ready for Elevate's product set-up page, as CSV
// (RFC 4180, UTF-8). Cells that a spreadsheet would take for a formula begin
// with an apostrophe. It returns an [*InputError] that names the bad field.
func NewStaffList(cfg StaffListConfig) (http.Handler, error) {
	switch {
	case cfg.Links == nil:
		return nil, check.Bad("amsbridge", "links", "are missing")
	case cfg.Catalog == nil:
		return nil, check.Bad("amsbridge", "catalog", "is missing")
	case cfg.Authorize == nil:
		return nil, check.Bad("amsbridge", "authorize", "is missing; the list is for staff")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		closed(w.Header())
		switch {
		case !allow(w, r, http.MethodGet, http.MethodHead):
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

// SetUp returns the set-up of every product on Elevate, in the catalogue's
// order, for staff pages of the shop's own.
func (c *CartLinks) SetUp(ctx context.Context, catalog CatalogList) ([]ProductSetUp, error) {
	products, err := catalog.Products(ctx)
	if err != nil {
		return nil, fmt.Errorf("amsbridge: list the products: %w", err)
	}
	var rows []ProductSetUp
	for _, p := range products {
		if p.OnElevate() {
			rows = append(rows, ProductSetUp{p.ID, p.RemoteProductID, c.URL(p)})
		}
	}
	return rows, nil
}

func writeCSV(w http.ResponseWriter, rows []ProductSetUp) {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write([]string{"Product ID", "Remote Product ID", "Remote Product Registration URL"})
	for _, row := range rows {
		_ = out.Write([]string{inert(row.ProductID), inert(row.RemoteProductID), inert(row.RegistrationURL)})
	}
	out.Flush() // the reader may be gone
}

// inert keeps a spreadsheet from taking a cell for a formula.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
