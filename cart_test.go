package amsbridge

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// shelf is a shop's cart with its cookie, in memory.
type shelf struct {
	t       *testing.T
	carts   map[string]map[string]int
	sets    int
	soldOut map[string]bool
	fails   error
	user    User
	userErr error
	records []outbox.Record
	links   *CartLinks
}

const cartCookie = "cart"

func (s *shelf) Set(w http.ResponseWriter, r *http.Request, p Product, n int) (SetResult, error) {
	if s.fails != nil {
		return CartSet, s.fails
	}
	if s.soldOut[p.ID] {
		return CartSoldOut, nil
	}
	s.sets++
	id := fmt.Sprint("c-", len(s.carts)+1)
	if c, err := r.Cookie(cartCookie); err == nil {
		id = c.Value
	} else {
		http.SetCookie(w, &http.Cookie{Name: cartCookie, Value: id, SameSite: http.SameSiteStrictMode})
	}
	if s.carts[id] == nil {
		s.carts[id] = map[string]int{}
	}
	s.carts[id][p.ID] = n
	return CartSet, nil
}

func (s *shelf) SoldOut(_ *http.Request, p Product) (bool, error) { return s.soldOut[p.ID], s.fails }

func (s *shelf) CountOthers(r *http.Request, p Product) (int, error) {
	c, err := r.Cookie(cartCookie)
	if err != nil {
		return 0, nil
	}
	n := len(s.carts[c.Value])
	if s.carts[c.Value][p.ID] > 0 {
		n--
	}
	return n, s.fails
}

// standingOn is a standing on what the test says is stored.
type standingOn struct {
	outbox.Inspector
	s *shelf
}

func (o standingOn) Find(context.Context, outbox.Query) ([]outbox.Record, error) {
	return o.s.records, nil
}

func newShelf(t *testing.T, change func(*CartConfig)) *shelf {
	t.Helper()
	s := &shelf{t: t, carts: map[string]map[string]int{}, soldOut: map[string]bool{}, userErr: ErrSignedOut}
	catalog, err := NewCatalog(CatalogConfig{Products: []Product{
		{ID: "course", RemoteProductID: "C-1"},
		{ID: "a&b=c é", RemoteProductID: "C-2"},
		{ID: "book"},
		{ID: "dinner", ShowKey: 7, AddOnKeys: []int64{1}},
	}})
	require.NoError(t, err)
	standing, err := NewStanding(standingOn{s: s})
	require.NoError(t, err)
	cfg := CartConfig{
		BaseURL: "https://shop.example.org/buy", Cart: s, Catalog: catalog, CartPage: "/cart", ShopPage: "/shop",
		CurrentUser: func(*http.Request) (User, error) { return s.user, s.userErr }, Standing: standing,
		WalkIn: func(p Product) string { return "/sso/hand-off?to=elevate&product=" + url.QueryEscape(p.ID) },
	}
	if change != nil {
		change(&cfg)
	}
	s.links, err = NewCartLinks(cfg)
	require.NoError(t, err)
	return s
}

// browser keeps cookies, and withholds Strict ones from clicks on other sites.
type browser struct {
	s       *shelf
	cookies map[string]*http.Cookie
}

func (s *shelf) browser() *browser { return &browser{s, map[string]*http.Cookie{}} }

func (b *browser) do(r *http.Request, site string) *httptest.ResponseRecorder {
	if site != "" {
		r.Header.Set("Sec-Fetch-Site", site)
	}
	for _, c := range b.cookies {
		if site == "same-origin" || site == "none" || c.SameSite != http.SameSiteStrictMode {
			r.AddCookie(c)
		}
	}
	rec := httptest.NewRecorder()
	b.s.links.ServeHTTP(rec, r)
	require.Equal(b.s.t, "no-store", rec.Header().Get("Cache-Control"))
	require.Equal(b.s.t, "no-referrer", rec.Header().Get("Referrer-Policy"))
	for _, c := range rec.Result().Cookies() {
		b.cookies[c.Name] = c
	}
	return rec
}

