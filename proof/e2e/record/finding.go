// Package record keeps what a browser did in a scenario, and judges it: no part
// of a hand-off token in a Referer or a URL, no violation of a
// Content-Security-Policy, no error in the console, no failed request that the
// scenario did not expect. It knows no browser: others tell it what happened.
package record

import "fmt"

// Kind says which rule a finding breaks.
type Kind string

// The kinds.
const (
	Referer  Kind = "referer"
	URL      Kind = "url"
	CSP      Kind = "csp"
	Console  Kind = "console"
	Log      Kind = "log"
	Response Kind = "response"
	Axe      Kind = "axe"
	Layout   Kind = "layout"
	Keyboard Kind = "keyboard"
	Story    Kind = "story" // a step of the scenario failed
)

// Finding is one thing that must not be.
type Finding struct {
	Kind Kind
	// Where is the page's address, without its query: that could hold a token.
	Where string
	Text  string
	// Picture is the file of a picture of the page, or empty.
	Picture string
}

// String returns the finding on one line, and its picture on another.
func (f Finding) String() string {
	line := fmt.Sprintf("%-8s %s: %s", f.Kind, f.Where, f.Text)
	if f.Picture != "" {
		line += "\n         " + f.Picture
	}
	return line
}

// Count counts the findings of a kind.
func Count(all []Finding, k Kind) int {
	n := 0
	for _, f := range all {
		if f.Kind == k {
			n++
		}
	}
	return n
}
