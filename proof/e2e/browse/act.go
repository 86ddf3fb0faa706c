package browse

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp/kb"
)

// Opens types an address, and waits until its page has loaded.
func (p *Person) Opens(address string) {
	p.loading("open "+address, func(ctx context.Context, tab cdp.Session) error {
		result, err := cdp.Call(ctx, tab, page.Navigate, page.NavigateParams{URL: address})
		if err == nil && result.ErrorText != "" {
			err = errors.New(result.ErrorText)
		}
		return err
	})
}

// Follows clicks a thing, and waits until the page that it leads to has loaded.
// That page may lead on by itself.
func (p *Person) Follows(t Thing) {
	p.loading("follow "+t.String(), func(ctx context.Context, tab cdp.Session) error { return click(ctx, tab, t) })
}

// Reloads loads the page again.
func (p *Person) Reloads() {
	p.loading("load the page again", reload)
}

func reload(ctx context.Context, tab cdp.Session) error {
	_, err := cdp.Call(ctx, tab, page.Reload, page.ReloadParams{})
	return err
}

// GoesBack goes back to the page before.
func (p *Person) GoesBack() {
	p.do("go back", func(ctx context.Context, tab cdp.Session) error {
		all, err := cdp.Call(ctx, tab, page.GetNavigationHistory, cdp.Empty{})
		if err != nil {
			return err
		}
		if all.CurrentIndex == 0 {
			return errors.New("there is no page before")
		}
		before := page.NavigateToHistoryEntryParams{EntryID: all.Entries[all.CurrentIndex-1].ID}
		_, err = cdp.Call(ctx, tab, page.NavigateToHistoryEntry, before)
		return err
	})
}

// loading does something that loads a page.
func (p *Person) loading(what string, step func(context.Context, cdp.Session) error) {
	p.do(what, func(ctx context.Context, tab cdp.Session) error { return p.load(ctx, tab, step) })
}

func (p *Person) load(ctx context.Context, tab cdp.Session, step func(context.Context, cdp.Session) error) error {
	before, _, more := p.loads.now()
	if err := step(ctx, tab); err != nil {
		return err
	}
	for done := before; done <= before; _, done, more = p.loads.now() {
		select {
		case <-more:
		case <-ctx.Done():
			return errors.New("no page was loaded")
		}
	}
	return nil
}

func click(ctx context.Context, tab cdp.Session, t Thing) error {
	node, err := find(ctx, tab, t)
	if err != nil {
		return err
	}
	if _, err := cdp.Call(ctx, tab, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: node}); err != nil {
		return err
	}
	shape, err := cdp.Call(ctx, tab, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: node})
	if err != nil {
		return err
	}
	if len(shape.Quads) == 0 || len(shape.Quads[0]) != 8 {
		return errors.New("it is nowhere on the page")
	}
	q := shape.Quads[0]
	x, y := (q[0]+q[2]+q[4]+q[6])/4, (q[1]+q[3]+q[5]+q[7])/4
	for _, e := range []input.DispatchMouseEventParams{
		{Type: input.DispatchMouseEventTypeMouseMoved, X: x, Y: y},
		{Type: input.DispatchMouseEventTypeMousePressed, X: x, Y: y, Button: input.MouseButtonLeft, ClickCount: 1},
		{Type: input.DispatchMouseEventTypeMouseReleased, X: x, Y: y, Button: input.MouseButtonLeft, ClickCount: 1},
	} {
		if _, err := cdp.Call(ctx, tab, input.DispatchMouseEvent, e); err != nil {
			return err
		}
	}
	return nil
}

// Chooses picks an option of a list by its text.
func (p *Person) Chooses(list, option string) {
	p.do(fmt.Sprintf("choose %q for %q", option, list), func(ctx context.Context, tab cdp.Session) error {
		return call(ctx, tab, Choice(list), `function() {
			const found = [...this.options].find(o => o.text.trim().startsWith(`+strconv.Quote(option)+`));
			if (!found) throw new Error("there is no such option");
			this.value = found.value;
			this.dispatchEvent(new Event("change", {bubbles: true}));
		}`)
	})
}

