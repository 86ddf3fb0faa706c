package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Element is something on a page, by its role and its name, as a screen reader
// tells them. A name may be a part of the whole one. Where several elements
// match, the one with the exact name counts, then the first.
type Element struct{ Role, Name string }

// Link is a link.
func Link(name string) Element { return Element{"link", name} }

// Button is a button.
func Button(name string) Element { return Element{"button", name} }

// Heading is a heading of any level.
func Heading(name string) Element { return Element{"heading", name} }

// Choice is a list of options, of which one is chosen.
func Choice(name string) Element { return Element{"combobox", name} }

// Field is a field of text.
func Field(name string) Element { return Element{"textbox", name} }

// String names it for reports.
func (e Element) String() string { return fmt.Sprintf("the %s %q", e.Role, e.Name) }

// errMissing is returned for an element that the page has not.
var errMissing = errors.New("it is not there")

// find waits for an element.
func find(ctx context.Context, t *chromedp.Target, e Element) (node cdp.BackendNodeID, err error) {
	err = until(ctx, func() (err error) {
		node, err = match(ctx, t, e)
		return err
	})
	return node, err
}

// match returns the element of that role and name, or errMissing.
func match(ctx context.Context, t *chromedp.Target, e Element) (first cdp.BackendNodeID, err error) {
	document, err := chromedp.Evaluate[*runtime.RemoteObject]("document")(ctx, t)
	if err != nil {
		return 0, err
	}
	all, err := cdp.Call(ctx, t, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{ObjectID: document.ObjectID, Role: e.Role})
	if err != nil {
		return 0, err
	}
	for _, node := range all.Nodes {
		if node.Ignored || node.Name == nil {
			continue
		}
		var name string
		if err := json.Unmarshal(node.Name.Value, &name); err != nil {
			return 0, err
		}
		switch name = oneLine(name); {
		case strings.EqualFold(name, e.Name):
			return node.BackendDOMNodeID, nil
		case first == 0 && strings.Contains(name, e.Name):
			first = node.BackendDOMNodeID
		}
	}
	if first == 0 {
		return 0, errMissing
	}
	return first, nil
}

// pollEvery is how often a page that somebody waits for is looked at.
const pollEvery = 40 * time.Millisecond

// until tries again and again, for as long as the context lasts. Errors on the
// way may be those of a page that is just being replaced.
func until(ctx context.Context, try func() error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	last := ctx.Err()
	for ctx.Err() == nil {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil { // what the end of the time broke off says nothing
			last = err
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return last
}

// waits takes a step again and again, until it works.
func (p *Person) waits(what string, s step) {
	p.do(what, func(ctx context.Context, t *chromedp.Target) error {
		return until(ctx, func() error { return s(ctx, t) })
	})
}

// Sees waits until an element is there.
func (p *Person) Sees(e Element) { p.waits("see "+e.String(), sees(e)) }

func sees(e Element) step {
	return func(ctx context.Context, t *chromedp.Target) error {
		_, err := match(ctx, t, e)
		return err
	}
}

// SeesNot wants an element not to be there, on the page that is shown now.
func (p *Person) SeesNot(e Element) {
	p.do("see a page without "+e.String(), func(ctx context.Context, t *chromedp.Target) error {
		switch _, err := match(ctx, t, e); {
		case err == nil:
			return errors.New("it is there")
		case !errors.Is(err, errMissing):
			return err
		}
		return nil
	})
}

// Reads waits until the page's text holds all of these.
func (p *Person) Reads(parts ...string) { p.waits(fmt.Sprintf("read %q", parts), reads(parts...)) }

func reads(parts ...string) step {
	return func(ctx context.Context, t *chromedp.Target) error {
		text, err := pageText(ctx, t)
		for _, part := range parts {
			if err == nil && !strings.Contains(text, part) {
				err = fmt.Errorf("it does not say %q", part)
			}
		}
		return err
	}
}

// ReadsNot wants the page's text, as it is now, to hold none of these.
func (p *Person) ReadsNot(parts ...string) {
	p.do(fmt.Sprintf("read a page without %q", parts), func(ctx context.Context, t *chromedp.Target) error {
		text, err := pageText(ctx, t)
		for _, part := range parts {
			if strings.Contains(text, part) {
				return fmt.Errorf("it says %q", part)
			}
		}
		return err
	})
}

// ReadsOnce waits until the page's text holds a word exactly once.
func (p *Person) ReadsOnce(word string) {
	whole := regexp.MustCompile(`\b` + regexp.QuoteMeta(word) + `\b`)
	p.waits(fmt.Sprintf("read %q once", word), func(ctx context.Context, t *chromedp.Target) error {
		text, err := pageText(ctx, t)
		if n := len(whole.FindAllString(text, -1)); err == nil && n != 1 {
			err = fmt.Errorf("it is there %d times", n)
		}
		return err
	})
}

func pageText(ctx context.Context, t *chromedp.Target) (string, error) {
	text, err := chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`)(ctx, t)
	return oneLine(text), err
}

// ReloadsUntil loads the page again and again, until an element is there.
func (p *Person) ReloadsUntil(e Element) { p.reloadsUntil("see "+e.String(), sees(e)) }

// ReloadsUntilReads loads the page again and again, until its text holds
// something.
func (p *Person) ReloadsUntilReads(part string) {
	p.reloadsUntil(fmt.Sprintf("read %q", part), reads(part))
}

func (p *Person) reloadsUntil(what string, s step) {
	p.waits(what, func(ctx context.Context, t *chromedp.Target) error {
		err := s(ctx, t)
		if err != nil {
			_, failed := chromedp.Reload()(ctx, t)
			err = errors.Join(err, failed)
		}
		return err
	})
}

// IsAt waits until the address begins so.
func (p *Person) IsAt(address string) {
	p.waits("come to "+address, func(ctx context.Context, t *chromedp.Target) error {
		at, err := chromedp.Location()(ctx, t)
		if err == nil && !strings.HasPrefix(at, address) {
			err = fmt.Errorf("it is %s", at)
		}
		return err
	})
}

// Location returns the address of the page that is shown.
func (p *Person) Location() (at string) {
	p.do("tell the address", func(ctx context.Context, t *chromedp.Target) (err error) {
		at, err = chromedp.Location()(ctx, t)
		return err
	})
	return at
}

// History returns the addresses in the tab's history.
func (p *Person) History() (addresses []string) {
	p.do("read the history", func(ctx context.Context, t *chromedp.Target) error {
		history, err := chromedp.NavigationEntries()(ctx, t)
		for _, entry := range history.Entries {
			addresses = append(addresses, entry.URL)
		}
		return err
	})
	return addresses
}
