// Package watch keeps what a browser did in a scene, and judges it: no part of a
// hand-off token in a Referer or a URL, no violation of a
// Content-Security-Policy, no error in the console, no failed request that the
// scene did not mean to make. It knows no browser: others tell it what happened.
package watch

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
	Request  Kind = "request"
	Axe      Kind = "axe"
	Layout   Kind = "layout"
	Keyboard Kind = "keyboard"
	Story    Kind = "story"
)

// Finding is one thing that must not be.
type Finding struct {
	Kind Kind
	// Where is the page's address, without its query: that could hold a token.
	Where string
	Text  string
	// Shot is the picture of the page, or empty.
	Shot string
}

// String returns the finding on one line.
func (f Finding) String() string {
	line := fmt.Sprintf("%-8s %s: %s", f.Kind, f.Where, f.Text)
	if f.Shot != "" {
		line += "\n         " + f.Shot
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
