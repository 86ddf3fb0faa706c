package scenes

import (
	"net/url"
	"strings"

	"github.com/amsbridge/amsbridge/proof/e2e/browse"
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
func (s *set) cartLink(product string) string {
	return s.store.Shop + "/amsbridge/buy?" + url.Values{"product": {product}}.Encode()
}

// walkIn is the way into a course, without the page of links to it.
func (s *set) walkIn(product string) string {
	return s.store.Shop + "/amsbridge/hand-off?" + url.Values{"to": {"elevate"}, "product": {product}}.Encode()
}

// signsIn signs somebody in, from any page of the shop.
func signsIn(p *browse.Person, name string) {
	p.Follows(browse.Link("Sign in"))
	chooses(p, name)
}

// chooses says on the sign-in page who one is.
func chooses(p *browse.Person, name string) {
	p.Sees(browse.Heading("Sign in"))
	p.Follows(browse.Button(name))
}

// comes opens the shop and signs in.
func (s *set) comes(name string) *browse.Person {
	p := s.Person(name)
	p.Opens(s.store.Shop)
	signsIn(p, name)
	p.Reads("Signed in as " + name)
	return p
}

// puts puts a product into the cart, by the shop's own pages.
func puts(p *browse.Person, product string) {
	p.Follows(browse.Link("Shop"))
	p.Follows(browse.Link(product))
	p.Sees(browse.Heading(product))
	p.Follows(browse.Button("Put in cart"))
	p.Sees(browse.Heading("Your cart"))
	p.Reads(product)
}

// orders checks out what lies in the cart for oneself, as the page suggests.
func orders(p *browse.Person) {
	p.Follows(browse.Link("To the checkout"))
	p.Sees(browse.Heading("Checkout"))
	places(p)
}

// places places the order.
func places(p *browse.Person) {
	p.Follows(browse.Button("Place the order"))
	p.Reads("Thank you", "Your order is placed")
}

// learns opens "my learning" and waits until a product can be walked into.
func learns(p *browse.Person, product, platform string) browse.Thing {
	in := browse.Link("Walk in to " + product + " on " + platform)
	p.Follows(browse.Link("My learning"))
	p.Sees(browse.Heading("My learning"))
	p.ReloadsUntil(in)
	return in
}

// noToken tells that no address which the tab went through holds a token or a
// ticket.
func (s *set) noToken(p *browse.Person) {
	for _, address := range p.History() {
		if strings.Contains(address, "token") || strings.Contains(address, "LoginTicketKey") || strings.Contains(address, "eyJ") {
			s.fail("the browser's history holds a token or a ticket, at %s", strings.SplitN(address, "?", 2)[0])
		}
	}
}

// handsOff tells how many forms with a token were posted so far.
func (s *set) handsOff(want int) {
	if got := len(s.watch.HandOffs()); s.Err() == nil && got != want {
		s.fail("%d hand-off forms were posted, and not %d", got, want)
	}
}
