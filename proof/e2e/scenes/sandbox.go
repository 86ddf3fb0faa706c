package scenes

import (
	"net/http"
	"strings"

	"github.com/amsbridge/amsbridge/proof/e2e/browse"
	"github.com/amsbridge/amsbridge/proof/e2e/stage"
)

// apis are the parts of the sandboxes' page, by the call that each answers.
var apis = [...]string{stage.Registration: "Elevate", stage.Report: "Elevate’s Report API", stage.AddOns: "Notified"}

// sandboxPage has a developer watch what their shop sends, and break each API by
// itself.
func sandboxPage(s *set) {
	box, err := s.sandboxes()
	if err != nil {
		s.fail("%w", err)
		return
	}
	p := s.Person("a developer")
	p.Opens(box.Page)
	p.Sees(browse.Heading("Sandboxes of Elevate and Notified"))
	p.Reads("Nothing yet.")
	p.Looks("sandboxes at their start")
	for api := range apis {
		s.tries(box, api, http.StatusOK)
	}
	p.Reloads()
	p.Reads("register for course-ethics, with an email", "200 OK, rows: 1", "M: status 0", "ada@example.org")
	p.Looks("sandboxes that were called")

	for broken, name := range apis {
		p.Chooses("Change "+name+" to", "down")
		p.Follows(browse.Button("Change " + name))
		p.Reads("Weather: down: 503, and nothing is done")
		for api := range apis {
			want := http.StatusOK
			if api == broken {
				want = http.StatusServiceUnavailable
			}
			s.tries(box, api, want)
		}
		p.Reloads()
		p.Reads("503")
		p.Chooses("Change "+name+" to", "fine")
		p.Follows(browse.Button("Change " + name))
		p.ReadsNot("Weather: down")
	}

	const script = "Script that Elevate is to follow, in JSON"
	p.Unfolds("Script for Elevate")
	p.Types(script, `{"calls": {"1": {"kind": "nonsense"}}}`)
	p.Meant("/script", http.StatusBadRequest)
	p.Follows(browse.Button("Have Elevate follow it"))
	p.Reads("Nothing was changed")
	p.Looks("sandboxes with a script that is refused")
	p.Types(script, `{"calls": {"1": {"kind": "throttle", "retry_after": "2"}}}`)
	p.Follows(browse.Button("Have Elevate follow it"))
	p.Reads("Weather: as the script says")
	s.tries(box, stage.Registration, http.StatusTooManyRequests)
	s.tries(box, stage.Registration, http.StatusOK)

	p.Follows(browse.Link("Watch: load again every 2 seconds"))
	p.Reads("Elevate: as the script says", "429")
	p.Follows(browse.Link("Stop watching, to break them"))
	p.WalksTo(browse.Button("Forget all that came in, and behave"))
	p.PressesEnter()
	p.Reads("Nothing yet.")
	p.ReadsNot("as the script says")
	s.watch.Logged(box.Log())
}

// tries sends a call that the sandboxes print.
func (s *set) tries(box *stage.Sandbox, api, want int) {
	if s.Err() != nil || s.err != nil {
		return
	}
	status, reply, err := box.Try(api)
	switch {
	case err != nil:
		s.fail("%s: %w", apis[api], err)
	case status != want:
		s.fail("%s answered %d and not %d: %s", apis[api], status, want, strings.TrimSpace(reply))
	}
}
