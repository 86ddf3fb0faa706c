package scenarios

import "github.com/amsbridge/amsbridge/proof/e2e/browser"

// orderChanges buys three places at once, of which one is named later. Then staff
// replace a learner, refund the line, and undo the refund. After each change the
// members' own pages and Notified's sandbox say the same.
func orderChanges(e *env) {
	buyer, replaced := e.memberInShop(maria), e.memberInShop(james)
	named, staff := e.memberInShop(aiko), e.memberInShop(sam)
	addToCart(buyer, gala)
	buyer.Chooses("Quantity of "+gala, "3")
	buyer.Follows(browser.Button("Change the quantity of " + gala))
	buyer.Reads("$360.00")
	buyer.Follows(browser.Link("To the checkout"))
	buyer.Chooses("Who takes place 2 of 3? "+gala, james)
	placeOrder(buyer)
	buyer.Sees(browser.Choice("Who takes place 3 of 3? " + gala))
	buyer.Inspects("order with an open place")
	staff.Opens(e.store.Shop + "/staff/attention")
	staff.Reads(gala, "1 of 3 seats have no person")
	staff.Inspects("staff with an open place")

	buyer.Chooses("Who takes place 3 of 3? "+gala, aiko)
	buyer.Follows(browser.Button("Save who takes place 3 of 3: " + gala))
	buyer.Reads(aiko + " has the place now.")
	staff.Reloads()
	staff.Reads("Nothing needs you.")
	for _, p := range []*browser.Person{buyer, replaced, named} {
		e.hasGala(p)
	}

	staff.Opens(e.store.Shop + "/staff/orders")
	staff.Inspects("staff orders")
	staff.Follows(browser.Link("Order W-"))
	order := staff.Location()
	staff.Inspects("staff order")
	staff.Chooses("Who takes place 2 of 3? "+gala, sam)
	staff.Follows(browser.Button("Change who takes place 2 of 3: " + gala))
	staff.Reads(sam+" has the place now.", "taking back")
	e.hasNoGala(replaced)
	e.hasGala(staff)

	staff.Opens(order)
	staff.Follows(browser.Button("Refund this line of " + gala))
	staff.Reads("The line is refunded.")
	staff.Inspects("staff order refunded")
	for _, p := range []*browser.Person{buyer, named, staff} {
		e.hasNoGala(p)
	}
	staff.Opens(order)
	staff.Follows(browser.Button("Undo the refund of " + gala))
	staff.Reads("The refund is undone.")
	for _, p := range []*browser.Person{buyer, named, staff} {
		e.hasGala(p)
	}
	e.hasNoGala(replaced)
	staff.Opens(e.store.Notified + "/sandbox")
	staff.Reads("opcode N, add-ons 9985")
}

// hasGala wants the member's page to lead into the gala, and Notified to open it.
func (e *env) hasGala(p *browser.Person) {
	p.Opens(e.store.Shop + "/learning")
	in := browser.Link("Walk in to " + gala + " on Notified")
	p.ReloadsUntil(in)
	p.Follows(in)
	p.IsAt(e.store.Notified + "/")
	p.Reads("The door is open for you.")
}

// hasNoGala wants neither.
func (e *env) hasNoGala(p *browser.Person) {
	p.Opens(e.store.Shop + "/learning")
	p.Reads("Nothing yet")
	p.Opens(e.store.Shop + "/amsbridge/hand-off?to=notified&product=event-gala")
	p.IsAt(e.store.Notified + "/")
	p.ReloadsUntilReads("whom you know by e-mail only. Not booked.")
}
