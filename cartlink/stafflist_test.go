package cartlink

import (
	"encoding/csv"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestStaffList(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "b", RemoteProductID: `=HYPERLINK("x")`},
		{ID: "a", RemoteProductID: "C,1"},
		{ID: "book"},
		{ID: "c", RemoteProductID: "@x"},
	}})
	require.NoError(t, err)
	staff := true
	authorize := func(*http.Request) error {
		if !staff {
			return errors.New("no")
		}
		return nil
	}
	h, err := NewStaffList(StaffListConfig{Links: e.links, Catalog: catalog, Authorize: authorize})
	require.NoError(t, err)
	ask := func(method string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(method, "/staff/products.csv", nil))
		return rec
	}
	rows, err := csv.NewReader(ask(http.MethodGet).Body).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{
		{"Product ID", "Remote Product ID", "Remote Product Registration URL"},
		{"a", "C,1", "https://shop.example.org/buy?product=a"},
		{"b", `'=HYPERLINK("x")`, "https://shop.example.org/buy?product=b"},
		{"c", "'@x", "https://shop.example.org/buy?product=c"},
	}, rows)
	require.Equal(t, http.StatusMethodNotAllowed, ask(http.MethodPost).Code)
	staff = false
	refused := ask(http.MethodGet)
	require.Equal(t, http.StatusForbidden, refused.Code)
	require.NotContains(t, refused.Body.String(), "C,1")
}

func TestNewStaffListNamesTheBadField(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	catalog := e.cfg.Catalog.(amsbridge.CatalogList)
	authorize := func(*http.Request) error { return nil }
	var noCatalog *amsbridge.StaticCatalog
	for field, cfg := range map[string]StaffListConfig{
		"StaffListConfig.Links":     {Catalog: catalog, Authorize: authorize},
		"StaffListConfig.Catalog":   {Links: e.links, Catalog: noCatalog, Authorize: authorize},
		"StaffListConfig.Authorize": {Links: e.links, Catalog: catalog},
	} {
		_, err := NewStaffList(cfg)
		var input *amsbridge.InputError
		require.ErrorAs(t, err, &input, field)
		require.Equal(t, field, input.Field)
	}
	_, err := e.links.SetUp(t.Context(), noCatalog)
	require.EqualError(t, err, "cartlink: catalog is nil")
	_, err = e.links.VerifyCatalog(t.Context(), nil, nil)
	require.EqualError(t, err, "cartlink: catalog is nil")
}