func (b *browser) get(query, site string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/buy?"+query, nil)
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	return b.do(r, site)
}

// click follows a link on another site: a page of our own takes the buyer on.
func (b *browser) click(query string) *httptest.ResponseRecorder {
	b.s.t.Helper()
	hop := b.get(query, "cross-site")
	require.Equal(b.s.t, http.StatusOK, hop.Code)
	_, next, ok := strings.Cut(hop.Body.String(), `content="0; url=/buy?`)
	require.True(b.s.t, ok, hop.Body)
	next, _, _ = strings.Cut(next, `"`)
	return b.get(html.UnescapeString(next), "same-origin")
}

func (b *browser) confirm(product string, site string, more ...string) *httptest.ResponseRecorder {
	form := url.Values{"product": {product}, "quantity": {"1"}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "/buy", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if site == "cross-site" {
		r.Header.Set("Origin", "https://evil.example")
	}
	return b.do(r, site)
}

func TestCartLinkPutsTheProductIntoTheCart(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	b := s.browser()
	rec := b.click("product=course&quantity=2&price=0&user_id=U-9&discount=100")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "/cart", rec.Header().Get("Location"))
	for range 3 { // refresh, back, a second tab
		require.Equal(t, http.StatusSeeOther, b.click("product=course&quantity=2").Code)
	}
	require.Equal(t, map[string]map[string]int{"c-1": {"course": 2}}, s.carts, "one cart, a quantity that is set and not added")
	require.Equal(t, http.StatusSeeOther, b.click(strings.TrimPrefix(s.links.URL(Product{ID: "course"}), "https://shop.example.org/buy?")).Code)
	require.Equal(t, 1, s.carts["c-1"]["course"], "one, where the link names no quantity")
}

func TestCartLinkOfAProductIDThatNeedsEscaping(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	u := s.links.URL(Product{ID: "a&b=c é"})
	require.Equal(t, "https://shop.example.org/buy?product=a%26b%3Dc+%C3%A9", u)
	require.Equal(t, http.StatusSeeOther, s.browser().click(strings.TrimPrefix(u, "https://shop.example.org/buy?")).Code)
	require.Equal(t, map[string]map[string]int{"c-1": {"a&b=c é": 1}}, s.carts)
}

// A Strict cookie does not come along on the click from Elevate: without the hop
// a second cart would begin.
func TestCartLinkFromAnotherSiteFindsTheCart(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	b := s.browser()
	b.click("product=course")
	rec := b.click("product=a%26b%3Dc+%C3%A9")
	require.Equal(t, http.StatusOK, rec.Code, "the cart is not empty: it asks")
	require.Len(t, s.carts, 1)
	require.Equal(t, http.StatusSeeOther, b.confirm("a&b=c é", "same-origin").Code)
	require.Equal(t, map[string]map[string]int{"c-1": {"course": 1, "a&b=c é": 1}}, s.carts)
	lax := newShelf(t, func(c *CartConfig) { c.LaxCookie = true })
	require.Equal(t, http.StatusSeeOther, lax.browser().get("product=course", "cross-site").Code, "no hop where none is needed")
	old := newShelf(t, nil).browser()
	require.Contains(t, old.get("product=course", "").Body.String(), `content="0; url=/buy?`, "a browser that does not say where from")
	require.Equal(t, http.StatusSeeOther, old.get("product=course&hop=1", "").Code)
}

