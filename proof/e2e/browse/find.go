package browse

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
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// Thing is what a person looks for: its role and its name, as a screen reader
// tells them.
type Thing struct{ Role, Name string }

// Link is a link. A name may be a part of the whole one; where several things
// match, the one with the exact name counts, then the first.
func Link(name string) Thing { return Thing{"link", name} }

// Button is a button.
func Button(name string) Thing { return Thing{"button", name} }

// Heading is a heading of any level.
func Heading(name string) Thing { return Thing{"heading", name} }

// Choice is a list of options, of which one is chosen.
func Choice(name string) Thing { return Thing{"combobox", name} }

// Field is a field of text.
func Field(name string) Thing { return Thing{"textbox", name} }

// String names it for reports.
func (t Thing) String() string { return fmt.Sprintf("the %s %q", t.Role, t.Name) }

// glance is how often a person looks again at a page that they wait for.
const glance = 40 * time.Millisecond

// until looks again and again, until it is so or the patience ends. Errors on
// the way are those of a page that is just being replaced.
func until(ctx context.Context, look func() (bool, error)) error {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	var last error
	for {
		is, err := look()
		switch {
		case is && err == nil:
			return nil
		case ctx.Err() == nil:
			last = err // what the end of the patience breaks off says nothing
		}
		select {
		case <-ctx.Done():
			return errors.Join(errors.New("it never came to be"), last)
		case <-tick.C:
		}
	}
}

// matching are the things of that role and name, in the page's order.
func matching(ctx context.Context, tab cdp.Session, t Thing) ([]*accessibility.Node, error) {
	document, err := cdp.Call(ctx, tab, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
	if err != nil {
		return nil, err
	}
	all, err := cdp.Call(ctx, tab, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{ObjectID: document.Result.ObjectID, Role: t.Role})
	if err != nil {
		return nil, err
	}
	var exact, part []*accessibility.Node
	for _, n := range all.Nodes {
		name := oneLine(text(n.Name))
		switch {
		case n.Ignored:
		case strings.EqualFold(name, t.Name):
			exact = append(exact, n)
		case strings.Contains(name, t.Name):
			part = append(part, n)
		}
	}
	return append(exact, part...), nil
}

func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var s string
	if json.Unmarshal(v.Value, &s) != nil {
		return string(v.Value)
	}
	return s
}

// find waits for a thing.
func find(ctx context.Context, tab cdp.Session, t Thing) (cdp.BackendNodeID, error) {
	var node cdp.BackendNodeID
	err := until(ctx, func() (bool, error) {
		all, err := matching(ctx, tab, t)
		if len(all) > 0 {
			node = all[0].BackendDOMNodeID
		}
		return len(all) > 0, err
	})
	return node, err
}

// Sees waits until a thing is there.
func (p *Person) Sees(t Thing) {
	p.do("see "+t.String(), func(ctx context.Context, tab cdp.Session) error {
		_, err := find(ctx, tab, t)
		return err
	})
}

// SeesNot tells that a thing is not there, on the page that is shown now.
func (p *Person) SeesNot(t Thing) {
	p.do("see a page without "+t.String(), func(ctx context.Context, tab cdp.Session) error {
		all, err := matching(ctx, tab, t)
		if err == nil && len(all) > 0 {
			return errors.New("it is there")
		}
		return err
	})
}

// Reads waits until the page's text holds all of these.
func (p *Person) Reads(parts ...string) {
	for _, part := range parts {
		p.do(fmt.Sprintf("read %q", part), func(ctx context.Context, tab cdp.Session) error {
			return until(ctx, func() (bool, error) {
				text, err := body(ctx, tab)
				return strings.Contains(text, part), err
			})
		})
	}
}

// ReadsNot tells that the page's text, as it is now, holds none of these.
func (p *Person) ReadsNot(parts ...string) {
	p.do("read a page without "+strings.Join(parts, ", "), func(ctx context.Context, tab cdp.Session) error {
		text, err := body(ctx, tab)
		for _, part := range parts {
			if strings.Contains(text, part) {
				return fmt.Errorf("it says %q", part)
			}
		}
		return err
	})
}

