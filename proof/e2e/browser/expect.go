package browser

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

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

// waits takes a look again and again, until it returns no error.
func (p *Person) waits(what string, l look) {
	p.do(what, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return until(ctx, func() error { return l(ctx, t) })
	}))
}

// look returns an error that says what is not as it should be.
type look func(context.Context, *chromedp.Target) error

func sees(e Element) look {
	return func(ctx context.Context, t *chromedp.Target) error {
		_, err := match(ctx, t, e)
		return err
	}
}

func reads(parts ...string) look {
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

func pageText(ctx context.Context, t *chromedp.Target) (string, error) {
	text, err := chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`)(ctx, t)
	return oneLine(text), err
}

// Sees waits until an element is there.
func (p *Person) Sees(e Element) { p.waits("see "+e.String(), sees(e)) }

// SeesNot wants an element not to be there, on the page that is shown now.
func (p *Person) SeesNot(e Element) {
	p.do("see a page without "+e.String(), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		switch err := sees(e)(ctx, t); {
		case err == nil:
			return errors.New("it is there")
		case !errors.Is(err, errMissing):
			return err
		}
		return nil
	}))
}

// Reads waits until the page's text holds all of these.
func (p *Person) Reads(parts ...string) { p.waits(fmt.Sprintf("read %q", parts), reads(parts...)) }

// ReadsNot wants the page's text, as it is now, to hold none of these.
func (p *Person) ReadsNot(parts ...string) {
	what := fmt.Sprintf("read a page without %q", parts)
	p.do(what, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		text, err := pageText(ctx, t)
		for _, part := range parts {
			if strings.Contains(text, part) {
				return fmt.Errorf("it says %q", part)
			}
		}
		return err
	}))
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

// ReloadsUntil loads the page again and again, until an element is there.
func (p *Person) ReloadsUntil(e Element) { p.reloadsUntil("see "+e.String(), sees(e)) }

// ReloadsUntilReads loads the page again and again, until its text holds
// something.
func (p *Person) ReloadsUntilReads(part string) {
	p.reloadsUntil(fmt.Sprintf("read %q", part), reads(part))
}

func (p *Person) reloadsUntil(what string, l look) {
	p.waits(what, func(ctx context.Context, t *chromedp.Target) error {
		err := l(ctx, t)
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
	p.do("tell the address", chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		at, err = chromedp.Location()(ctx, t)
		return err
	}))
	return at
}

// History returns the addresses in the tab's history.
func (p *Person) History() (addresses []string) {
	p.do("read the history", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		history, err := chromedp.NavigationEntries()(ctx, t)
		for _, entry := range history.Entries {
			addresses = append(addresses, entry.URL)
		}
		return err
	}))
	return addresses
}