func TestCartPolicies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy       CartPolicy
		empty, other int
	}{
		{ConfirmIfNotEmpty, http.StatusSeeOther, http.StatusOK},
		{AlwaysConfirm, http.StatusOK, http.StatusOK},
		{AlwaysAdd, http.StatusSeeOther, http.StatusSeeOther},
	} {
		s := newShelf(t, func(cfg *CartConfig) { cfg.Policy = c.policy })
		b := s.browser()
		require.Equal(t, c.empty, b.click("product=course").Code, c.policy)
		b.confirm("course", "same-origin")
		before := s.sets
		rec := b.click("product=a%26b%3Dc+%C3%A9")
		require.Equal(t, c.other, rec.Code, c.policy)
		if c.other == http.StatusOK {
			require.Equal(t, before, s.sets, "asking changes nothing")
			require.Equal(t, map[string]string{"product": "a&b=c é", "quantity": "1"}, fields(rec))
			require.Contains(t, rec.Body.String(), "<p>a&amp;b=c é</p>", "it says what")
		}
	}
	blind := newShelf(t, func(cfg *CartConfig) { cfg.Cart = struct{ Cart }{cfg.Cart} })
	require.Equal(t, http.StatusOK, blind.browser().click("product=course").Code, "a cart that cannot count is asked about each time")
}

func TestCartConfirmationComesFromOurOwnPage(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	for _, site := range []string{"cross-site", "same-site"} {
		require.Equal(t, http.StatusForbidden, s.browser().confirm("course", site).Code)
	}
	r := httptest.NewRequest(http.MethodPost, "/buy", strings.NewReader("product=course"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "null")
	require.Equal(t, http.StatusForbidden, s.browser().do(r, "").Code)
	require.Zero(t, s.sets)
	require.Equal(t, http.StatusSeeOther, s.browser().confirm("course", "same-origin").Code)
}

func TestCartLinkQuantities(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	for _, bad := range []string{"0", "-1", "01", "1e3", "9223372036854775808", "１", "+1", " 1", "1.0", "0x1", "101", "1,2"} {
		rec := s.browser().get("hop=1&product=course&quantity="+url.QueryEscape(bad), "same-origin")
		require.Equal(t, http.StatusBadRequest, rec.Code, bad)
		require.NotContains(t, rec.Body.String(), "quantity="+bad)
	}
	for _, query := range []string{"", "product=", "product=course&product=book", "product=course&quantity=1&quantity=2", "product=%zz", "quantity=1", "product=course;quantity=2"} {
		require.NotEqual(t, http.StatusSeeOther, s.browser().get("hop=1&"+query, "same-origin").Code, query)
	}
	require.Zero(t, s.sets)
	require.Equal(t, http.StatusSeeOther, s.browser().get("hop=1&product=course&quantity=100", "same-origin").Code)
}

func TestCartLinkOfWhatCannotBeBought(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	s.soldOut["course"] = true
	for query, c := range map[string]struct {
		status int
		text   string
	}{
		"product=nowhere":                      {http.StatusNotFound, "We do not sell this"},
		"product=book":                         {http.StatusNotFound, "We do not sell this"},
		"product=%3Cscript%3Ealert(1)":         {http.StatusNotFound, "We do not sell this"},
		"product=course":                       {http.StatusOK, "sold out"},
		"product=" + strings.Repeat("x", 9000): {http.StatusNotFound, "We do not sell this"},
	} {
		rec := s.browser().get("hop=1&"+query, "same-origin")
		require.Equal(t, c.status, rec.Code, query)
		require.Contains(t, rec.Body.String(), c.text)
		require.Contains(t, rec.Body.String(), `href="/shop"`)
		require.NotContains(t, rec.Body.String(), "script")
	}
	full := s.browser()
	full.click("product=a%26b%3Dc+%C3%A9")
	require.Contains(t, full.click("product=course").Body.String(), "sold out", "nobody is asked first")
	blind := newShelf(t, func(cfg *CartConfig) { cfg.Cart, cfg.Policy = struct{ Cart }{cfg.Cart}, AlwaysAdd })
	blind.soldOut["course"] = true
	require.Contains(t, blind.browser().click("product=course").Body.String(), "sold out", "a cart that tells only when it is set")
	s.fails = errors.New("planted")
	rec := s.browser().get("hop=1&product=a%26b%3Dc+%C3%A9", "same-origin")
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.NotContains(t, rec.Body.String(), "planted")
}

func TestCartLinkOfWhatTheMemberOwns(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	s.user, s.userErr = User{ID: "U-1"}, nil
	record := func(state outbox.State) outbox.Record {
		m, err := Registration{OrderID: "o", LineID: "1", RemoteProductID: "C-1", User: s.user}.message("elevate")
		require.NoError(t, err)
		return outbox.Record{Message: m, State: state, Receipt: Receipt{ProductURL: "https://learn.example.org/c-1"}.Encode()}
	}
	s.records = []outbox.Record{record(outbox.StateDelivered)}
	rec := s.browser().get("hop=1&product=course", "same-origin")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "/sso/hand-off?to=elevate&product=course", rec.Header().Get("Location"))
	s.records = []outbox.Record{record(outbox.StatePending)}
	require.Contains(t, s.browser().get("hop=1&product=course", "same-origin").Body.String(), "finishing your registration")
	s.records = []outbox.Record{record(outbox.StateParked)}
	require.Contains(t, s.browser().get("hop=1&product=course", "same-origin").Body.String(), "looking after")
	require.Zero(t, s.sets)
	require.Equal(t, http.StatusSeeOther, s.browser().get("hop=1&product=a%26b%3Dc+%C3%A9", "same-origin").Code)
	require.Equal(t, 1, s.sets, "another product is sold")
	s.links.cfg.WalkIn = nil
	s.records = []outbox.Record{record(outbox.StateDelivered)}
	require.Contains(t, s.browser().get("hop=1&product=course", "same-origin").Body.String(), `href="https://learn.example.org/c-1"`)
	s.userErr = errors.New("planted")
	require.Equal(t, http.StatusSeeOther, s.browser().get("hop=1&product=course", "same-origin").Code, "what cannot be found out stops nobody")
}

