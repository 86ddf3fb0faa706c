package scenarios

import "github.com/amsbridge/amsbridge/proof/e2e/browser"

// routeA begins on Elevate, buys in the store and walks in.
func routeA(e *env) {
	p := e.Person(maria)
	p.Opens(e.store.Elevate)
	p.Sees(browser.Heading("Courses"))
	p.Inspects("elevate courses")
	p.Follows(browser.Link(ethics))
	p.Sees(browser.Heading(ethics))
	p.Inspects("elevate product")
	p.Follows(browser.Link("Register"))
	p.IsAt(e.store.Shop + "/cart")
	p.Sees(browser.Heading("Your cart"))
	p.Reads("“" + ethics + "” is in your cart.")
	p.Inspects("cart")
	p.Follows(browser.Link("To the checkout"))
	p.Sees(browser.Heading("Sign in"))
	p.Inspects("sign-in")
	p.Follows(browser.Button(maria))
	p.Sees(browser.Heading("Checkout"))
	p.Reads("Signed in as "+maria, ethics)
	p.Inspects("checkout")
	placeOrder(p)
	p.ReloadsUntil(browser.Link("Walk in to " + ethics + " on Elevate"))
	p.Inspects("order delivered")
	in := awaitAccess(p, ethics, "Elevate")
	p.Inspects("my learning delivered")
	p.Follows(in)
	p.IsAt(e.store.Elevate + "/products/course-ethics")
	p.Reads("You are registered", "Welcome, "+maria, "U-1001")
	p.Inspects("elevate course")
	e.wantHandOffs(1)
	e.noTokenInHistory(p)
	p.Opens(e.store.Elevate)
	p.Reads("Welcome, "+maria, "yours")
	p.Inspects("elevate courses of a member")
}

// routeB begins in the store, and never touches the mouse.
func routeB(e *env) {
	p := e.Person(james)
	p.Opens(e.store.Shop)
	p.Sees(browser.Heading("Learn with people who care for people"))
	p.Inspects("shop home")
	steps := []struct {
		at browser.Element
		by browser.Element
	}{
		{browser.Heading("Online courses"), browser.Link(infection)},
		{browser.Heading(infection), browser.Button("Put in cart")},
		{browser.Heading("Your cart"), browser.Link("To the checkout")},
		{browser.Heading("Sign in"), browser.Button(james)},
		{browser.Heading("Checkout"), browser.Button("Place the order")},
		{browser.Heading("Order"), browser.Link("To my learning")},
	}
	for _, step := range steps {
		p.Sees(step.at)
		if step.by.Name == "Put in cart" {
			p.Inspects("product")
		}
		p.TabsTo(step.by)
		p.PressesEnter()
	}
	in := browser.Link("Walk in to " + infection + " on Elevate")
	p.Sees(browser.Heading("My learning"))
	p.ReloadsUntil(in)
	p.TabsTo(in)
	p.PressesEnter()
	p.IsAt(e.store.Elevate + "/products/course-infection")
	p.Reads("You are registered", "Welcome, "+james, "U-1002")
	p.TabsTo(browser.Button("Sign out"))
	p.PressesEnter()
	p.Reads("Sign in at the store")
	e.wantHandOffs(1)
	e.noTokenInHistory(p)
}

// addOns buys at the event, and a track that lives on both platforms.
func addOns(e *env) {
	p := e.memberInShop(aiko)
	p.Inspects("shop home of a member")
	p.Follows(browser.Link("My learning"))
	p.Reads("Nothing yet")
	p.Inspects("my learning empty")
	p.Follows(browser.Link("Cart"))
	p.Reads("Nothing is in it yet.")
	p.Inspects("cart empty")
	p.Opens(e.store.Notified)
	p.Reads("Sign in at the store to see what you booked.")
	p.Inspects("notified lobby")
	p.Opens(e.store.Shop)
	addToCart(p, gala)
	addToCart(p, leadership)
	checkOut(p)
	in := awaitAccess(p, gala, "Notified")
	p.ReloadsUntil(browser.Link("Walk in to " + leadership + " on Elevate"))
	p.ReloadsUntil(browser.Link("Walk in to " + leadership + " on Notified"))
	p.Inspects("my learning on both platforms")
	p.Follows(in)
	p.IsAt(e.store.Notified + "/")
	p.Reads("Welcome, "+aiko, "U-1003", "The door is open for you.", "Not booked.")
	p.Inspects("notified lobby of a member")
	e.noTokenInHistory(p)
	p.Opens(e.store.Shop)
	p.Follows(browser.Link("My learning"))
	p.Follows(browser.Link("Walk in to " + leadership + " on Elevate"))
	p.IsAt(e.store.Elevate + "/products/track-leadership")
	p.Reads("You are registered", "Welcome, "+aiko)
}

