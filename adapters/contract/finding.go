// Package contract is how a check of a real account at a platform says what it
// found: see the Check methods of the clients in adapters/elevate and
// adapters/notified.
package contract

import "strings"

// Finding is one thing that a check of a real account found. It holds no
// credential and nothing about a person.
type Finding struct {
	// Subject is what was looked at, such as "show key 77001".
	Subject string
	// State is what came of it.
	State State
	// Text says in plain words what is right, what is wrong and what to do about
	// it, or why it cannot be told.
	Text string
}

// State is what a check came to.
type State string

// The states of a finding.
const (
	// Good: it was seen to be right.
	Good State = "good"
	// Wrong: it was seen to be wrong, or could not be reached at all.
	Wrong State = "wrong"
	// NotChecked: nothing was seen, for or against. Most often it would take a
	// write.
	NotChecked State = "not checked"
)

// String returns the finding on one line, whatever a platform's words in it hold.
func (f Finding) String() string {
	return strings.Join(strings.Fields(string(f.State)+": "+f.Subject+": "+f.Text), " ")
}
