package scenarios

import (
	"net/http"
	"strings"

	"github.com/amsbridge/amsbridge/proof/e2e/browser"
	"github.com/amsbridge/amsbridge/proof/e2e/servers"
)

// apis are the parts of the sandboxes' page, by the call that each answers.
var apis = [...]string{
	servers.Registration: "Elevate", servers.Report: "Elevate’s Report API", servers.AddOns: "Notified",
}

// sandboxPage has a developer look at what their shop sends, and break each API
// by itself.
func sandboxPage(e *env) {
	box, err := servers.StartSandbox(e.ctx, e.runner.Sandbox)
	if err != nil {
		e.fail("%w", err)
		return
	}
	defer func() {
		if err := box.Stop(); err != nil {
			e.fail("%w", err)
		}
	}()
	p := e.Person("a developer")
	p.Opens(box.Page)
	p.Sees(browser.Heading("Sandboxes of Elevate and Notified"))
	p.Reads("Nothing yet.")
	p.Inspects("sandboxes at their start")
	for api := range apis {
		e.wantStatus(box, api, http.StatusOK)
	}
	p.Reloads()
	p.Reads("register for course-ethics, with an email", "200 OK, rows: 1", "M: status 0", "ada@example.org")
	p.Inspects("sandboxes that were called")

	for broken, name := range apis {
		p.Chooses("Faults of "+name, "down")
		p.Follows(browser.Button("Change " + name))
		p.Reads("Faults: down: 503, and nothing is done")
		for api := range apis {
			want := http.StatusOK
			if api == broken {
				want = http.StatusServiceUnavailable
			}
			e.wantStatus(box, api, want)
		}
		p.Reloads()
		p.Reads("503")
		p.Chooses("Faults of "+name, "none")
		p.Follows(browser.Button("Change " + name))
		p.ReadsNot("Faults: down")
	}

	const script = "Script that Elevate is to follow, in JSON"
	p.Unfolds("Script for Elevate")
	p.Types(script, `{"calls": {"1": {"kind": "nonsense"}}}`)
	p.ExpectsStatus("/script", http.StatusBadRequest)
	p.Follows(browser.Button("Have Elevate follow it"))
	p.Reads("Nothing was changed")
	p.Inspects("sandboxes with a script that is refused")
	p.Types(script, `{"calls": {"1": {"kind": "throttle", "retry_after": "2"}}}`)
	p.Follows(browser.Button("Have Elevate follow it"))
	p.Reads("Faults: as the script says")
	e.wantStatus(box, servers.Registration, http.StatusTooManyRequests)
	e.wantStatus(box, servers.Registration, http.StatusOK)

	p.Follows(browser.Link("Watch: load again every 2 seconds"))
	p.Reads("Elevate’s faults: as the script says", "429")
	p.Follows(browser.Link("Stop watching, to break them"))
	p.TabsTo(browser.Button("Forget all that came in, and behave"))
	p.PressesEnter()
	p.Reads("Nothing yet.")
	p.ReadsNot("as the script says")
	e.recorder.ServerLog(box.Log())
}

// wantStatus sends a call that the sandboxes print, and wants that answer.
func (e *env) wantStatus(box *servers.Sandbox, api, want int) {
	if e.Err() != nil || e.err != nil {
		return
	}
	status, reply, err := box.Send(e.ctx, api)
	switch {
	case err != nil:
		e.fail("%s: %w", apis[api], err)
	case status != want:
		e.fail("%s answered %d and not %d: %s", apis[api], status, want, strings.TrimSpace(reply))
	}
}
