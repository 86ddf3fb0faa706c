package scenes

import "github.com/amsbridge/amsbridge/proof/e2e/browse"

// routeA begins on Elevate, buys in the store and walks in.
func routeA(s *set) {
	p := s.Person(maria)
	p.Opens(s.store.Elevate)
	p.Sees(browse.Heading("Courses"))
	p.Looks("elevate courses")
	p.Follows(browse.Link(ethics))
	p.Sees(browse.Heading(ethics))
	p.Looks("elevate product")
	p.Follows(browse.Link("Register"))
	p.IsAt(s.store.Shop + "/cart")
	p.Sees(browse.Heading("Your cart"))
	p.Reads("“" + ethics + "” is in your cart.")
	p.Looks("cart")
	p.Follows(browse.Link("To the checkout"))
	p.Sees(browse.Heading("Sign in"))
	p.Looks("sign-in")
	p.Follows(browse.Button(maria))
	p.Sees(browse.Heading("Checkout"))
	p.Reads("Signed in as "+maria, ethics)
	p.Looks("checkout")
	places(p)
	p.ReloadsUntil(browse.Link("Walk in to " + ethics + " on Elevate"))
	p.Looks("order delivered")
	in := learns(p, ethics, "Elevate")
	p.Looks("my learning delivered")
	p.Follows(in)
	p.IsAt(s.store.Elevate + "/products/course-ethics")
	p.Reads("You are registered", "Welcome, "+maria, "U-1001")
	p.Looks("elevate course")
	s.handsOff(1)
	s.noToken(p)
	p.Opens(s.store.Elevate)
	p.Reads("Welcome, "+maria, "yours")
	p.Looks("elevate courses of a member")
}

// routeB begins in the store, and never touches the mouse.
func routeB(s *set) {
	p := s.Person(james)
	p.Opens(s.store.Shop)
	p.Sees(browse.Heading("Learn with people who care for people"))
	p.Looks("shop home")
	steps := []struct {
		at browse.Thing
		by browse.Thing
	}{
		{browse.Heading("Online courses"), browse.Link(infection)},
		{browse.Heading(infection), browse.Button("Put in cart")},
		{browse.Heading("Your cart"), browse.Link("To the checkout")},
		{browse.Heading("Sign in"), browse.Button(james)},
		{browse.Heading("Checkout"), browse.Button("Place the order")},
		{browse.Heading("Order"), browse.Link("To my learning")},
	}
	for _, step := range steps {
		p.Sees(step.at)
		if step.by.Name == "Put in cart" {
			p.Looks("product")
		}
		p.WalksTo(step.by)
		p.PressesEnter()
	}
	in := browse.Link("Walk in to " + infection + " on Elevate")
	p.Sees(browse.Heading("My learning"))
	p.ReloadsUntil(in)
	p.WalksTo(in)
	p.PressesEnter()
	p.IsAt(s.store.Elevate + "/products/course-infection")
	p.Reads("You are registered", "Welcome, "+james, "U-1002")
	p.WalksTo(browse.Button("Sign out"))
	p.PressesEnter()
	p.Reads("Sign in at the store")
	s.handsOff(1)
	s.noToken(p)
}

// addOns buys at the event, and a track that lives on both platforms.
func addOns(s *set) {
	p := s.comes(aiko)
	p.Looks("shop home of a member")
	p.Follows(browse.Link("My learning"))
	p.Reads("Nothing yet")
	p.Looks("my learning empty")
	p.Follows(browse.Link("Cart"))
	p.Reads("Nothing is in it yet.")
	p.Looks("cart empty")
	p.Opens(s.store.Notified)
	p.Reads("Sign in at the store to see what you booked.")
	p.Looks("notified lobby")
	p.Opens(s.store.Shop)
	puts(p, gala)
	puts(p, leadership)
	orders(p)
	in := learns(p, gala, "Notified")
	p.ReloadsUntil(browse.Link("Walk in to " + leadership + " on Elevate"))
	p.ReloadsUntil(browse.Link("Walk in to " + leadership + " on Notified"))
	p.Looks("my learning on both platforms")
	p.Follows(in)
	p.IsAt(s.store.Notified + "/")
	p.Reads("Welcome, "+aiko, "U-1003", "The door is open for you.", "Not booked.")
	p.Looks("notified lobby of a member")
	s.noToken(p)
	p.Opens(s.store.Shop)
	p.Follows(browse.Link("My learning"))
	p.Follows(browse.Link("Walk in to " + leadership + " on Elevate"))
	p.IsAt(s.store.Elevate + "/products/track-leadership")
	p.Reads("You are registered", "Welcome, "+aiko)
}

// notTheLearner buys two places for others.
func notTheLearner(s *set) {
	p := s.comes(maria)
	puts(p, ethics)
	p.Chooses("Quantity of "+ethics, "2")
	p.Follows(browse.Button("Change the quantity of " + ethics))
	p.Reads("$158.00")
	p.Follows(browse.Link("To the checkout"))
	p.Meant("/checkout", 422)
	p.Chooses("Who takes place 1 of 2? "+ethics, james)
	p.Follows(browse.Button("Place the order"))
	p.Reads("Nothing was ordered yet.", "Please choose who takes part.")
	p.Looks("checkout with an error")
	p.Chooses("Who takes place 2 of 2? "+ethics, aiko)
	places(p)
	for _, learner := range []string{james, aiko} {
		p.ReloadsUntilReads("For " + learner + ", who finds it under “My learning” delivered Ready on Elevate.")
	}
	p.Looks("order for others")
	p.Follows(browse.Link("Orders"))
	p.Reads(ethics + ", for " + aiko)
	p.Looks("orders")
	p.Follows(browse.Link("My learning"))
	p.Reads("Nothing yet, Maria.")

	learner := s.comes(james)
	in := learns(learner, ethics, "Elevate")
	learner.Reads(maria + " bought it for you")
	learner.Looks("my learning by another buyer")
	learner.Follows(in)
	learner.IsAt(s.store.Elevate + "/products/course-ethics")
	learner.Reads("Welcome, "+james, "U-1002", "You are registered")
	learner.Opens(s.store.Shop)
	learner.Follows(browse.Link("Mail"))
	learner.ReloadsUntil(browse.Heading(ethics + ": ready for you"))
	learner.Looks("mail")
	learner.Follows(browse.Link("Walk in to " + ethics))
	learner.IsAt(s.store.Elevate + "/products/course-ethics")
	learner.Opens(s.store.Shop)
	learner.Follows(browse.Link("Orders"))
	learner.Reads("You have not ordered yet.")
	learner.Looks("orders empty")
}

// owner presses Register for what they have.
func owner(s *set) {
	p := s.comes(james)
	puts(p, ethics)
	orders(p)
	learns(p, ethics, "Elevate")
	p.Opens(s.store.Elevate + "/products/course-ethics")
	p.Reads("I am registered: sign in")
	p.Follows(browse.Link("Register"))
	p.IsAt(s.store.Elevate + "/products/course-ethics")
	p.Reads("You are registered", "Welcome, "+james)
	p.Opens(s.store.Shop + "/cart")
	p.Reads("Nothing is in it yet.")
	p.Opens(s.store.Shop + "/products/course-ethics")
	p.Reads("You have this already.")
	p.Looks("product of an owner")
	p.Follows(browse.Button("Buy it for somebody else"))
	p.Follows(browse.Link("To the checkout"))
	p.Meant("/checkout", 422)
	p.Chooses("Who takes part? "+ethics, james)
	p.Follows(browse.Button("Place the order"))
	p.Reads(james + " has “" + ethics + "” already.")
}
