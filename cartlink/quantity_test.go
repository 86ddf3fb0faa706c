package cartlink

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func TestCartLinkAsksBeforeItChangesAQuantity(t *testing.T) {
	t.Parallel()
	for policy, asks := range map[Policy]bool{ConfirmIfNotEmpty: true, AlwaysConfirm: true, AlwaysAdd: false} {
		e := newEnv(t, func(cfg *Config) { cfg.Policy = policy })
		b := e.browser()
		b.confirm("course", "same-origin")
		for query, quantity := range map[string]int{"quantity=100": 100, "quantity=2": 2, "": 1} {
			cart := e.carts["c-1"]
			cart["course"] = 3
			rec := b.click("product=course&" + query)
			require.Equal(t, asks, rec.Code == http.StatusOK, query)
			if asks {
				require.Equal(t, 3, cart["course"], "asking changes nothing")
				require.Contains(t, rec.Body.String(), "Your cart holds 3 of it.")
				require.Equal(t, "3", fields(rec)["instead"])
				require.Equal(t, http.StatusSeeOther, b.submit(fields(rec), "same-origin").Code)
				require.Equal(t, http.StatusSeeOther, b.submit(fields(rec), "same-origin").Code, "a double click")
			}
			require.Equal(t, quantity, cart["course"])
			require.Equal(t, http.StatusSeeOther, b.click("product=course&"+query).Code, "what changes nothing is not asked about")
		}
		e.carts["c-1"] = map[string]int{"course": 3, "book": 1}
		require.Equal(t, http.StatusSeeOther, b.click("product=course&quantity=3").Code, "whatever else is in the cart")
	}
}

// The buyer agreed to what the page said, and not to what became of the cart meanwhile.
func TestCartConfirmationOfAnOldPageAsksAgain(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(cfg *Config) { cfg.Policy = AlwaysConfirm })
	b := e.browser()
	page := b.click("product=course")
	require.NotContains(t, fields(page), "instead")
	require.Equal(t, http.StatusSeeOther, b.confirm("a&b=c é", "same-origin").Code)
	e.carts["c-1"]["course"] = 5 // in another tab
	again := b.submit(fields(page), "same-origin")
	require.Equal(t, http.StatusOK, again.Code)
	require.Contains(t, again.Body.String(), "Your cart holds 5 of it.")
	require.Equal(t, 5, e.carts["c-1"]["course"])
	require.Equal(t, http.StatusSeeOther, b.submit(fields(again), "same-origin").Code)
	require.Equal(t, 1, e.carts["c-1"]["course"])

	e.cartErr = errors.New("planted")
	require.Equal(t, http.StatusServiceUnavailable, b.submit(fields(again), "same-origin").Code)
}

// "Buy it again" does not make one of the three that the member has in the cart.
func TestCartLinkOfWhatTheMemberHasAndIsBuyingAgain(t *testing.T) {
	t.Parallel()
	e := newOwner(t, outbox.StateDelivered, nil)
	b := e.browser()
	b.confirm("course", "same-origin")
	e.carts["c-1"]["course"] = 3
	rec := b.click("product=course")
	require.Contains(t, rec.Body.String(), "Go to what you have")
	require.Contains(t, rec.Body.String(), "Your cart holds 3 of it.")
	require.Contains(t, rec.Body.String(), `<a href="/cart">Go to the cart</a>`)
	require.Empty(t, fields(rec))
}

// A cart that cannot count serves who comes without a cookie, and so without a cart. Others are asked.
func TestSmallestCart(t *testing.T) {
	t.Parallel()
	for _, lax := range []bool{false, true} {
		e := newEnv(t, func(cfg *Config) { cfg.Cart, cfg.LaxCookie = struct{ Cart }{cfg.Cart}, lax })
		arrive := func(b *browser, query string) int {
			if lax {
				return b.get(query, "cross-site").Code
			}
			return b.click(query).Code
		}
		b := e.browser()
		require.Equal(t, http.StatusSeeOther, arrive(b, "product=course&quantity=2"), "as the vendor wishes: without another click")
		require.Equal(t, map[string]map[string]int{"c-1": {"course": 2}}, e.carts)
		require.Equal(t, http.StatusOK, arrive(b, "product=course"), "the cart may hold anything")
		require.Equal(t, http.StatusOK, arrive(b, "product=a%26b%3Dc+%C3%A9"))
		require.Equal(t, map[string]map[string]int{"c-1": {"course": 2}}, e.carts)
		page := b.get("product=course", "same-origin")
		require.Contains(t, page.Body.String(), "If your cart holds it already, its quantity becomes 1.")
		require.Equal(t, http.StatusSeeOther, b.submit(fields(page), "same-origin").Code)
		require.Equal(t, map[string]map[string]int{"c-1": {"course": 1}}, e.carts)
	}
	cautious := newEnv(t, func(cfg *Config) { cfg.Cart, cfg.Policy = struct{ Cart }{cfg.Cart}, AlwaysConfirm })
	require.Equal(t, http.StatusOK, cautious.browser().click("product=course").Code)
	require.Equal(t, http.StatusOK, newEnv(t, func(cfg *Config) { cfg.Cart = struct{ Cart }{cfg.Cart} }).browser().get("product=course", "").Code,
		"the cookie may have stayed behind")
}
