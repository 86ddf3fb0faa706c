package cartlink

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
)

// What mailing programs and trackers add does not break a link.
func TestCartLinkIgnoresForeignParameters(t *testing.T) {
	t.Parallel()
	for _, foreign := range []string{
		"utm_campaign=50%off", "utm_content=a;b", "amp;quantities=2", "?utm_source=n", ";utm_source=x", "%zz", "%=%", "=", "", "fbclid=%ff%00", "product[]=book",
		"Quantity=7", "quantity[]=7", "utm_source=a&utm_source=b", "instead=9", "x=" + strings.Repeat("%", 9000), "\xff=\xff",
	} {
		for _, query := range []string{"product=course&" + foreign, foreign + "&product=course"} {
			e := newEnv(t, nil)
			b := e.browser()
			require.Equal(t, http.StatusSeeOther, b.click(query).Code, query)
			require.Equal(t, map[string]int{"course": 1}, e.carts["c-1"], query)
			head := httptest.NewRequest(http.MethodHead, "/buy", nil)
			head.URL.RawQuery = query
			require.Equal(t, http.StatusNoContent, b.do(head, "").Code, query)

			r := httptest.NewRequest(http.MethodPost, "/buy", strings.NewReader("product=course&quantity=1"))
			r.URL.RawQuery = foreign + "&product=book&quantity=9"
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			require.Equal(t, http.StatusSeeOther, e.browser().do(r, "same-origin").Code, "the form alone counts")
			require.Equal(t, map[string]int{"course": 1}, e.carts["c-2"], query)
		}
	}
}

// Nor does what they append as if the link had no query, or where they escape its "&".
func TestCartLinkThatMailingProgramsChanged(t *testing.T) {
	t.Parallel()
	for query, quantity := range map[string]int{
		"product=course?utm_source=news": 1, "product=course;utm_source=x": 1, "product=course&quantity=2?utm_source=n": 2,
		"utm_source=x&amp;product=course": 1, "product=course&amp;quantity=2": 2, "quantity=3;x&product=course?y=50%off": 3,
		"product=course?": 1, "product=course&quantity=?utm_source=n": 1, "product=course&amp;product=book&quantity=2&amp;quantity=3": 2,
	} {
		e := newEnv(t, nil)
		require.Equal(t, http.StatusSeeOther, e.browser().click(query).Code, query)
		require.Equal(t, map[string]map[string]int{"c-1": {"course": quantity}}, e.carts, query)
	}
	for _, query := range []string{
		"amp;product=course&amp;product=book", "product=course&amp;quantity=1&amp;quantity=2", "amp;quantity=2", "product=course&quantity=2x?utm_source=n", "product=course;quantity=2",
	} {
		require.Equal(t, http.StatusBadRequest, newEnv(t, nil).browser().get(query, "same-origin").Code, query)
	}
	for _, id := range []string{"c?1", "c;1", "course?utm_source=news", "a&amp;product=b"} {
		e := newEnv(t, func(cfg *Config) {
			var err error
			cfg.Catalog, err = amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{{ID: id, RemoteProductID: "C-1"}}})
			require.NoError(t, err)
		})
		link, err := url.Parse(e.links.URL(amsbridge.Product{ID: id}))
		require.NoError(t, err)
		require.Equal(t, http.StatusSeeOther, e.browser().click(link.RawQuery+"?utm_source=n").Code, id)
		require.Equal(t, map[string]map[string]int{"c-1": {id: 1}}, e.carts, "our own links hold it whole")
	}
}

// A form that a middleware of the shop has read already is still there.
func TestCartConfirmationAfterTheFormWasRead(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	r := httptest.NewRequest(http.MethodPost, "/buy", strings.NewReader("product=course&quantity=2"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, "course", r.PostFormValue("product"))
	require.Equal(t, http.StatusSeeOther, e.browser().do(r, "same-origin").Code)
	require.Equal(t, 2, e.carts["c-1"]["course"])
	for _, body := range []string{"product=course&quantity=%", "product=course&x=" + strings.Repeat("x", 20<<10), "", "product=course&product=book"} {
		r := httptest.NewRequest(http.MethodPost, "/buy?product=course", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		require.Equal(t, http.StatusBadRequest, e.browser().do(r, "same-origin").Code)
	}
}

// picky is a catalogue on a database that fails on texts that are no UTF-8, and knows that its IDs are short.
type picky struct {
	amsbridge.Catalog
	t *testing.T
}

func (p picky) Lookup(ctx context.Context, id string) (amsbridge.Product, amsbridge.Offering, error) {
	require.Empty(p.t, check.Text(id, 255), "%q reached the catalogue", id)
	switch {
	case len(id) > 100:
		return amsbridge.Product{}, amsbridge.Unknown, &amsbridge.InputError{Package: "shop", Field: "product ID", Problem: "is too long"}
	case id == "down":
		return amsbridge.Product{}, amsbridge.Unknown, errors.New("planted")
	}
	return p.Catalog.Lookup(ctx, id)
}

func TestTextsThatCannotBeProductIDs(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(cfg *Config) { cfg.Catalog = picky{cfg.Catalog, t} })
	for _, id := range []string{
		"", "\x00", "course\x00", "\xff", "course\xc3", strings.Repeat("x", 100_000), strings.Repeat("x", 256), "a\nb", "a\u2028b", "\x1b[31m",
		strings.Repeat("x", 255), "nowhere",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			r := httptest.NewRequest(method, "/buy", nil)
			r.URL.RawQuery = url.Values{"product": {id}}.Encode()
			if method == http.MethodPost {
				r = httptest.NewRequest(method, "/buy", strings.NewReader(r.URL.RawQuery))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			rec := e.browser().do(r, "same-origin")
			if method == http.MethodPost && len(id) > 16<<10 {
				require.Equal(t, http.StatusBadRequest, rec.Code, "the form is too long")
				continue
			}
			require.Equal(t, http.StatusNotFound, rec.Code, "%s %.20q", method, id)
			require.Contains(t, rec.Body.String(), "We do not sell this")
		}
	}
	require.Equal(t, http.StatusServiceUnavailable, e.browser().get("product=down", "same-origin").Code, "that will pass")
	require.Equal(t, http.StatusSeeOther, e.browser().get("product=course", "same-origin").Code)
}