func TestCartLinksChangeNothingForWhatNobodyLooksAt(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	for _, h := range [][2]string{{"Sec-Purpose", "prefetch"}, {"Purpose", "prefetch"}, {"Sec-Fetch-Dest", "image"}, {"Sec-Fetch-Dest", "iframe"}} {
		r := httptest.NewRequest(http.MethodGet, "/buy?hop=1&product=course", nil)
		r.Header.Set(h[0], h[1])
		require.Equal(t, http.StatusNoContent, s.browser().do(r, "same-origin").Code)
	}
	require.Equal(t, http.StatusNoContent, s.browser().do(httptest.NewRequest(http.MethodHead, "/buy?hop=1&product=course", nil), "").Code)
	rec := s.browser().do(httptest.NewRequest(http.MethodDelete, "/buy?product=course", nil), "")
	require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
	require.Equal(t, "GET, HEAD, POST", rec.Header().Get("Allow"))
	require.Zero(t, s.sets)
}

func TestCartLinksIgnoreTheHostOfARequest(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	for _, query := range []string{"product=course", "hop=1&product=course", "product=nowhere"} {
		r := httptest.NewRequest(http.MethodGet, "/buy?"+query, nil)
		r.Host = "evil.example"
		r.Header.Set("X-Forwarded-Host", "evil.example")
		rec := s.browser().do(r, "same-origin")
		require.NotContains(t, rec.Body.String()+rec.Header().Get("Location"), "evil.example")
	}
}

