package browser

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// view is a size of screen and a choice of colours.
type view struct {
	name        string
	dark, phone bool
}

// lightDesktop is what people have when they do not say otherwise.
var lightDesktop = view{name: "light-desktop"}

// views are all in which every page is inspected. The last one stays.
func views() []view {
	return []view{
		{name: "dark-desktop", dark: true},
		{name: "light-phone", phone: true},
		{name: "dark-phone", dark: true, phone: true},
		lightDesktop,
	}
}

// emulate has the tab look so.
func (v view) emulate() action {
	screen, colours := chromedp.EmulateViewport(1280, 900), "light"
	if v.phone {
		screen = chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile)
	}
	if v.dark {
		colours = "dark"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: colours}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	return chromedp.Steps(screen, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, media)
		return err
	}))
}
