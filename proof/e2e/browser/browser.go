// Package browser drives headless Chromium as people do: it finds elements by
// role and name, as a screen reader tells them, clicks with the mouse or walks
// with the keyboard, and waits for what is to be seen rather than for a while.
// All that the browser sends and reports goes to a recorder.
package browser

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/amsbridge/amsbridge/proof/e2e/record"
)

// Config configures [Start]. All of it is required.
type Config struct {
	// Chromium is the path of the program.
	Chromium string
	// Axe is the script of axe-core.
	Axe string
	// Pictures is the folder for screenshots, and Scenario begins their names.
	Pictures, Scenario string
	// Recorder is told everything.
	Recorder *record.Recorder
}

// Browser is one process of Chromium with an empty profile.
type Browser struct {
	cfg   Config
	ctx   context.Context // the process's; each tab's is made from it
	pages map[string]bool
	err   error
}

// Start starts the browser. The function that it returns ends it and removes
// the profile.
func Start(ctx context.Context, cfg Config) (*Browser, func(), error) {
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(cfg.Chromium), chromedp.CombinedOutput(io.Discard),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en-US"))
	if os.Getuid() == 0 {
		// Chromium's sandbox refuses root, who is all there is in many a container.
		options = append(options, chromedp.NoSandbox)
	}
	allocator, end := chromedp.NewExecAllocator(ctx, options...)
	process, closeProcess := chromedp.NewContext(allocator)
	stop := func() { closeProcess(); end() }
	if err := chromedp.Do(process); err != nil {
		stop()
		return nil, nil, fmt.Errorf("the browser did not start: %w", err)
	}
	return &Browser{cfg: cfg, ctx: process, pages: map[string]bool{}}, stop, nil
}

// Err returns the first step that failed. After it every person does nothing.
func (b *Browser) Err() error { return b.err }

// Pages returns the names of the pages that were inspected.
func (b *Browser) Pages() map[string]bool { return b.pages }

// Person is somebody at a tab, with cookies of their own.
type Person struct {
	b          *Browser
	name       string
	ctx        context.Context
	scriptless bool // they turned JavaScript off

	// Close closes the tab.
	Close func()
}

// Person opens a tab with a profile of its own: no cookie, no history.
func (b *Browser) Person(name string) *Person {
	return b.open(b.ctx, name, chromedp.WithNewBrowserContext())
}

// Tab opens another tab of the same person.
func (p *Person) Tab() *Person { return p.b.open(p.ctx, p.name) }

func (b *Browser) open(parent context.Context, name string, options ...chromedp.ContextOption) *Person {
	p := &Person{b: b, name: name}
	options = append(options, chromedp.WithListener(listener(b.cfg.Recorder)))
	p.ctx, p.Close = chromedp.NewContext(parent, options...)
	if b.err == nil { // without a time limit, since the tab lives as long as the context of its first step
		if err := chromedp.Do(p.ctx); err != nil {
			p.fail("open a tab", err)
		}
	}
	p.do("open a tab", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, audits.Enable, cdp.Empty{}); err != nil {
			return err
		}
		focus := emulation.SetFocusEmulationEnabledParams{Enabled: true} // as if the tab were in front
		_, err := cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled, focus)
		return err
	}))
	p.do("open a tab", lightDesktop.emulate())
	return p
}

// ExpectsStatus says that the scenario asks for a page which answers with that
// status of an error.
func (p *Person) ExpectsStatus(path string, status int) { p.b.cfg.Recorder.ExpectStatus(path, status) }

// ExpectsMessage says that the scenario does what the console reports in these words.
func (p *Person) ExpectsMessage(part string) { p.b.cfg.Recorder.ExpectMessage(part) }

// stepTimeout is how long a step may take, and how long something may take to
// be seen.
const stepTimeout = 30 * time.Second

// action is what a person does at a tab.
type action = chromedp.Action[chromedp.Void]

// do takes an action, unless one before it failed.
func (p *Person) do(what string, a action) { p.doWithin(stepTimeout, what, a) }

// load takes an action that loads a page, and waits until it has loaded.
func (p *Person) load(what string, a action) {
	p.do(what, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.RunResponse(ctx, a)
		return err
	}))
}

func (p *Person) doWithin(limit time.Duration, what string, a action) {
	if p.b.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	if err := chromedp.Do(ctx, a); err != nil {
		p.fail(what, err)
	}
}

// fail ends the scenario, with a picture of what the person saw.
func (p *Person) fail(what string, err error) {
	if p.b.err != nil {
		return
	}
	p.b.err = fmt.Errorf("%s could not %s: %s", p.name, what, oneLine(err.Error()))
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	at, _ := chromedp.Run(ctx, chromedp.Location()) // a broken tab has neither address nor picture
	picture, _ := chromedp.Run(ctx, p.picture("failed-"+p.name))
	p.b.cfg.Recorder.Found(record.Finding{
		Kind: record.Story, Where: at, Text: p.b.err.Error(), Picture: picture,
	})
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
