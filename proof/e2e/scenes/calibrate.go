package scenes

import (
	"context"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge/proof/e2e/browse"
	"github.com/amsbridge/amsbridge/proof/e2e/stage"
	"github.com/amsbridge/amsbridge/proof/e2e/watch"
)

// Calibrate shows the watch two pages that break every rule. A rule that it does
// not see broken would let everything pass.
func (c Crew) Calibrate(ctx context.Context) (err error) {
	foreign, err := stage.NewForeign()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, foreign.Close()) }()
	seen := watch.New()
	browser, end, err := browse.Start(ctx, browse.Config{Chromium: c.Chromium, Axe: c.Axe, Shots: c.Shots, Scene: "calibration", Watch: seen})
	if err != nil {
		return err
	}
	defer end()
	first, second := foreign.Broken()
	p := browser.Person("nobody")
	p.Opens(first)
	p.Looks("broken")
	p.Opens(second)
	p.Follows(browse.Link("On"))
	p.Sees(browse.Heading("On"))
	if browser.Err() != nil {
		return browser.Err()
	}
	all := seen.Findings()
	for _, kind := range []watch.Kind{
		watch.Referer, watch.URL, watch.CSP, watch.Console, watch.Request, watch.Axe, watch.Layout, watch.Keyboard,
	} {
		if watch.Count(all, kind) == 0 {
			err = errors.Join(err, fmt.Errorf("the watch is blind: it saw no broken rule of the kind %q", kind))
		}
	}
	return err
}
