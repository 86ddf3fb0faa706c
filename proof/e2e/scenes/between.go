package scenes

import (
	"github.com/amsbridge/amsbridge/proof/e2e/browse"
	"github.com/amsbridge/amsbridge/proof/e2e/stage"
)

// signInAndOut walks from Elevate to the sign-in page and back, and signs out.
func signInAndOut(s *set) {
	p := s.Person(maria)
	p.Opens(s.store.Elevate + "/products/course-ethics")
	p.Follows(browse.Link("Sign in at the store"))
	p.IsAt(s.store.Shop + "/sign-in")
	p.Reads("Afterwards you go on to where you wanted to go.")
	p.Looks("sign-in on the way")
	chooses(p, maria)
	p.IsAt(s.store.Elevate + "/products/course-ethics")
	p.Reads("Signed in as "+maria, "Register")
	p.Looks("elevate product of a guest")

	p.Opens(s.store.Shop + "/amsbridge/sign-out")
	p.Sees(browse.Heading("Sign out?"))
	p.Looks("sign-out")
	p.Opens(s.store.Shop + "/mail")
	p.Reads("Signed in as "+maria, "maria.keller@example.org")
	p.Looks("mail empty")
	p.Follows(browse.Button("Sign out"))
	p.Reads("Sign in")
	p.ReadsNot("Signed in as")
	p.GoesBack()
	p.Sees(browse.Heading("Sign in")) // the page before is in no cache
	p.ReadsNot("maria.keller@example.org")
	p.Opens(s.store.Shop + "/learning")
	p.Sees(browse.Heading("Sign in"))
	chooses(p, james)
	p.IsAt(s.store.Shop + "/learning")
	p.Reads("Signed in as " + james)
	s.noToken(p)
}

// replayed posts a hand-off form again, as a thief who saw it, and as somebody
// who goes back.
func replayed(s *set) {
	p := s.comes(maria)
	puts(p, ethics)
	orders(p)
	p.Follows(learns(p, ethics, "Elevate"))
	p.IsAt(s.store.Elevate + "/products/course-ethics")
	seen := s.watch.HandOffs()
	if len(seen) != 1 {
		s.handsOff(1)
		return
	}
	trap, err := s.foreign.Thief(seen[0].URL, seen[0].Body)
	if err != nil {
		s.fail("the thief's page: %w", err)
		return
	}
	thief := s.Person("a thief")
	thief.Meant("/walk-in", 403)
	thief.Opens(trap)
	thief.Follows(browse.Button("Send it again"))
	thief.IsAt(s.store.Elevate)
	thief.Reads("This way in was used before")
	thief.ReadsNot(maria, "U-1001")
	thief.Looks("hand-off refused")
	thief.Reloads() // which sends the form once more
	thief.Reads("This way in was used before")
	thief.Opens(s.store.Elevate + "/products/course-ethics")
	thief.ReadsNot("You are registered")

	// The page that sent the form is not among those that one goes back to, and
	// who walks in again brings another token.
	p.GoesBack()
	p.IsAt(s.store.Shop + "/learning")
	p.Follows(browse.Link("Walk in to " + ethics + " on Elevate"))
	p.IsAt(s.store.Elevate + "/products/course-ethics")
	p.Reads("You are registered", "Welcome, "+maria)
	s.handsOff(4) // two of which were the thief's
	s.noToken(p)
}

// withoutScripts plays the whole route with JavaScript off: only there does the
// hand-off page stay.
func withoutScripts(s *set) {
	p := s.Person(james)
	p.TurnsScriptsOff()
	p.Opens(s.store.Elevate + "/products/course-infection")
	p.Follows(browse.Link("Register"))
	p.Sees(browse.Heading("Your cart"))
	p.Follows(browse.Link("To the checkout"))
	chooses(p, james)
	p.Sees(browse.Heading("Checkout"))
	places(p)
	p.Follows(learns(p, infection, "Elevate"))
	p.Sees(browse.Heading("On to Elevate"))
	p.Looks("hand-off")
	s.handsOff(0)
	p.WalksTo(browse.Button("Continue to Elevate"))
	p.PressesEnter()
	p.IsAt(s.store.Elevate + "/products/course-infection")
	p.Reads("You are registered", "Welcome, "+james)
	s.handsOff(1)
	s.noToken(p)
}

// strictCookie comes from a foreign site to a shop whose cart lies behind a
// cookie with SameSite=Strict, and to the store.
func strictCookie(s *set) {
	shop, err := stage.NewStrictShop()
	if err != nil {
		s.fail("the strict shop: %w", err)
		return
	}
	defer func() {
		if err := shop.Close(); err != nil {
			s.fail("the strict shop: %w", err)
		}
	}()
	p := s.Person(aiko)
	if blog, err := s.foreign.Linking(shop.Link("course-ethics")); err == nil {
		p.Opens(blog)
	}
	shop.Hold(true)
	p.Follows(browse.Link("Buy the course"))
	p.Sees(browse.Heading("One moment"))
	p.Looks("one moment, in the plain look")
	shop.Hold(false)
	p.Follows(browse.Link("Go on to the cart"))
	p.IsAt(shop.URL + "/cart")
	for range 2 { // the second time with a cart that this click's request does not show
		blog, err := s.foreign.Linking(shop.Link("course-ethics"))
		if err != nil {
			s.fail("the blog: %w", err)
			return
		}
		p.Opens(blog)
		p.Follows(browse.Link("Buy the course"))
		p.IsAt(shop.URL + "/cart")
		p.Reads("course-ethics: 1.", "Carts given: 1.")
	}
	blog, err := s.foreign.Linking(shop.Link("course-infection"))
	if err != nil {
		s.fail("the blog: %w", err)
		return
	}
	p.Opens(blog)
	p.Follows(browse.Link("Buy the course"))
	p.Sees(browse.Heading("Put this into your cart?"))
	p.Looks("asking, in the plain look")
	p.Follows(browse.Button("Put it into the cart"))
	p.Reads("course-ethics: 1. course-infection: 1.", "Carts given: 1.")

	if blog, err = s.foreign.Linking(s.cartLink("course-ethics")); err != nil {
		s.fail("the blog: %w", err)
		return
	}
	for range 2 {
		p.Opens(blog)
		p.Follows(browse.Link("Buy the course"))
		p.IsAt(s.store.Shop + "/cart")
		p.Reads("Cart (1)")
	}
}