// Types puts a text into a field, in place of what is there.
func (p *Person) Types(field, text string) {
	p.do(fmt.Sprintf("type into %q", field), func(ctx context.Context, tab cdp.Session) error {
		return call(ctx, tab, Field(field), `function() {
			this.focus();
			this.value = `+strconv.Quote(text)+`;
			this.dispatchEvent(new Event("input", {bubbles: true}));
		}`)
	})
}

// Unfolds opens a part of the page that is folded up.
func (p *Person) Unfolds(name string) {
	part := Thing{"DisclosureTriangle", name}
	p.do("unfold "+part.String(), func(ctx context.Context, tab cdp.Session) error { return click(ctx, tab, part) })
}

// call calls a function on a thing.
func call(ctx context.Context, tab cdp.Session, t Thing, function string) error {
	node, err := find(ctx, tab, t)
	if err != nil {
		return err
	}
	resolved, err := cdp.Call(ctx, tab, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: node})
	if err != nil {
		return err
	}
	answer, err := cdp.Call(ctx, tab, runtime.CallFunctionOn, runtime.CallFunctionOnParams{FunctionDeclaration: function, ObjectID: resolved.Object.ObjectID})
	if err == nil && answer.ExceptionDetails != nil {
		err = errors.New(thrown(answer.ExceptionDetails))
	}
	return err
}

// maxTabs is how often a person presses Tab before they give up.
const maxTabs = 120

// WalksTo presses Tab until a thing has the focus: what cannot be reached so
// cannot be used without a mouse.
func (p *Person) WalksTo(t Thing) {
	p.do("reach "+t.String()+" with the keyboard", func(ctx context.Context, tab cdp.Session) error {
		wanted, err := find(ctx, tab, t)
		if err != nil {
			return err
		}
		for range maxTabs {
			if err := press(ctx, tab, kb.Tab); err != nil {
				return err
			}
			focused, err := focus(ctx, tab)
			if err != nil {
				return err
			}
			if focused == wanted {
				return nil
			}
		}
		return errors.New("Tab does not come by it")
	})
}

// PressesEnter presses it on what has the focus, and waits for the page that it
// leads to.
func (p *Person) PressesEnter() {
	p.loading("go on with Enter", func(ctx context.Context, tab cdp.Session) error { return press(ctx, tab, kb.Enter) })
}

// focus is the element that has the focus.
func focus(ctx context.Context, tab cdp.Session) (cdp.BackendNodeID, error) {
	has, err := cdp.Call(ctx, tab, runtime.Evaluate, runtime.EvaluateParams{Expression: "document.activeElement"})
	if err != nil || has.Result.ObjectID == "" {
		return 0, err
	}
	node, err := cdp.Call(ctx, tab, dom.DescribeNode, dom.DescribeNodeParams{ObjectID: has.Result.ObjectID})
	if err != nil {
		return 0, err
	}
	return node.Node.BackendNodeID, nil
}

// press presses a key and lets it go.
func press(ctx context.Context, tab cdp.Session, keys string) error {
	for _, k := range kb.Encode([]rune(keys)[0]) {
		if _, err := cdp.Call(ctx, tab, input.DispatchKeyEvent, *k); err != nil {
			return err
		}
	}
	return nil
}

// TurnsScriptsOff has the tab's pages run no JavaScript from now on.
func (p *Person) TurnsScriptsOff() {
	p.scriptless = true
	p.do("turn JavaScript off", func(ctx context.Context, tab cdp.Session) error { return p.scripts(ctx, tab, false) })
}

// scripts lets scripts run, or not. Those that a page brought while they could
// not are not made up for.
func (p *Person) scripts(ctx context.Context, tab cdp.Session, on bool) error {
	_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
	return err
}
