package scenarios

import (
	"context"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge/proof/e2e/browser"
	"github.com/amsbridge/amsbridge/proof/e2e/record"
	"github.com/amsbridge/amsbridge/proof/e2e/servers"
)

// Calibrate shows the recorder two pages that break every rule. A rule that it
// does not see broken would let everything pass.
func (r Runner) Calibrate(ctx context.Context) error {
	foreign := servers.NewForeignSite()
	defer foreign.Close()
	recorder := record.New()
	b, end, err := browser.Start(ctx, r.browserConfig("calibration", recorder))
	if err != nil {
		return err
	}
	defer end()
	first, second := foreign.Broken()
	p := b.Person("nobody")
	p.Opens(first)
	p.Inspects("broken")
	p.Opens(second)
	p.Follows(browser.Link("On"))
	p.Sees(browser.Heading("On"))
	if err := b.Err(); err != nil {
		return err
	}
	all := recorder.Findings()
	for _, kind := range []record.Kind{
		record.Referer, record.URL, record.CSP, record.Console, record.Response,
		record.Axe, record.Layout, record.Keyboard,
	} {
		if record.Count(all, kind) == 0 {
			err = errors.Join(err, fmt.Errorf("the recorder is blind to what breaks the rule %q", kind))
		}
	}
	return err
}
