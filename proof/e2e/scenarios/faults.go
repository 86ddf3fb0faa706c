package scenarios

import "github.com/amsbridge/amsbridge/proof/e2e/browser"

// setFaults has a platform's sandbox follow a fault preset, by its page.
func (e *env) setFaults(platform, preset string) {
	p := e.Person("an operator")
	defer p.Close()
	p.Opens(platform + "/sandbox")
	p.Follows(browser.Button(preset))
	p.Reads("Faults: " + preset)
}

// elevateDown has Elevate down while somebody checks out.
func elevateDown(e *env) {
	e.setFaults(e.store.Elevate, "down")
	p := e.memberInShop(maria)
	addToCart(p, infection)
	addToCart(p, gala)
	checkOut(p)
	p.Inspects("order under way")
	awaitAccess(p, gala, "Notified")
	p.Reads("queued")
	p.ReloadsUntilReads("Elevate takes longer than usual. Nothing is lost")
	p.Inspects("my learning under way")
	p.Opens(e.handOffLink("course-infection"))
	p.Sees(browser.Heading("We are finishing your registration"))
	p.Inspects("waiting for the registration")
	p.Opens(e.cartLink("course-infection"))
	p.Sees(browser.Heading("You have this already"))
	p.Reads("We are finishing your registration.")
	p.Inspects("owned and under way")

	staff := e.Person(sam)
	staff.Opens(e.store.Elevate + "/sandbox")
	staff.Reads("503")
	staff.Inspects("sandbox of elevate, down")
	p.Opens(e.store.Shop + "/learning?watch=1")
	p.Reads("This page looks again every two seconds.")
	e.setFaults(e.store.Elevate, "none")
	in := browser.Link("Walk in to " + infection + " on Elevate")
	p.Sees(in) // by itself
	p.Follows(in)
	p.IsAt(e.store.Elevate + "/products/course-infection")
	p.Reads("You are registered", "Welcome, "+maria)
	staff.Opens(e.store.Elevate + "/sandbox")
	staff.ReadsOnce("new")
	staff.Inspects("sandbox of elevate")
}

// notifiedDown has Notified refuse at the checkout, and be down at the hand-off.
func notifiedDown(e *env) {
	e.setFaults(e.store.Notified, "refusing")
	p := e.memberInShop(aiko)
	addToCart(p, gala)
	checkOut(p)
	p.Follows(browser.Link("To my learning"))
	p.ReloadsUntilReads("Notified takes longer than usual. Nothing is lost")
	e.setFaults(e.store.Notified, "none")
	in := awaitAccess(p, gala, "Notified")
	e.setFaults(e.store.Notified, "down")
	p.ExpectsStatus("/amsbridge/hand-off", 503)
	p.Follows(in)
	p.Sees(browser.Heading("Notified cannot be reached just now"))
	p.Reads("Nothing is lost.")
	p.Inspects("no way in just now")
	e.setFaults(e.store.Notified, "slow")
	p.Follows(browser.Link("Try again"))
	p.IsAt(e.store.Notified + "/")
	p.Reads("Welcome, "+aiko, "The door is open for you.")
	watcher := e.Person(sam)
	watcher.Opens(e.store.Notified + "/sandbox")
	watcher.ReadsOnce("new")
	watcher.Inspects("sandbox of notified")
}
