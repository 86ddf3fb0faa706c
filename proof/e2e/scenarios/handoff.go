package scenarios

import (
	"context"
	"time"

	"github.com/amsbridge/amsbridge/proof/e2e/browser"
	"github.com/amsbridge/amsbridge/proof/e2e/servers"
)

// signInAndOut walks from Elevate to the sign-in page and back, and signs out.
func signInAndOut(e *env) {
	p := e.Person(maria)
	p.Opens(e.store.Elevate + "/products/course-ethics")
	p.Follows(browser.Link("Sign in at the store"))
	p.IsAt(e.store.Shop + "/sign-in")
	p.Reads("Afterwards you go on to where you wanted to go.")
	p.Inspects("sign-in on the way")
	signInAs(p, maria)
	p.IsAt(e.store.Elevate + "/products/course-ethics")
	p.Reads("Signed in as "+maria, "Register")
	p.Inspects("elevate product of a guest")

	p.Opens(e.store.Shop + "/amsbridge/sign-out")
	p.Sees(browser.Heading("Sign out?"))
	p.Inspects("sign-out")
	p.Opens(e.store.Shop + "/mail")
	p.Reads("Signed in as "+maria, "maria.keller@example.org")
	p.Inspects("mail empty")
	p.Follows(browser.Button("Sign out"))
	p.Reads("Sign in")
	p.ReadsNot("Signed in as")
	p.GoesBack()
	p.Sees(browser.Heading("Sign in")) // the page before is in no cache
	p.ReadsNot("maria.keller@example.org")
	p.Opens(e.store.Shop + "/learning")
	p.Sees(browser.Heading("Sign in"))
	signInAs(p, james)
	p.IsAt(e.store.Shop + "/learning")
	p.Reads("Signed in as " + james)
	e.noTokenInHistory(p)
}

// replayed posts a hand-off form again, as a thief who saw it, and as somebody
// who goes back.
func replayed(e *env) {
	p := e.memberInShop(maria)
	addToCart(p, ethics)
	checkOut(p)
	p.Follows(awaitAccess(p, ethics, "Elevate"))
	p.IsAt(e.store.Elevate + "/products/course-ethics")
	seen := e.recorder.HandOffs()
	if len(seen) != 1 {
		e.wantHandOffs(1)
		return
	}
	again, err := e.foreign.Replay(seen[0].URL, seen[0].Body)
	if err != nil {
		e.fail("the page that sends the form again: %w", err)
		return
	}
	thief := e.Person("a thief")
	thief.ExpectsStatus("/walk-in", 403)
	thief.Opens(again)
	thief.Follows(browser.Button("Send it again"))
	thief.IsAt(e.store.Elevate)
	thief.Reads("it was used before")
	thief.ReadsNot(maria, "U-1001")
	thief.Inspects("hand-off refused")
	thief.Reloads() // which sends the form once more
	thief.Reads("it was used before")
	thief.Opens(e.store.Elevate + "/products/course-ethics")
	thief.ReadsNot("You are registered")

	// The page that sent the form is not among those that one goes back to, and
	// who walks in again brings another token.
	p.GoesBack()
	p.IsAt(e.store.Shop + "/learning")
	p.Follows(browser.Link("Walk in to " + ethics + " on Elevate"))
	p.IsAt(e.store.Elevate + "/products/course-ethics")
	p.Reads("You are registered", "Welcome, "+maria)
	e.wantHandOffs(4) // two of which were the thief's
	e.noTokenInHistory(p)
}

// withoutScripts plays the whole route with JavaScript off: only there does the
// hand-off page stay.
func withoutScripts(e *env) {
	p := e.Person(james)
	p.TurnsScriptsOff()
	p.Opens(e.store.Elevate + "/products/course-infection")
	p.Follows(browser.Link("Register"))
	p.Sees(browser.Heading("Your cart"))
	p.Follows(browser.Link("To the checkout"))
	signInAs(p, james)
	p.Sees(browser.Heading("Checkout"))
	placeOrder(p)
	p.Follows(awaitAccess(p, infection, "Elevate"))
	p.Sees(browser.Heading("On to Elevate"))
	p.Inspects("hand-off")
	e.wantHandOffs(0)
	p.TabsTo(browser.Button("Continue to Elevate"))
	p.PressesEnter()
	p.IsAt(e.store.Elevate + "/products/course-infection")
	p.Reads("You are registered", "Welcome, "+james)
	e.wantHandOffs(1)
	e.noTokenInHistory(p)
}

// aheadOfAHandOff has a browser ask for a hand-off before anybody clicks. The click then walks in as if it had
// not, and once.
func aheadOfAHandOff(e *env) {
	for how, purpose := range map[string]string{"prefetch": "prefetch", "prerender": "prefetch;prerender"} {
		shop, err := servers.NewHandOffShop()
		if err != nil {
			e.fail("the shop: %w", err)
			return
		}
		defer shop.Close()
		p := e.Person(maria)
		p.ExpectsStatus("/hand-off", 503)
		p.Opens(shop.EagerPage(how))
		ctx, cancel := context.WithTimeout(e.ctx, 20*time.Second)
		got, err := shop.Ahead(ctx)
		cancel()
		if err != nil || got != purpose {
			e.fail("the browser asked ahead with the purpose %q, where %q was expected: %v", got, purpose, err)
			return
		}
		p.Follows(browser.Link("Walk in"))
		p.IsAt(shop.Platform + "/welcome")
		p.Reads("Came in: 1.")
	}
}

// smuggled opens a page that brings its owner's token along: in the background, and by a click. Nobody is
// signed in by it, and the member's own way in works afterwards.
func smuggled(e *env) {
	shop, err := servers.NewHandOffShop()
	if err != nil {
		e.fail("the shop: %w", err)
		return
	}
	defer shop.Close()
	token, err := shop.Token(e.ctx)
	if err != nil {
		e.fail("the thief's token: %w", err)
		return
	}
	p := e.Person(maria)
	p.ExpectsStatus("/in", 403)
	p.ExpectsMessage("in a frame because it set 'X-Frame-Options'")
	p.Opens(e.foreign.Smuggle(shop.Platform, token))
	p.Reads("Done.")
	p.Follows(browser.Button("See pictures"))
	p.Reads("We could not sign you in")
	p.Opens(shop.Platform + "/welcome")
	p.Reads("Came in: 0.")
	p.Opens(shop.Shop + "/hand-off?to=learn")
	p.IsAt(shop.Platform + "/welcome")
	p.Reads("Came in: 1.")
}
