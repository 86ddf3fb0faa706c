package scenarios

import (
	"context"
	"time"

	"github.com/amsbridge/amsbridge/proof/e2e/browser"
	"github.com/amsbridge/amsbridge/proof/e2e/servers"
)

// cartLinks opens, reloads and goes back to cart links, good and bad.
func cartLinks(e *env) {
	p := e.Person(maria)
	p.Opens(e.cartLink("course-ethics"))
	p.IsAt(e.store.Shop + "/cart")
	p.Reads("Cart (1)", "$79.00")
	p.Reloads()
	p.Reads("Cart (1)")
	p.Opens(e.cartLink("course-ethics"))
	p.Reads("Cart (1)")
	p.GoesBack()
	p.Reads("Cart (1)")

	// Another quantity of what is in the cart asks, and what others add to a link is ignored.
	p.Opens(e.cartLink("course-ethics") + "&quantity=3&price=1&user_id=U-1003&discount=100&utm_campaign=50%off&utm_content=a;b")
	p.Sees(browser.Heading("Change the quantity?"))
	p.Inspects("asking before the quantity changes")
	p.Follows(browser.Button("Make it 3"))
	p.Reads("Cart (3)", "$237.00")

	// With something else in the cart a link asks, however often it is opened.
	p.Opens(e.cartLink("course-infection"))
	p.Sees(browser.Heading("Put this into your cart?"))
	p.Inspects("asking before the cart changes")
	p.Reloads()
	p.Sees(browser.Heading("Put this into your cart?"))
	p.Follows(browser.Link("Leave the cart as it is"))
	p.Reads("Cart (3)")
	p.GoesBack()
	p.Sees(browser.Heading("Put this into your cart?"))
	p.Follows(browser.Button("Put it into the cart"))
	p.IsAt(e.store.Shop + "/cart")
	p.Reads("Cart (4)", infection)
	p.Reloads()
	p.Reads("Cart (4)")
	p.Inspects("cart of several")
	p.Follows(browser.Button("Remove " + infection))
	p.Reads("Cart (3)", "“"+infection+"” is out of your cart.")

	late := e.Person(james) // with nothing in the cart, for else the link asks first
	late.Opens(e.cartLink("event-simulation"))
	late.Sees(browser.Heading("This is sold out"))
	late.Inspects("sold out by a link")
	p.Opens(e.store.Shop + "/products/event-simulation")
	p.Reads("Sold out.")
	p.SeesNot(browser.Button("Put in cart"))
	p.Inspects("product sold out")
	p.ExpectsStatus("/amsbridge/buy", 404)
	p.Opens(e.cartLink("course-unknown"))
	p.Sees(browser.Heading("We do not sell this"))
	p.Inspects("not sold")
	p.ExpectsStatus("/amsbridge/buy", 400)
	p.Opens(e.cartLink("course-ethics") + "&quantity=1e3")
	p.Sees(browser.Heading("This link does not work"))
	p.ExpectsStatus("/no-such-page", 404)
	p.Opens(e.store.Shop + "/no-such-page")
	p.Inspects("no such page")
	p.Follows(browser.Link("Cart"))
	p.Reads("Cart (3)")
}

// twoTabs share a cart, and check out twice.
func twoTabs(e *env) {
	p := e.memberInShop(aiko)
	addToCart(p, ethics)
	other := p.Tab()
	other.Opens(e.cartLink("course-ethics"))
	other.Reads("Cart (1)")
	addToCart(other, gala)
	other.Reads("Cart (2)")
	p.Reloads()
	p.Reads("Cart (2)", gala)
	for _, tab := range []*browser.Person{p, other} {
		tab.Follows(browser.Link("To the checkout"))
		tab.Sees(browser.Heading("Checkout"))
	}
	placeOrder(p)
	placed := p.Location()
	other.Follows(browser.Button("Place the order"))
	other.IsAt(placed)
	other.Follows(browser.Link("Orders"))
	other.ReadsOnce("Placed")
	other.GoesBack()
	other.IsAt(placed)
}

// strictCookie comes from a foreign site to a shop whose cart lies behind a
// cookie with SameSite=Strict, and to the store.
func strictCookie(e *env) {
	shop, err := servers.NewStrictShop()
	if err != nil {
		e.fail("the strict shop: %w", err)
		return
	}
	defer shop.Close()
	p := e.Person(aiko)
	fromBlog := func(link string) {
		p.Opens(e.foreign.LinkTo(link))
		p.Follows(browser.Link("Buy the course"))
	}
	shop.HoldRedirect(true)
	fromBlog(shop.Link("course-ethics"))
	p.Sees(browser.Heading("One moment"))
	p.Inspects("one moment, in the plain look")
	shop.HoldRedirect(false)
	p.Follows(browser.Link("Go on to the cart"))
	p.IsAt(shop.URL + "/cart")
	for range 2 { // with a cart that the click's own request does not show
		fromBlog(shop.Link("course-ethics"))
		p.IsAt(shop.URL + "/cart")
		p.Reads("course-ethics: 1.", "Carts given: 1.")
	}
	fromBlog(shop.Link("course-infection"))
	p.Sees(browser.Heading("Put this into your cart?"))
	p.Inspects("asking, in the plain look")
	p.Follows(browser.Button("Put it into the cart"))
	p.Reads("course-ethics: 1. course-infection: 1.", "Carts given: 1.")

	for range 2 {
		fromBlog(e.cartLink("course-ethics"))
		p.IsAt(e.store.Shop + "/cart")
		p.Reads("Cart (1)")
	}
}

// askedAhead has a browser ask for a cart link before anybody clicks. Then the
// click works as if it had not.
func askedAhead(e *env) {
	for how, purpose := range map[string]string{"prefetch": "prefetch", "prerender": "prefetch;prerender"} {
		shop, err := servers.NewStrictShop()
		if err != nil {
			e.fail("the strict shop: %w", err)
			return
		}
		defer shop.Close()
		p := e.Person(aiko)
		p.ExpectsStatus("/buy", 503)
		p.Opens(shop.EagerPage(how))
		ctx, cancel := context.WithTimeout(e.ctx, 20*time.Second)
		got, err := shop.Ahead(ctx)
		cancel()
		if err != nil || got != purpose {
			e.fail("the browser asked ahead with the purpose %q, where %q was expected: %w", got, purpose, err)
			return
		}
		p.Follows(browser.Link("Buy the course"))
		p.IsAt(shop.URL + "/cart")
		p.Reads("course-ethics: 1.", "Carts given: 1.")
	}
}
