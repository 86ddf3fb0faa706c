package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/amsbridge/amsbridge/proof/e2e/record"
)

// inspectTimeout is how long the four views of a page and the walk over it may
// take.
const inspectTimeout = 3 * time.Minute

// Inspects takes pictures of the page in every view, has axe-core examine each,
// and walks over the page with the keyboard. The name is that of the page and
// its state; a name counts once.
func (p *Person) Inspects(name string) {
	what := "inspect " + name
	p.doWithin(inspectTimeout, what, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		p.b.pages[name] = true
		where, err := chromedp.Location()(ctx, t)
		if err != nil {
			return err
		}
		if _, err := chromedp.Evaluate[chromedp.Void](p.b.cfg.Axe)(ctx, t); err != nil {
			return fmt.Errorf("axe-core did not start: %w", err)
		}
		if _, err := allowScripts(true)(ctx, t); err != nil { // axe-core is one
			return err
		}
		for _, v := range views() {
			if err := p.inspectIn(ctx, t, v, name, where); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
		if err := p.walkOver(ctx, t, name, where); err != nil {
			return err
		}
		_, err = allowScripts(!p.scriptless)(ctx, t)
		return err
	}))
}

// drawn waits until the page is drawn as the view wants it.
const drawn = `(async () => {
	await document.fonts.ready;
	await Promise.all([...document.images].map(i => i.decode().catch(() => {})));
	await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
})()`

// tooWide is how many pixels one would have to scroll sideways.
const tooWide = `document.scrollingElement.scrollWidth - document.documentElement.clientWidth`

// violations are what axe-core finds, shortened.
const violations = `(async () => {
	const result = await axe.run(document, {
		resultTypes: ["violations"],
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
	});
	const shorten = v => v.nodes.slice(0, 3).map(n => v.id + ": " + v.help + " at " + n.target.join(" "));
	return result.violations.flatMap(shorten);
})()`

func (p *Person) inspectIn(ctx context.Context, t *chromedp.Target, v view, name, where string) error {
	look := chromedp.Steps(v.emulate(), chromedp.Evaluate[chromedp.Void](drawn, chromedp.EvalAwaitPromise))
	if _, err := look(ctx, t); err != nil {
		return err
	}
	picture, err := p.picture(name+"-"+v.name)(ctx, t)
	if err != nil {
		return err
	}
	found := func(k record.Kind, text string) {
		p.b.cfg.Recorder.Found(record.Finding{
			Kind: k, Where: where, Text: name + ", " + v.name + ": " + text, Picture: picture,
		})
	}
	all, err := chromedp.Evaluate[[]string](violations, chromedp.EvalAwaitPromise)(ctx, t)
	if err != nil {
		return fmt.Errorf("axe-core: %w", err)
	}
	for _, violation := range all {
		found(record.Axe, violation)
	}
	pixels, err := chromedp.Evaluate[int](tooWide)(ctx, t)
	if pixels > 0 {
		found(record.Layout, fmt.Sprintf("%d pixels too wide", pixels))
	}
	return err
}

// picture saves the whole page, and returns the file's path.
func (p *Person) picture(name string) chromedp.Action[string] {
	return func(ctx context.Context, t *chromedp.Target) (string, error) {
		png, err := chromedp.FullScreenshot(100)(ctx, t)
		if err != nil {
			return "", err
		}
		path := filepath.Join(p.b.cfg.Pictures, p.b.cfg.Scenario+"-"+fileName(name)+".png")
		return path, os.WriteFile(path, png, 0o600)
	}
}

// fileName is a name without what one has to quote.
func fileName(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}), "-")
}

// listControls lists all that one uses with a mouse, and keeps for each its
// number and the outlines at it and around it while it has no focus.
const listControls = `(() => {
	const kinds = "a[href],button,select,textarea,input:not([type=hidden]),summary";
	const all = [...document.querySelectorAll(kinds)]
		.filter(e => !e.disabled && e.checkVisibility({visibilityProperty: true}));
	document.activeElement.blur();
	const outline = s => s.outlineStyle === "none" && s.boxShadow === "none" ? ""
		: [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow].join();
	const parents = e => [1, 2, 3, 4].map(() => e = e && e.parentElement).filter(e => e);
	window.e2eOutlines = e => [
		getComputedStyle(e), getComputedStyle(e, "::before"), getComputedStyle(e, "::after"),
		...parents(e).map(e => getComputedStyle(e)),
	].map(outline);
	window.e2eControls = new Map(all.map((e, i) => [e, {number: i, outlines: window.e2eOutlines(e)}]));
	return all.map(e => (e.getAttribute("aria-label") || e.innerText || e.name || e.tagName).trim());
})()`

// focusedControl is the number of the control with the focus, and whether an
// outline at it or around it shows that.
const focusedControl = `(() => {
	const e = document.activeElement, before = window.e2eControls.get(e);
	if (!before) return {number: -1, shown: false};
	const shown = window.e2eOutlines(e).some((o, i) => o && o !== before.outlines[i]);
	return {number: before.number, shown};
})()`

// walkOver presses Tab over the whole page: all that one uses with a mouse must
// get the focus, and show it.
func (p *Person) walkOver(ctx context.Context, t *chromedp.Target, name, where string) error {
	names, err := chromedp.Evaluate[[]string](listControls)(ctx, t)
	if err != nil {
		return err
	}
	left := map[int]string{}
	for i, n := range names {
		left[i] = oneLine(n)
	}
	found := func(text string) {
		p.b.cfg.Recorder.Found(record.Finding{Kind: record.Keyboard, Where: where, Text: name + ": " + text})
	}
	for range len(names) + 3 { // the browser's own frame may take the focus for a moment
		if _, err := chromedp.KeyEvent(kb.Tab)(ctx, t); err != nil {
			return err
		}
		at, err := chromedp.Evaluate[struct {
			Number int
			Shown  bool
		}](focusedControl)(ctx, t)
		if err != nil {
			return err
		}
		if n, first := left[at.Number]; first {
			delete(left, at.Number)
			if !at.Shown {
				found(fmt.Sprintf("%q does not show that it has the focus", n))
			}
		}
	}
	for _, n := range left {
		found(fmt.Sprintf("%q cannot be reached", n))
	}
	return nil
}