// notTheLearner buys two places for others.
func notTheLearner(e *env) {
	p := e.memberInShop(maria)
	addToCart(p, ethics)
	p.Chooses("Quantity of "+ethics, "2")
	p.Follows(browser.Button("Change the quantity of " + ethics))
	p.Reads("$158.00")
	p.Follows(browser.Link("To the checkout"))
	p.ExpectsStatus("/checkout", 422)
	p.Chooses("Who takes place 1 of 2? "+ethics, james)
	p.Chooses("Who takes place 2 of 2? "+ethics, james)
	p.Follows(browser.Button("Place the order"))
	p.Reads("Nothing was ordered yet.", james+" has a place already.")
	p.Inspects("checkout with an error")
	p.Chooses("Who takes place 2 of 2? "+ethics, aiko)
	placeOrder(p)
	for _, learner := range []string{james, aiko} {
		p.ReloadsUntilReads("For " + learner + ", who finds it under “My learning” " +
			"delivered Ready on Elevate.")
	}
	p.Inspects("order for others")
	p.Follows(browser.Link("Orders"))
	p.Reads(ethics + ", for " + aiko)
	p.Inspects("orders")
	p.Follows(browser.Link("My learning"))
	p.Reads("Nothing yet, Maria.")

	learner := e.memberInShop(james)
	in := awaitAccess(learner, ethics, "Elevate")
	learner.Reads(maria + " bought it for you")
	learner.Inspects("my learning by another buyer")
	learner.Follows(in)
	learner.IsAt(e.store.Elevate + "/products/course-ethics")
	learner.Reads("Welcome, "+james, "U-1002", "You are registered")
	learner.Opens(e.store.Shop)
	learner.Follows(browser.Link("Mail"))
	learner.ReloadsUntil(browser.Heading(ethics + ": ready for you"))
	learner.Inspects("mail")
	learner.Follows(browser.Link("Walk in to " + ethics))
	learner.IsAt(e.store.Elevate + "/products/course-ethics")
	learner.Opens(e.store.Shop)
	learner.Follows(browser.Link("Orders"))
	learner.Reads("You have not ordered yet.")
	learner.Inspects("orders empty")
}

// owner presses Register for what they have.
func owner(e *env) {
	p := e.memberInShop(james)
	addToCart(p, ethics)
	checkOut(p)
	awaitAccess(p, ethics, "Elevate")
	p.Opens(e.store.Elevate + "/products/course-ethics")
	p.Reads("I am registered: sign in")
	p.Follows(browser.Link("Register"))
	p.Sees(browser.Heading("You have this already"))
	p.Inspects("owned")
	p.Follows(browser.Link("Go to what you have"))
	p.IsAt(e.store.Elevate + "/products/course-ethics")
	p.Reads("You are registered", "Welcome, "+james)
	p.Opens(e.store.Shop + "/cart")
	p.Reads("Nothing is in it yet.")
	p.Opens(e.cartLink("course-ethics"))
	p.Follows(browser.Button("Buy it again"))
	p.IsAt(e.store.Shop + "/cart")
	p.Reads("Cart (1)")
	p.Opens(e.cartLink("course-ethics") + "&quantity=5")
	p.Follows(browser.Button("Make it 5"))
	p.Reads("Cart (5)")
	p.Follows(browser.Button("Remove " + ethics))
	p.Opens(e.store.Shop + "/products/course-ethics")
	p.Reads("You have this already.")
	p.Inspects("product of an owner")
	p.Follows(browser.Button("Buy it for somebody else"))
	p.Follows(browser.Link("To the checkout"))
	p.ExpectsStatus("/checkout", 422)
	p.Chooses("Who takes part? "+ethics, james)
	p.Follows(browser.Button("Place the order"))
	p.Reads(james + " has “" + ethics + "” already.")
}
