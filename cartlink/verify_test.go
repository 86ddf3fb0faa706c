package cartlink

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestVerifyCatalog(t *testing.T) {
	t.Parallel()
	var heads atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, http.MethodHead, r.Method)
		heads.Add(1)
		switch r.URL.Query().Get("product") {
		case "gone":
			w.WriteHeader(http.StatusNotFound)
		case "moved":
			http.Redirect(w, r, "https://elsewhere.invalid/", http.StatusFound)
		}
	}))
	defer srv.Close()
	e := newEnv(t, func(cfg *Config) { cfg.BaseURL = srv.URL + "/buy" })
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "fine", RemoteProductID: "C-1"},
		{ID: "gone", RemoteProductID: "C-2"},
		{ID: "moved", RemoteProductID: "C-3"},
		{ID: "same", RemoteProductID: "C-1"},
		{ID: "book"},
		{ID: "dinner", ShowKey: 7, AddOnKeys: []int64{1}},
		{ID: "membership", Includes: []string{"fine", "book"}},
	}})
	require.NoError(t, err)
	got, err := e.links.VerifyCatalog(t.Context(), catalog, srv.Client())
	require.NoError(t, err)
	require.Equal(t, []Problem{
		{ProductID: "book", Problem: "it has no Remote Product ID and no show: it lives in the shop alone"},
		{ProductID: "gone", Problem: "its Registration URL answers 404"},
		{ProductID: "moved", Problem: "its Registration URL answers 302"},
		{ProductID: "same", Problem: "its Remote Product ID is also that of product fine"},
	}, got)
	require.EqualValues(t, 4, heads.Load())
	srv.Close()
	got, err = e.links.VerifyCatalog(t.Context(), catalog, nil)
	require.NoError(t, err)
	require.Contains(t, got, Problem{ProductID: "fine", Problem: "its Registration URL does not answer"})
}
