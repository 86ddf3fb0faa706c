// Package browse drives headless Chromium as people use a browser: it finds
// things by their role and name, as a screen reader tells them, clicks with the
// mouse or walks with the keyboard, and waits for what is to be seen rather than
// for a while. All that the browser sends and says goes to a watch.
package browse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/amsbridge/amsbridge/proof/e2e/watch"
)

// Config configures [Start].
type Config struct {
	// Chromium is the path of the program. Required.
	Chromium string
	// Axe is the script of axe-core. Required.
	Axe string
	// Shots is the folder for pictures. Required.
	Shots string
	// Scene begins the pictures' names.
	Scene string
	// Watch is told everything. Required.
	Watch *watch.Watch
	// Patience is how long something may take to be seen. Defaults to 30 seconds.
	Patience time.Duration
}

// Browser is one process of Chromium with an empty profile.
type Browser struct {
	cfg   Config
	ctx   context.Context // of the process, whence the tabs' are made
	pages map[string]bool
	err   error
}

// Start starts the browser; the function that it returns ends it and removes the
// profile.
func Start(ctx context.Context, cfg Config) (*Browser, func(), error) {
	if cfg.Patience == 0 {
		cfg.Patience = 30 * time.Second
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(cfg.Chromium), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en-US"),
		chromedp.CombinedOutput(io.Discard))
	if os.Getuid() == 0 {
		// The sandbox refuses root, who is all there is in many a container.
		options = append(options, chromedp.NoSandbox)
	}
	allocated, end := chromedp.NewExecAllocator(ctx, options...)
	main, closeMain := chromedp.NewContext(allocated)
	stop := func() { closeMain(); end() }
	if err := chromedp.Do(main); err != nil {
		stop()
		return nil, nil, fmt.Errorf("the browser did not start: %w", err)
	}
	return &Browser{cfg: cfg, ctx: main, pages: map[string]bool{}}, stop, nil
}

// Err returns why the scene could not go on: the first thing that failed. After
// it every person does nothing.
func (b *Browser) Err() error { return b.err }

// Pages are the names of the pages that were looked at.
func (b *Browser) Pages() map[string]bool { return b.pages }

// Person is one tab, of somebody whose cookies are their own.
type Person struct {
	b     *Browser
	name  string
	ctx   context.Context
	loads *loads
	// scriptless is set where the person has turned JavaScript off.
	scriptless bool
	// Leaves closes the tab.
	Leaves func()
}

// Person opens a tab with a profile of its own: no cookie, no history.
func (b *Browser) Person(name string) *Person {
	return b.open(b.ctx, name, chromedp.WithNewBrowserContext())
}

// Tab opens another tab of the same person.
func (p *Person) Tab() *Person { return p.b.open(p.ctx, p.name) }

func (b *Browser) open(parent context.Context, name string, options ...chromedp.ContextOption) *Person {
	p := &Person{b: b, name: name, loads: newLoads()}
	p.ctx, p.Leaves = chromedp.NewContext(parent, append(options, chromedp.WithListener(p.hear()))...)
	if b.err == nil { // the tab ends with the context of its first step, so that one has no bound
		if err := chromedp.Do(p.ctx); err != nil {
			p.fail("open a tab", err)
		}
	}
	p.do("open a tab", func(ctx context.Context, t cdp.Session) error {
		_, err1 := cdp.Call(ctx, t, runtime.Enable, cdp.Empty{})
		_, err2 := cdp.Call(ctx, t, audits.Enable, cdp.Empty{})
		_, err3 := cdp.Call(ctx, t, accessibility.Enable, cdp.Empty{})
		_, err4 := cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return errors.Join(err1, err2, err3, err4, Desktop.emulate(ctx, t))
	})
	return p
}

// Meant says that the scene asks for a page which answers with that status.
func (p *Person) Meant(path string, status int) { p.b.cfg.Watch.Meant(path, status) }

// do runs a step, unless one before it failed.
func (p *Person) do(what string, step func(context.Context, cdp.Session) error) {
	p.within(p.b.cfg.Patience, what, step)
}

func (p *Person) within(bound time.Duration, what string, step func(context.Context, cdp.Session) error) {
	if p.b.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, bound)
	defer cancel()
	if err := chromedp.Do(ctx, on(step)); err != nil {
		p.fail(what, err)
	}
}

// on is a step as the driver wants it.
func on(step func(context.Context, cdp.Session) error) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error { return step(ctx, t) })
}

// fail ends the scene, with a picture of what the person saw.
func (p *Person) fail(what string, err error) {
	if p.b.err != nil {
		return
	}
	p.b.err = fmt.Errorf("%s could not %s: %s", p.name, what, oneLine(err.Error()))
	where, shot := p.lastSeen()
	p.b.cfg.Watch.Found(watch.Finding{Kind: watch.Story, Where: where, Text: p.b.err.Error(), Shot: shot})
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
