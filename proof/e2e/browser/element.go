package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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
	query := accessibility.QueryAXTreeParams{ObjectID: document.ObjectID, Role: e.Role}
	all, err := cdp.Call(ctx, t, accessibility.QueryAXTree, query)
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
