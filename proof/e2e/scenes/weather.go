package scenes

import "github.com/amsbridge/amsbridge/proof/e2e/browse"

// turns changes a platform's weather, as the sandbox's page does.
func (s *set) turns(platform, weather string) {
	p := s.Person("the weather")
	defer p.Leaves()
	p.Opens(platform + "/sandbox")
	p.Follows(browse.Button(weather))
	p.Reads("Weather: " + weather)
}

// elevateDown has Elevate down while somebody checks out.
func elevateDown(s *set) {
	s.turns(s.store.Elevate, "down")
	p := s.comes(maria)
	puts(p, infection)
	puts(p, gala)
	orders(p)
	p.Looks("order under way")
	learns(p, gala, "Notified")
	p.Reads("queued")
	p.ReloadsUntilReads("Elevate takes longer than usual. Nothing is lost")
	p.Looks("my learning under way")
	p.Opens(s.walkIn("course-infection"))
	p.Sees(browse.Heading("We are finishing your registration"))
	p.Looks("waiting for the registration")
	p.Opens(s.cartLink("course-infection"))
	p.Sees(browse.Heading("You have this already"))
	p.Reads("We are finishing your registration.")
	p.Looks("owned and under way")

	staff := s.Person(sam)
	staff.Opens(s.store.Elevate + "/sandbox")
	staff.Reads("503")
	staff.Looks("sandbox of elevate, down")
	p.Opens(s.store.Shop + "/learning?watch=1")
	p.Reads("This page looks again every two seconds.")
	s.turns(s.store.Elevate, "fine")
	in := browse.Link("Walk in to " + infection + " on Elevate")
	p.Sees(in) // by itself
	p.Follows(in)
	p.IsAt(s.store.Elevate + "/products/course-infection")
	p.Reads("You are registered", "Welcome, "+maria)
	staff.Opens(s.store.Elevate + "/sandbox")
	staff.ReadsOnce("new")
	staff.Looks("sandbox of elevate")
}

// notifiedDown has Notified down at the checkout, and at the door.
func notifiedDown(s *set) {
	s.turns(s.store.Notified, "refusing")
	p := s.comes(aiko)
	puts(p, gala)
	orders(p)
	p.Follows(browse.Link("To my learning"))
	p.ReloadsUntilReads("Notified takes longer than usual. Nothing is lost")
	s.turns(s.store.Notified, "fine")
	in := learns(p, gala, "Notified")
	s.turns(s.store.Notified, "down")
	p.Meant("/amsbridge/hand-off", 503)
	p.Follows(in)
	p.Sees(browse.Heading("Notified cannot be reached just now"))
	p.Reads("Nothing is lost.")
	p.Looks("no way in just now")
	s.turns(s.store.Notified, "slow")
	p.Follows(browse.Link("Try again"))
	p.IsAt(s.store.Notified + "/")
	p.Reads("Welcome, "+aiko, "The door is open for you.")
	watcher := s.Person(sam)
	watcher.Opens(s.store.Notified + "/sandbox")
	watcher.ReadsOnce("new")
	watcher.Looks("sandbox of notified")
}
