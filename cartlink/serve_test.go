package cartlink

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestCartLinkPutsTheProductIntoTheCart(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	b := e.browser()
	rec := b.click("product=course&quantity=2&price=0&user_id=U-9&discount=100")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "/cart", rec.Header().Get("Location"))
	for range 3 { // reload, back, a second tab
		require.Equal(t, http.StatusSeeOther, b.click("product=course&quantity=2").Code)
	}
	require.Equal(t, map[string]map[string]int{"c-1": {"course": 2}}, e.carts,
		"one cart, a quantity that is set and not added")
	_, query, _ := strings.Cut(e.links.URL(amsbridge.Product{ID: "course"}), "?")
	one := e.browser()
	require.Equal(t, http.StatusSeeOther, one.click(query).Code)
	require.Equal(t, 1, e.carts["c-2"]["course"], "one, where the link names no quantity")
}

func TestCartLinkOfAProductIDThatNeedsEscaping(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	u := e.links.URL(amsbridge.Product{ID: "a&b=c é"})
	require.Equal(t, "https://shop.example.org/buy?product=a%26b%3Dc+%C3%A9", u)
	require.Equal(t, http.StatusSeeOther,
		e.browser().click(strings.TrimPrefix(u, "https://shop.example.org/buy?")).Code)
	require.Equal(t, map[string]map[string]int{"c-1": {"a&b=c é": 1}}, e.carts)
}

// A Strict cookie is not sent on the click from Elevate: without the page in between a second cart
// would begin.
func TestCartLinkFromAnotherSiteFindsTheCart(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	b := e.browser()
	b.click("product=course")
	rec := b.click("product=a%26b%3Dc+%C3%A9")
	require.Equal(t, http.StatusOK, rec.Code, "the cart is not empty: it asks")
	require.Len(t, e.carts, 1)
	require.Equal(t, http.StatusSeeOther, b.confirm("a&b=c é", "same-origin").Code)
	require.Equal(t, map[string]map[string]int{"c-1": {"course": 1, "a&b=c é": 1}}, e.carts)
	lax := newEnv(t, func(cfg *Config) { cfg.LaxCookie = true })
	require.Equal(t, http.StatusSeeOther, lax.browser().get("product=course", "cross-site").Code,
		"no page in between where none is needed")
}

func TestCartLinkQuantities(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	for _, bad := range []string{
		"0", "-1", "01", "1e3", "9223372036854775808", "１", "+1", " 1", "1.0", "0x1", "101", "1,2",
	} {
		rec := e.browser().get("product=course&quantity="+url.QueryEscape(bad), "same-origin")
		require.Equal(t, http.StatusBadRequest, rec.Code, bad)
		require.NotContains(t, rec.Body.String(), "quantity="+bad)
	}
	for _, query := range []string{
		"", "product=", "product=course&product=book", "product=course&quantity=1&quantity=2", "product=%zz",
		"quantity=1", "product=course;quantity=2",
	} {
		require.NotEqual(t, http.StatusSeeOther, e.browser().get(query, "same-origin").Code, query)
	}
	require.Zero(t, e.sets)
	require.Equal(t, http.StatusSeeOther,
		e.browser().get("product=course&quantity=100", "same-origin").Code)
}

func TestCartLinkOfWhatCannotBeBought(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	e.soldOut["course"] = true
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
		rec := e.browser().get(query, "same-origin")
		require.Equal(t, c.status, rec.Code, query)
		require.Contains(t, rec.Body.String(), c.text)
		require.Contains(t, rec.Body.String(), `href="/shop"`)
		require.NotContains(t, rec.Body.String(), "script")
	}
	full := e.browser()
	full.click("product=a%26b%3Dc+%C3%A9")
	require.Contains(t, full.click("product=course").Body.String(), "sold out", "nobody is asked first")
	blind := newEnv(t, func(cfg *Config) { cfg.Cart, cfg.Policy = struct{ Cart }{cfg.Cart}, AlwaysAdd })
	blind.soldOut["course"] = true
	require.Contains(t, blind.browser().click("product=course").Body.String(), "sold out",
		"a cart that tells only when it is set")
	e.cartErr = errors.New("planted")
	rec := e.browser().get("product=a%26b%3Dc+%C3%A9", "same-origin")
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.NotContains(t, rec.Body.String(), "planted")
}

func TestCartLinksChangeNothingForWhatNobodyLooksAt(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	for _, h := range [][2]string{
		{"Sec-Purpose", "prefetch"},
		{"Sec-Purpose", "prefetch;prerender"},
		{"Sec-Purpose", "prefetch;anonymous-client-ip"},
		{"Purpose", "prefetch"},
		{"X-Moz", "prefetch"},
		{"X-Purpose", "preview"},
		{"Sec-Fetch-Dest", "image"},
		{"Sec-Fetch-Dest", "iframe"},
		{"Sec-Fetch-Mode", "no-cors"},
	} {
		for _, site := range []string{"same-origin", "cross-site"} {
			r := httptest.NewRequest(http.MethodGet, "/buy?product=course", nil)
			r.Header.Set(h[0], h[1])
			rec := e.browser().do(r, site)
			require.GreaterOrEqual(t, rec.Code, 400, "%v: Chromium answers the click with a 2xx that it prefetched", h)
			require.Empty(t, rec.Header().Get("Retry-After"), "nobody has to wait before the click")
			require.NotContains(t, rec.Body.String(), "content=\"0;")
		}
	}
	require.Equal(t, http.StatusNoContent,
		e.browser().do(httptest.NewRequest(http.MethodHead, "/buy?product=course", nil), "").Code)
	rec := e.browser().do(httptest.NewRequest(http.MethodDelete, "/buy?product=course", nil), "")
	require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
	require.Equal(t, "GET, HEAD, POST", rec.Header().Get("Allow"))
	require.Zero(t, e.sets)
}

func TestCartLinksIgnoreTheHostOfARequest(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	for _, query := range []string{"product=course", "product=course", "product=nowhere"} {
		r := httptest.NewRequest(http.MethodGet, "/buy?"+query, nil)
		r.Host = "evil.example"
		r.Header.Set("X-Forwarded-Host", "evil.example")
		rec := e.browser().do(r, "same-origin")
		require.NotContains(t, rec.Body.String()+rec.Header().Get("Location"), "evil.example")
	}
}

// FuzzCartLink: whatever the query, no panic, and a redirect leads to a path of
// this site.
func FuzzCartLink(f *testing.F) {
	for _, seed := range []string{
		"product=course", "product=course&quantity=2", "product=%ff&quantity=1e3",
		"product=course&instead=//evil",
	} {
		f.Add(seed, "same-origin", false)
	}
	f.Fuzz(func(t *testing.T, query, site string, post bool) {
		e := newEnv(t, nil)
		r := httptest.NewRequest(http.MethodGet, "/buy", nil)
		r.URL.RawQuery = query
		if post {
			r = httptest.NewRequest(http.MethodPost, "/buy", strings.NewReader(query))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r.Header.Set("Sec-Fetch-Site", site)
		rec := httptest.NewRecorder()
		e.links.ServeHTTP(rec, r)
		require.Contains(t, []string{"", "/cart"}, rec.Header().Get("Location"))
		require.LessOrEqual(t, e.sets, 1)
		require.NotContains(t, rec.Body.String(), "<script>")
	})
}
