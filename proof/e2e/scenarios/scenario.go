// Package scenarios is the store's story and that of the sandboxes' page, played
// by people with browsers. Each scenario has a store and a browser of its own, so
// that none depends on another.
package scenarios

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/proof/e2e/browser"
	"github.com/amsbridge/amsbridge/proof/e2e/record"
	"github.com/amsbridge/amsbridge/proof/e2e/servers"
)

// Scenario is a part of the story.
type Scenario struct {
	// Name begins the names of its pictures.
	Name string
	// Story says in a sentence what happens.
	Story string
	play  func(*env)
}

// All are the scenarios, in the story's order.
func All() []Scenario {
	return []Scenario{
		{"route-a", "browse on Elevate, buy in the store, walk in", routeA},
		{"route-b", "browse and buy in the store, walk in, by keyboard alone", routeB},
		{"add-ons", "event add-ons, and a track on both platforms", addOns},
		{"not-the-learner", "the buyer is not the learner", notTheLearner},
		{"owner", "who owns the course is shown the way in, and buys it for somebody else", owner},
		{"order-changes", "a place named later, a learner replaced, a refund and its undoing", orderChanges},
		{"elevate-down", "Elevate is down during the checkout, and everything arrives", elevateDown},
		{"notified-down", "Notified refuses, is down at the hand-off, and slow", notifiedDown},
		{"sign-in-and-out", "sign-in on the way, and sign-out", signInAndOut},
		{"hand-off-ahead", "hand-offs that the browser prefetches and prerenders before the click", aheadOfAHandOff},
		{"smuggled", "a page of another site that posts a hand-off of its owner's", smuggled},
		{"cart-links", "refresh and back on cart links, and links that do not work", cartLinks},
		{"two-tabs", "two tabs, one cart, one order", twoTabs},
		{"replayed", "hand-off forms sent again", replayed},
		{"strict-cookie", "cart links from another site, with SameSite=Strict", strictCookie},
		{"asked-ahead", "cart links that the browser prefetches and prerenders before the click", askedAhead},
		{"no-scripts", "the whole route without JavaScript", withoutScripts},
		{"staff", "what staff see, and members do not", staffPages},
		{"sandbox", "the sandboxes alone, watched and broken from their page", sandboxPage},
	}
}

// env is what a scenario runs in.
type env struct {
	*browser.Browser
	ctx      context.Context
	runner   Runner
	store    *servers.Store
	foreign  *servers.ForeignSite
	recorder *record.Recorder
	err      error
}

// fail ends the scenario for another reason than what a person sees.
func (e *env) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

// Result is what came of a scenario.
type Result struct {
	Scenario Scenario
	Pages    map[string]bool // by name, those that were inspected
	Findings []record.Finding
	// HandOffs and Referers count what there was to judge: a rule that had
	// nothing to judge proves nothing.
	HandOffs, Referers int
	Took               time.Duration
	// Err says why the scenario was not played to its end.
	Err error
}

// Runner plays scenarios. All of it is required.
type Runner struct {
	// Store and Sandbox are the programs' files, Chromium is the browser's.
	Store, Sandbox, Chromium string
	// Axe is the script of axe-core, and Pictures the folder for screenshots.
	Axe, Pictures string
}

// Play plays a scenario.
func (r Runner) Play(ctx context.Context, s Scenario) Result {
	began := time.Now()
	result := Result{Scenario: s}
	result.Err = r.play(ctx, s, &result)
	result.Took = time.Since(began)
	return result
}

func (r Runner) play(ctx context.Context, s Scenario, result *Result) (err error) {
	folder, err := os.MkdirTemp("", "amsbridge-e2e-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	store, err := servers.StartStore(ctx, r.Store, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Stop()) }()
	foreign := servers.NewForeignSite()
	defer foreign.Close()
	recorder := record.New()
	b, end, err := browser.Start(ctx, r.browserConfig(s.Name, recorder))
	if err != nil {
		return err
	}
	defer end()
	e := &env{Browser: b, ctx: ctx, runner: r, store: store, foreign: foreign, recorder: recorder}
	s.play(e)
	recorder.ServerLog(store.Log())
	result.Pages, result.Findings = b.Pages(), recorder.Findings()
	result.HandOffs, result.Referers = len(recorder.HandOffs()), recorder.Referers()
	err = errors.Join(b.Err(), e.err)
	if log := store.Log(); err != nil && log != "" {
		err = fmt.Errorf("%w\nthe end of the store's log:\n%s", err, lastLines(log, 12))
	}
	return err
}

func (r Runner) browserConfig(scenario string, recorder *record.Recorder) browser.Config {
	return browser.Config{
		Chromium: r.Chromium, Axe: r.Axe, Pictures: r.Pictures, Scenario: scenario, Recorder: recorder,
	}
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
