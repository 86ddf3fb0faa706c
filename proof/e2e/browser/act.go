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
func (p *Person) Opens(address string) { p.do("open "+address, chromedp.Navigate(address)) }

// Reloads loads the page again.
func (p *Person) Reloads() { p.do("load the page again", chromedp.Reload()) }

// GoesBack goes back to the page before. It does not wait: Chromium may show that
// page as it was left, without loading it.
func (p *Person) GoesBack() {
	p.do("go back", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
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
	}))
}

// Follows clicks an element, and waits until the page that it leads to has
// loaded. That page may lead on by itself.
func (p *Person) Follows(e Element) { p.load("follow "+e.String(), click(e)) }

// Unfolds opens a part of the page that is folded up.
func (p *Person) Unfolds(name string) {
	part := Element{"DisclosureTriangle", name}
	p.do("unfold "+part.String(), click(part))
}

func click(e Element) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		node, err := find(ctx, t, e)
		if err != nil {
			return err
		}
		scroll := dom.ScrollIntoViewIfNeededParams{BackendNodeID: node}
		if _, err := cdp.Call(ctx, t, dom.ScrollIntoViewIfNeeded, scroll); err != nil {
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
	})
}

// Chooses picks an option of a list by the beginning of its text.
func (p *Person) Chooses(list, option string) {
	const choose = `function(option) {
		const found = [...this.options].find(o => o.text.trim().startsWith(option));
		if (!found) throw new Error("there is no such option");
		this.value = found.value;
		this.dispatchEvent(new Event("change", {bubbles: true}));
	}`
	what := fmt.Sprintf("choose %q for %q", option, list)
	p.do(what, onElement[chromedp.Void](Choice(list), choose, option))
}

// Types puts a text into a field, in place of what is there.
func (p *Person) Types(field, text string) {
	selectAll := onElement[chromedp.Void](Field(field), `function() { this.focus(); this.select(); }`)
	insert := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
	p.do(fmt.Sprintf("type into %q", field), chromedp.Steps(selectAll, insert))
}

// onElement calls a JavaScript function, of which an element is the "this".
func onElement[T any](e Element, function string, args ...any) chromedp.Action[T] {
	return func(ctx context.Context, t *chromedp.Target) (result T, err error) {
		node, err := find(ctx, t, e)
		if err != nil {
			return result, err
		}
		resolved, err := cdp.Call(ctx, t, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: node})
		if err != nil {
			return result, err
		}
		on := func(call *runtime.CallFunctionOnParams) { call.ObjectID = resolved.Object.ObjectID }
		return chromedp.CallFunctionOn[T](function, on, args...)(ctx, t)
	}
}

// maxTabs is how often a person presses Tab before they give up.
const maxTabs = 120

// TabsTo presses Tab until an element has the focus: what cannot be reached so
// cannot be used without a mouse.
func (p *Person) TabsTo(e Element) {
	hasFocus := onElement[bool](e, `function() { return document.activeElement === this; }`)
	p.do("tab to "+e.String(), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for range maxTabs {
			if _, err := chromedp.KeyEvent(kb.Tab)(ctx, t); err != nil {
				return err
			}
			if focused, err := hasFocus(ctx, t); err != nil || focused {
				return err
			}
		}
		return errors.New("pressing Tab does not come by it")
	}))
}

// PressesEnter presses it on what has the focus, and waits for the page that it
// leads to.
func (p *Person) PressesEnter() { p.load("go on with Enter", chromedp.KeyEvent(kb.Enter)) }

// TurnsScriptsOff has the tab's pages run no JavaScript from now on.
func (p *Person) TurnsScriptsOff() {
	p.scriptless = true
	p.do("turn JavaScript off", allowScripts(false))
}

// allowScripts lets scripts run, or not. Those that a page brought while they
// were not allowed do not run afterwards.
func allowScripts(allow bool) action {
	disable := emulation.SetScriptExecutionDisabledParams{Value: !allow}
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, disable)
		return err
	})
}
