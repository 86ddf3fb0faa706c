// Package contract holds the findings of a check of a real account at a platform: see the Check methods
// of the clients in adapters/elevate and adapters/notified.
package contract

import "strings"

// Finding is one result of a check of a real account. It holds no credential and nothing about a
// person.
type Finding struct {
	// Subject is what was checked, such as "show key 77001".
	Subject string
	// State is the result.
	State State
	// Text says in plain words what is right, or what is wrong and what to do about it, or why it
	// cannot be told.
	Text string
}

// State is the result of a check.
type State string

// The states of a finding.
const (
	// Good: it is right.
	Good State = "good"
	// Wrong: it is wrong, or could not be reached at all.
	Wrong State = "wrong"
	// NotChecked: the check could not tell, most often because it would take a write.
	NotChecked State = "not checked"
)

// String returns the finding on one line, whatever platform text it holds.
func (f Finding) String() string {
	return strings.Join(strings.Fields(string(f.State)+": "+f.Subject+": "+f.Text), " ")
}