func body(ctx context.Context, tab cdp.Session) (string, error) {
	var all string
	err := eval(ctx, tab, "document.body ? document.body.innerText : ''", &all)
	return oneLine(all), err
}

// IsAt waits until the address begins so.
func (p *Person) IsAt(address string) {
	p.do("come to "+address, func(ctx context.Context, tab cdp.Session) error {
		return until(ctx, func() (bool, error) {
			at, err := location(ctx, tab)
			if !strings.HasPrefix(at, address) {
				err = errors.Join(err, fmt.Errorf("it is %s", at))
			}
			return err == nil, err
		})
	})
}

// Location is the address of the page that is shown.
func (p *Person) Location() (at string) {
	p.do("tell the address", func(ctx context.Context, tab cdp.Session) (err error) {
		at, err = location(ctx, tab)
		return err
	})
	return at
}

func location(ctx context.Context, tab cdp.Session) (string, error) {
	past, err := history(ctx, tab)
	if err != nil || len(past) == 0 {
		return "", err
	}
	return past[len(past)-1], nil
}

// history are the addresses up to the current one.
func history(ctx context.Context, tab cdp.Session) (past []string, err error) {
	all, err := cdp.Call(ctx, tab, page.GetNavigationHistory, cdp.Empty{})
	if err != nil {
		return nil, err
	}
	for _, e := range all.Entries[:all.CurrentIndex+1] {
		past = append(past, e.URL)
	}
	return past, nil
}

// History are the addresses that the tab went through.
func (p *Person) History() (past []string) {
	p.do("read the history", func(ctx context.Context, tab cdp.Session) (err error) {
		past, err = history(ctx, tab)
		return err
	})
	return past
}

// eval evaluates in a world of our own beside the page's scripts, which the
// page's Content-Security-Policy does not bind.
func eval(ctx context.Context, tab cdp.Session, expression string, into any) error {
	frames, err := cdp.Call(ctx, tab, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return err
	}
	world, err := cdp.Call(ctx, tab, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: frames.FrameTree.Frame.ID, WorldName: "e2e"})
	if err != nil {
		return err
	}
	answer, err := cdp.Call(ctx, tab, runtime.Evaluate, runtime.EvaluateParams{
		Expression: expression, ContextID: world.ExecutionContextID, ReturnByValue: new(true), AwaitPromise: new(true),
	})
	switch {
	case err != nil:
		return err
	case answer.ExceptionDetails != nil:
		return errors.New(thrown(answer.ExceptionDetails))
	case into == nil:
		return nil
	}
	return json.Unmarshal(answer.Result.Value, into)
}

// ReadsOnce waits until the page's text holds something, and tells that it holds
// it once, as a word.
func (p *Person) ReadsOnce(part string) {
	p.do(fmt.Sprintf("read %q once", part), func(ctx context.Context, tab cdp.Session) error {
		return until(ctx, func() (bool, error) {
			text, err := body(ctx, tab)
			if n := len(regexp.MustCompile(`\b`+regexp.QuoteMeta(part)+`\b`).FindAllString(text, -1)); n != 1 {
				err = errors.Join(err, fmt.Errorf("it is there %d times", n))
			}
			return err == nil, err
		})
	})
}

// ReloadsUntil loads the page again and again, until a thing is there.
func (p *Person) ReloadsUntil(t Thing) {
	p.reloads("see "+t.String(), func(ctx context.Context, tab cdp.Session) (bool, error) {
		all, err := matching(ctx, tab, t)
		return len(all) > 0, err
	})
}

// ReloadsUntilReads loads the page again and again, until its text holds
// something.
func (p *Person) ReloadsUntilReads(part string) {
	p.reloads(fmt.Sprintf("read %q", part), func(ctx context.Context, tab cdp.Session) (bool, error) {
		text, err := body(ctx, tab)
		return strings.Contains(text, part), err
	})
}

func (p *Person) reloads(what string, look func(context.Context, cdp.Session) (bool, error)) {
	p.do(what, func(ctx context.Context, tab cdp.Session) error {
		return until(ctx, func() (bool, error) {
			is, err := look(ctx, tab)
			if is && err == nil {
				return true, nil
			}
			return false, errors.Join(err, p.load(ctx, tab, reload))
		})
	})
}
