package scenes

import "github.com/amsbridge/amsbridge/proof/e2e/browse"

// staffPages has one line need a person, and looks at what staff see of it.
func staffPages(s *set) {
	p := s.comes(james)
	puts(p, telehealth)
	puts(p, ethics)
	orders(p)
	p.Follows(browse.Link("To my learning"))
	p.Reads("needs attention", "One of us is looking into it.")
	p.ReloadsUntil(browse.Link("Walk in to " + ethics + " on Elevate"))
	p.Looks("my learning that needs attention")
	p.Follows(browse.Link("Walk in to " + ethics + " on Elevate"))
	p.Reads("You are registered")
	p.Meant("/staff", 403)
	p.Opens(s.store.Shop + "/staff")
	p.ReadsNot("Registration URL")
	p.Looks("not for members")

	staff := s.comes(sam)
	staff.Follows(browse.Link("Staff"))
	staff.Sees(browse.Field("Remote Product ID of " + ethics))
	staff.Sees(browse.Field("Remote Product Registration URL of " + ethics))
	staff.Looks("staff set-up")
	staff.Follows(browse.Link("Needs attention"))
	staff.Reads(telehealth, james)
	staff.Looks("staff needs attention")
	staff.Follows(browse.Link("Sign-ins"))
	staff.Reads(james)
	staff.Looks("staff sign-ins")
}
