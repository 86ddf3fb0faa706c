package scenarios

import "github.com/amsbridge/amsbridge/proof/e2e/browser"

// staffPages has one line need a person, and looks at what staff see of it.
func staffPages(e *env) {
	p := e.memberInShop(james)
	addToCart(p, telehealth)
	addToCart(p, ethics)
	checkOut(p)
	p.Follows(browser.Link("To my learning"))
	p.Reads("needs attention", "One of us is looking into it.")
	p.ReloadsUntil(browser.Link("Walk in to " + ethics + " on Elevate"))
	p.Inspects("my learning that needs attention")
	p.Follows(browser.Link("Walk in to " + ethics + " on Elevate"))
	p.Reads("You are registered")
	p.ExpectsStatus("/staff", 403)
	p.Opens(e.store.Shop + "/staff")
	p.ReadsNot("Registration URL")
	p.Inspects("not for members")

	staff := e.memberInShop(sam)
	staff.Follows(browser.Link("Staff"))
	staff.Sees(browser.Field("Remote Product ID of " + ethics))
	staff.Sees(browser.Field("Remote Product Registration URL of " + ethics))
	staff.Inspects("staff set-up")
	staff.Follows(browser.Link("Needs attention"))
	staff.Reads(telehealth, "unknown mapping")
	staff.Inspects("staff needs attention")
	staff.Types("What did you do?", "told them by telephone")
	staff.Follows(browser.Button("Mark as done"))
	staff.Reads("It is marked as done.", "Nothing needs you.")
	staff.Follows(browser.Link("Sign-ins"))
	staff.Reads(james)
	staff.Inspects("staff sign-ins")
}
