package scenarios

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/amsbridge/amsbridge/proof/e2e/browser"
)

// The members, as the sign-in page calls them.
const (
	maria = "Maria Keller"
	james = "James O’Neill"
	aiko  = "Aiko Tanaka"
	sam   = "Sam Rivera"
)

// The products that the scenes buy.
const (
	infection  = "Infection Control Basics"
	ethics     = "Ethics for Practitioners"
	leadership = "Leadership Track"
	telehealth = "Telehealth Update"
	gala       = "Gala Dinner"
)

// cartLink is a product's registration URL.
func (e *env) cartLink(product string) string {
	return e.store.Shop + "/amsbridge/buy?" + url.Values{"product": {product}}.Encode()
}

// handOffLink leads into a course, without the page of links to it.
func (e *env) handOffLink(product string) string {
	query := url.Values{"to": {"elevate"}, "product": {product}}
	return e.store.Shop + "/amsbridge/hand-off?" + query.Encode()
}

// memberInShop opens the shop and signs in.
func (e *env) memberInShop(name string) *browser.Person {
	p := e.Person(name)
	p.Opens(e.store.Shop)
	p.Follows(browser.Link("Sign in"))
	signInAs(p, name)
	p.Reads("Signed in as " + name)
	return p
}

// signInAs chooses a member on the sign-in page.
func signInAs(p *browser.Person, name string) {
	p.Sees(browser.Heading("Sign in"))
	p.Follows(browser.Button(name))
}

// addToCart puts a product into the cart, by the shop's own pages.
func addToCart(p *browser.Person, product string) {
	p.Follows(browser.Link("Shop"))
	p.Follows(browser.Link(product))
	p.Sees(browser.Heading(product))
	p.Follows(browser.Button("Put in cart"))
	p.Sees(browser.Heading("Your cart"))
	p.Reads(product)
}

// checkOut buys what lies in the cart for oneself, as the checkout suggests.
func checkOut(p *browser.Person) {
	p.Follows(browser.Link("To the checkout"))
	p.Sees(browser.Heading("Checkout"))
	placeOrder(p)
}

// placeOrder places the order that the checkout shows.
func placeOrder(p *browser.Person) {
	p.Follows(browser.Button("Place the order"))
	p.Reads("Thank you", "Your order is placed")
}

// awaitAccess opens "My learning", waits until a product can be opened on a
// platform, and returns the link to it.
func awaitAccess(p *browser.Person, product, platform string) browser.Element {
	in := browser.Link("Walk in to " + product + " on " + platform)
	p.Follows(browser.Link("My learning"))
	p.Sees(browser.Heading("My learning"))
	p.ReloadsUntil(in)
	return in
}

// noTokenInHistory wants no address in the tab's history to hold a token or a
// ticket.
func (e *env) noTokenInHistory(p *browser.Person) {
	secret := regexp.MustCompile(`token|LoginTicketKey|eyJ`)
	for _, address := range p.History() {
		if secret.MatchString(address) {
			page, _, _ := strings.Cut(address, "?")
			e.fail("the browser's history holds a token or a ticket, at %s", page)
		}
	}
}

// wantHandOffs wants so many forms with a token to have been posted so far.
func (e *env) wantHandOffs(want int) {
	if got := len(e.recorder.HandOffs()); e.Err() == nil && got != want {
		e.fail("%d hand-off forms were posted, and not %d", got, want)
	}
}
