package browse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/amsbridge/amsbridge/proof/e2e/watch"
)

// View is a size of screen and a choice of colours.
type View struct {
	Name          string
	Dark, Phone   bool
	Width, Height int64
	Scale         float64
}

// Desktop is what people have when they do not say otherwise.
var Desktop = View{Name: "light-desktop", Width: 1280, Height: 900, Scale: 1}

// Views are all in which every page is looked at.
func Views() []View {
	dark := Desktop
	dark.Name, dark.Dark = "dark-desktop", true
	phone := View{Name: "light-phone", Phone: true, Width: 390, Height: 844, Scale: 2}
	night := phone
	night.Name, night.Dark = "dark-phone", true
	return []View{dark, phone, night, Desktop} // the last one stays
}

// emulate has the tab look so.
func (v View) emulate(ctx context.Context, tab cdp.Session) error {
	colours := "light"
	if v.Dark {
		colours = "dark"
	}
	_, err := cdp.Call(ctx, tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: v.Width, Height: v.Height, DeviceScaleFactor: v.Scale, Mobile: v.Phone,
	})
	if err != nil {
		return err
	}
	_, err = cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: colours}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	return err
}

// settled waits until the page is drawn as the view wants it.
const settled = `(async () => {
	await document.fonts.ready;
	await Promise.all([...document.images].map(i => i.decode().catch(() => {})));
	await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
	return true;
})()`

// overflow is how many pixels one would have to scroll sideways.
const overflow = `document.scrollingElement.scrollWidth - document.documentElement.clientWidth`

// axe tells what it finds, shortened.
const axe = `(async () => {
	const result = await axe.run(document, {
		resultTypes: ["violations"],
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
	});
	return result.violations.flatMap(v => v.nodes.slice(0, 3).map(n => v.id + ": " + v.help + " at " + n.target.join(" ")));
})()`

// lookAtMost is how long the four views of a page and the walk over it may take.
const lookAtMost = 3 * time.Minute

// Looks takes pictures of the page in every view, has axe-core examine each, and
// walks over the page with the keyboard. The name is that of the page and its
// state; a name counts once.
func (p *Person) Looks(name string) {
	p.within(lookAtMost, "look at "+name, func(ctx context.Context, tab cdp.Session) error {
		p.b.pages[name] = true
		where, err := location(ctx, tab)
		if err != nil {
			return err
		}
		if err := eval(ctx, tab, p.b.cfg.Axe+"\n;true", nil); err != nil {
			return fmt.Errorf("axe-core did not start: %w", err)
		}
		if err := p.scripts(ctx, tab, true); err != nil { // axe-core is one
			return err
		}
		for _, v := range Views() {
			if err := p.lookIn(ctx, tab, v, name, where); err != nil {
				return fmt.Errorf("%s: %w", v.Name, err)
			}
		}
		return errors.Join(p.walkOver(ctx, tab, name, where), p.scripts(ctx, tab, !p.scriptless))
	})
}

func (p *Person) lookIn(ctx context.Context, tab cdp.Session, v View, name, where string) error {
	if err := v.emulate(ctx, tab); err != nil {
		return err
	}
	if err := eval(ctx, tab, settled, nil); err != nil {
		return err
	}
	shot, err := p.picture(ctx, tab, name+"-"+v.Name)
	if err != nil {
		return err
	}
	found := func(k watch.Kind, text string) {
		p.b.cfg.Watch.Found(watch.Finding{Kind: k, Where: where, Text: name + ", " + v.Name + ": " + text, Shot: shot})
	}
	var violations []string
	if err := eval(ctx, tab, axe, &violations); err != nil {
		return fmt.Errorf("axe-core: %w", err)
	}
	for _, violation := range violations {
		found(watch.Axe, violation)
	}
	var wide int
	if err := eval(ctx, tab, overflow, &wide); err != nil {
		return err
	}
	if wide > 0 {
		found(watch.Layout, fmt.Sprintf("%d pixels too wide", wide))
	}
	return nil
}

// picture saves the whole page, and returns the file's path.
func (p *Person) picture(ctx context.Context, tab cdp.Session, name string) (string, error) {
	metrics, err := cdp.Call(ctx, tab, page.GetLayoutMetrics, cdp.Empty{})
	if err != nil {
		return "", err
	}
	size := metrics.CSSContentSize
	shot, err := cdp.Call(ctx, tab, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: new(true), Clip: &page.Viewport{Width: size.Width, Height: min(size.Height, 6000), Scale: 1},
	})
	if err != nil {
		return "", err
	}
	path := filepath.Join(p.b.cfg.Shots, p.b.cfg.Scene+"-"+fileName(name)+".png")
	return path, os.WriteFile(path, shot.Data, 0o600)
}

// fileName is a name without what one has to quote.
func fileName(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}), "-")
}

// lastSeen is where a person is who could not go on, and a picture of it where
// one can be taken.
func (p *Person) lastSeen() (where, shot string) {
	ctx, cancel := context.WithTimeout(p.ctx, p.b.cfg.Patience)
	defer cancel()
	err := chromedp.Do(ctx, on(func(ctx context.Context, tab cdp.Session) (err error) {
		where, err = location(ctx, tab)
		if err == nil {
			shot, err = p.picture(ctx, tab, "failed-"+p.name)
		}
		return err
	}))
	if err != nil {
		shot = "" // the report does without
	}
	return where, shot
}

// usable are the things that one uses with a mouse, each with a number, and
// with the rings that stand around it while it has no focus.
const usable = `(() => {
	const all = [...document.querySelectorAll("a[href],button,select,textarea,input:not([type=hidden]),summary")]
		.filter(e => !e.disabled && e.checkVisibility({visibilityProperty: true}));
	document.activeElement.blur();
	window.ring = s => s.outlineStyle === "none" && s.boxShadow === "none" ? "" : [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow].join();
	window.rings = e => [getComputedStyle(e), getComputedStyle(e, "::before"), getComputedStyle(e, "::after"),
		...[1, 2, 3, 4].map(() => e = e && e.parentElement).filter(e => e).map(e => getComputedStyle(e))].map(window.ring);
	window.usable = new Map(all.map((e, i) => [e, {number: i, rings: window.rings(e)}]));
	return all.map(e => (e.getAttribute("aria-label") || e.innerText || e.name || e.tagName).trim());
})()`

// reached is the number of the thing with the focus, and whether a ring has come
// up at it or around it.
const reached = `(() => {
	const e = document.activeElement, before = window.usable.get(e);
	if (!before) return {number: -1, shown: false};
	return {number: before.number, shown: window.rings(e).some((r, i) => r && r !== before.rings[i])};
})()`

// walkOver presses Tab over the whole page: all that is usable must get the
// focus, and show it.
func (p *Person) walkOver(ctx context.Context, tab cdp.Session, name, where string) error {
	var names []string
	if err := eval(ctx, tab, usable, &names); err != nil {
		return err
	}
	left := map[int]string{}
	for i, n := range names {
		left[i] = oneLine(n)
	}
	found := func(text string) {
		p.b.cfg.Watch.Found(watch.Finding{Kind: watch.Keyboard, Where: where, Text: name + ": " + text})
	}
	for range len(names) + 3 { // the browser's own frame may take the focus for a moment
		if err := press(ctx, tab, kb.Tab); err != nil {
			return err
		}
		var at struct {
			Number int
			Shown  bool
		}
		if err := eval(ctx, tab, reached, &at); err != nil {
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