func TestNewCartLinksNamesTheBadField(t *testing.T) {
	t.Parallel()
	good := newShelf(t, nil).links.cfg
	for _, c := range []struct {
		field  string
		change func(*CartConfig)
	}{
		{"base URL", func(c *CartConfig) { c.BaseURL = "http://shop.example.org/buy" }},
		{"base URL", func(c *CartConfig) { c.BaseURL = "https://shop.example.org" }},
		{"base URL", func(c *CartConfig) { c.BaseURL = "https://shop.example.org/buy?x=1" }},
		{"cart", func(c *CartConfig) { c.Cart = nil }},
		{"catalog", func(c *CartConfig) { c.Catalog = nil }},
		{"cart page", func(c *CartConfig) { c.CartPage = "https://elsewhere.example/cart" }},
		{"shop page", func(c *CartConfig) { c.ShopPage = "//evil.example" }},
		{"policy", func(c *CartConfig) { c.Policy = 9 }},
		{"max quantity", func(c *CartConfig) { c.MaxQuantity = -1 }},
		{"standing", func(c *CartConfig) { c.CurrentUser = nil }},
		{"pages.lang", func(c *CartConfig) { c.Pages.Lang = "\n" }},
	} {
		cfg := good
		c.change(&cfg)
		_, err := NewCartLinks(cfg)
		var input *InputError
		require.ErrorAs(t, err, &input, c.field)
		require.Equal(t, c.field, input.Field)
	}
}

// FuzzCartLink: whatever the query, no panic, and a redirect leads to a path of
// this site.
func FuzzCartLink(f *testing.F) {
	for _, seed := range []string{"product=course", "product=course&quantity=2&hop=1", "product=%ff&quantity=1e3", "product=course&hop=//evil"} {
		f.Add(seed, "same-origin", false)
	}
	f.Fuzz(func(t *testing.T, query, site string, post bool) {
		s := newShelf(t, nil)
		r := httptest.NewRequest(http.MethodGet, "/buy", nil)
		r.URL.RawQuery = query
		if post {
			r = httptest.NewRequest(http.MethodPost, "/buy", strings.NewReader(query))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r.Header.Set("Sec-Fetch-Site", site)
		rec := httptest.NewRecorder()
		s.links.ServeHTTP(rec, r)
		require.Contains(t, []string{"", "/cart"}, rec.Header().Get("Location"))
		require.LessOrEqual(t, s.sets, 1)
		require.NotContains(t, rec.Body.String(), "<script>")
	})
}

func TestStaffList(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	catalog, err := NewCatalog(CatalogConfig{Products: []Product{
		{ID: "b", RemoteProductID: `=HYPERLINK("x")`}, {ID: "a", RemoteProductID: "C,1"}, {ID: "book"}, {ID: "c", RemoteProductID: "@x"},
	}})
	require.NoError(t, err)
	staff := true
	h, err := NewStaffList(StaffListConfig{Links: s.links, Catalog: catalog, Authorize: func(*http.Request) error {
		if !staff {
			return errors.New("no")
		}
		return nil
	}})
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
	_, err = NewStaffList(StaffListConfig{Links: s.links, Catalog: catalog})
	require.ErrorContains(t, err, "authorize")
}

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
	s := newShelf(t, func(c *CartConfig) { c.BaseURL = srv.URL + "/buy" })
	catalog, err := NewCatalog(CatalogConfig{Products: []Product{
		{ID: "fine", RemoteProductID: "C-1"},
		{ID: "gone", RemoteProductID: "C-2"},
		{ID: "moved", RemoteProductID: "C-3"},
		{ID: "same", RemoteProductID: "C-1"},
		{ID: "book"},
		{ID: "dinner", ShowKey: 7, AddOnKeys: []int64{1}},
	}})
	require.NoError(t, err)
	got, err := s.links.VerifyCatalog(t.Context(), catalog, srv.Client())
	require.NoError(t, err)
	require.Equal(t, []CatalogProblem{
		{"book", "it has no Remote Product ID and no show: it lives in the shop alone"},
		{"gone", "its Registration URL answers 404"},
		{"moved", "its Registration URL answers 302"},
		{"same", "its Remote Product ID is also that of product fine"},
	}, got)
	require.EqualValues(t, 4, heads.Load())
	srv.Close()
	got, err = s.links.VerifyCatalog(t.Context(), catalog, nil)
	require.NoError(t, err)
	require.Contains(t, got, CatalogProblem{"fine", "its Registration URL does not answer"})
}
