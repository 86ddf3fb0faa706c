package scenes

import "github.com/amsbridge/amsbridge/proof/e2e/browse"

// cartLinks opens, reloads and goes back to cart links, good and bad.
func cartLinks(s *set) {
	p := s.Person(maria)
	p.Opens(s.cartLink("course-ethics"))
	p.IsAt(s.store.Shop + "/cart")
	p.Reads("Cart (1)", "$79.00")
	p.Reloads()
	p.Reads("Cart (1)")
	p.Opens(s.cartLink("course-ethics"))
	p.Reads("Cart (1)")
	p.GoesBack()
	p.Reads("Cart (1)")
	p.Opens(s.cartLink("course-ethics") + "&quantity=3&price=1&user_id=U-1003&discount=100")
	p.Reads("Cart (3)", "$237.00")

	// With something else in the cart a link asks, however often it is opened.
	p.Opens(s.cartLink("course-infection"))
	p.Sees(browse.Heading("Put this into your cart?"))
	p.Looks("asking before the cart changes")
	p.Reloads()
	p.Sees(browse.Heading("Put this into your cart?"))
	p.Follows(browse.Link("Leave the cart as it is"))
	p.Reads("Cart (3)")
	p.GoesBack()
	p.Sees(browse.Heading("Put this into your cart?"))
	p.Follows(browse.Button("Put it into the cart"))
	p.IsAt(s.store.Shop + "/cart")
	p.Reads("Cart (4)", infection)
	p.Reloads()
	p.Reads("Cart (4)")
	p.Looks("cart of several")
	p.Follows(browse.Button("Remove " + infection))
	p.Reads("Cart (3)", "“"+infection+"” is out of your cart.")

	late := s.Person(james) // with nothing in the cart, for else the link asks first
	late.Opens(s.cartLink("event-simulation"))
	late.Sees(browse.Heading("This is sold out"))
	late.Looks("sold out by a link")
	p.Opens(s.store.Shop + "/products/event-simulation")
	p.Reads("Sold out.")
	p.SeesNot(browse.Button("Put in cart"))
	p.Looks("product sold out")
	p.Meant("/amsbridge/buy", 404)
	p.Opens(s.cartLink("course-unknown"))
	p.Sees(browse.Heading("We do not sell this"))
	p.Looks("not sold")
	p.Meant("/amsbridge/buy", 400)
	p.Opens(s.cartLink("course-ethics") + "&quantity=1e3")
	p.Sees(browse.Heading("This link does not work"))
	p.Meant("/no-such-page", 404)
	p.Opens(s.store.Shop + "/no-such-page")
	p.Looks("no such page")
	p.Follows(browse.Link("Cart"))
	p.Reads("Cart (3)")
}

// twoTabs share a cart, and check out twice.
func twoTabs(s *set) {
	p := s.comes(aiko)
	puts(p, ethics)
	other := p.Tab()
	other.Opens(s.cartLink("course-ethics"))
	other.Reads("Cart (1)")
	puts(other, gala)
	other.Reads("Cart (2)")
	p.Reloads()
	p.Reads("Cart (2)", gala)
	for _, tab := range []*browse.Person{p, other} {
		tab.Follows(browse.Link("To the checkout"))
		tab.Sees(browse.Heading("Checkout"))
	}
	places(p)
	placed := p.Location()
	other.Follows(browse.Button("Place the order"))
	other.IsAt(placed)
	other.Follows(browse.Link("Orders"))
	other.ReadsOnce("Placed")
	other.GoesBack()
	other.IsAt(placed)
}
