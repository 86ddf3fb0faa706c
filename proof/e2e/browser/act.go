package browser

import (
	"context"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Opens opens an address, and waits until its page has loaded.
func (p *Person) Opens(address string) {
	p.run(stepTimeout, "open "+address, chromedp.Navigate(address))
}

// Reloads loads the page again.
func (p *Person) Reloads() { p.run(stepTimeout, "load the page again", chromedp.Reload()) }

// GoesBack goes back to the page before. It does not wait: Chromium may show that
// page as it was left, without loading it.
func (p *Person) GoesBack() {
	p.do("go back", func(ctx context.Context, t *chromedp.Target) error {
		history, err := chromedp.NavigationEntries()(ctx, t)
		if err != nil {
			return err
		}
		if history.CurrentIndex == 0 {
			return errors.New("there is no page before")
		}
		before := page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex-1].ID}
		_, err = cdp.Call(ctx, t, page.NavigateToHistoryEntry, before)
		return err
	})
}

// Follows clicks an element, and waits until the page that it leads to has
// loaded. That page may lead on by itself.
func (p *Person) Follows(e Element) {
	p.load("follow "+e.String(), func(ctx context.Context, t *chromedp.Target) error { return click(ctx, t, e) })
}

// Unfolds opens a part of the page that is folded up.
func (p *Person) Unfolds(name string) {
	part := Element{"DisclosureTriangle", name}
	p.do("unfold "+part.String(), func(ctx context.Context, t *chromedp.Target) error { return click(ctx, t, part) })
}

func click(ctx context.Context, t *chromedp.Target, e Element) error {
	node, err := find(ctx, t, e)
	if err != nil {
		return err
	}
	if _, err := cdp.Call(ctx, t, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: node}); err != nil {
		return err
	}
	shape, err := cdp.Call(ctx, t, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: node})
	if err != nil {
		return err
	}
	if len(shape.Quads) == 0 || len(shape.Quads[0]) != 8 {
		return errors.New("it is nowhere on the page")
	}
	corners := shape.Quads[0] // clockwise, x and y by turns
	_, err = chromedp.MouseClickXY((corners[0]+corners[4])/2, (corners[1]+corners[5])/2)(ctx, t)
	return err
}

// Chooses picks an option of a list by the beginning of its text.
func (p *Person) Chooses(list, option string) {
	p.do(fmt.Sprintf("choose %q for %q", option, list), func(ctx context.Context, t *chromedp.Target) error {
		on, err := object(ctx, t, Choice(list))
		if err != nil {
			return err
		}
		_, err = chromedp.CallFunctionOn[chromedp.Void](`function(option) {
			const found = [...this.options].find(o => o.text.trim().startsWith(option));
			if (!found) throw new Error("there is no such option");
			this.value = found.value;
			this.dispatchEvent(new Event("change", {bubbles: true}));
		}`, on, option)(ctx, t)
		return err
	})
}

// Types puts a text into a field, in place of what is there.
func (p *Person) Types(field, text string) {
	p.do(fmt.Sprintf("type into %q", field), func(ctx context.Context, t *chromedp.Target) error {
		on, err := object(ctx, t, Field(field))
		if err != nil {
			return err
		}
		if _, err := chromedp.CallFunctionOn[chromedp.Void](`function() { this.focus(); this.select(); }`, on)(ctx, t); err != nil {
			return err
		}
		_, err = cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
}

// object makes an element the "this" of a JavaScript function.
func object(ctx context.Context, t *chromedp.Target, e Element) (chromedp.CallOption, error) {
	node, err := find(ctx, t, e)
	if err != nil {
		return nil, err
	}
	resolved, err := cdp.Call(ctx, t, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: node})
	if err != nil {
		return nil, err
	}
	return func(call *runtime.CallFunctionOnParams) { call.ObjectID = resolved.Object.ObjectID }, nil
}

// maxTabs is how often a person presses Tab before they give up.
const maxTabs = 120

// TabsTo presses Tab until an element has the focus: what cannot be reached so
// cannot be used without a mouse.
func (p *Person) TabsTo(e Element) {
	p.do("reach "+e.String()+" with the keyboard", func(ctx context.Context, t *chromedp.Target) error {
		on, err := object(ctx, t, e)
		if err != nil {
			return err
		}
		for range maxTabs {
			if _, err := chromedp.KeyEvent(kb.Tab)(ctx, t); err != nil {
				return err
			}
			focused, err := chromedp.CallFunctionOn[bool](`function() { return document.activeElement === this; }`, on)(ctx, t)
			if err != nil || focused {
				return err
			}
		}
		return errors.New("pressing Tab does not come by it")
	})
}

// PressesEnter presses it on what has the focus, and waits for the page that it
// leads to.
func (p *Person) PressesEnter() {
	p.load("go on with Enter", func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.KeyEvent(kb.Enter)(ctx, t)
		return err
	})
}

// TurnsScriptsOff has the tab's pages run no JavaScript from now on.
func (p *Person) TurnsScriptsOff() {
	p.scriptless = true
	p.do("turn JavaScript off", func(ctx context.Context, t *chromedp.Target) error { return allowScripts(ctx, t, false) })
}

// allowScripts lets scripts run, or not. Those that a page brought while they
// were not allowed do not run afterwards.
func allowScripts(ctx context.Context, t *chromedp.Target, allow bool) error {
	_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !allow})
	return err
}
