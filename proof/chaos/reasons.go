package chaos

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/outbox"
)

// ownReason is the reason for which a push of that fate is parked: our words, and
// those of the platform, which the sandboxes choose.
var ownReason = map[fate]struct{ ours, words string }{
	draft:        {refused, ": the product is in Draft"},
	closed:       {refused, ": the product is closed for registration"},
	unlisted:     {refused, ": unknown product"},
	elsewhere:    {"Notified refuses the add-ons: a person must look", ": AddOn Not In Package!"},
	otherPackage: {"a person must look: the person is registered for package 102 of the show, and bought package 101", ""},
	stranger:     {"not ready for 72 hours: Notified does not know the person yet", ": User Not Found!"},
	unmapped:     {"product has an unknown mapping: the catalogue does not say where it lives", " (product novelty-"},
	malformed:    {"line l-", ""}, // its number, and that the attendee's email is not an e-mail address
}

const refused = "the platform refuses the request"

// gaveUp is the reason of what was tried as often as the schedule says, or some
// times more: "not ready" does not end it.
var gaveUp = regexp.MustCompile(`^gave up after 2[5-9]\d attempts, the last: ([a-z]+( \(\d+\))?)`)

// lastOutcome is how the last attempt's outcome reads after a fault.
var lastOutcome = map[elevatetest.FaultKind]string{
	elevatetest.ServerError: "unavailable (500)",
	elevatetest.Unavailable: "unavailable (503)",
	elevatetest.Forbidden:   "unauthorized (403)",
	elevatetest.Redirect:    "unavailable (302)",
	elevatetest.Garbage:     "unknown",
	elevatetest.LoginPage:   "unknown",
	elevatetest.Slow:        "unknown",
	elevatetest.CutBefore:   "unknown",
	elevatetest.CutAfter:    "unknown",
	elevatetest.Truncate:    "unknown",
	elevatetest.HoldAfter:   "unknown",
}

// explained reports whether a parked push has the right reason: that of its own
// fate, or the last fault that its calls met.
func explained(w wanted, reason string, calls []call, late int) bool {
	if w.isTask() {
		return len(calls) == 0 && strings.HasPrefix(reason, ownReason[w.fate].ours+ownReason[w.fate].words)
	}
	if len(calls) == 0 {
		return false
	}
	last, of := calls[len(calls)-1].fault, ownReason[w.fate]
	if last == elevatetest.None || last == elevatetest.Slow || last == elevatetest.HoldAfter {
		waited := calls[len(calls)-1].at.Sub(calls[0].at)
		switch {
		case w.platform == toNotified && strings.HasPrefix(reason, ownReason[stranger].ours):
			return waited >= 72*time.Hour // whoever it is, Notified may get to know them later
		case w.fate != sound && strings.HasPrefix(reason, of.ours+of.words):
			return true
		}
	}
	switch {
	case last == elevatetest.Reply: // perhaps at the second question of a push
		return strings.Contains(reason, refused)
	case last == elevatetest.Truncate && of.ours == refused && reason == refused:
		return true // the status came, and of the words a half
	}
	tried := gaveUp.FindStringSubmatch(reason)
	return tried != nil && (strings.TrimSuffix(tried[1], " (200)") == lastOutcome[last] || tried[1] == "unknown" && timedOut(calls, late))
}

// partial is how a take's reason begins where another order brings the rest of its item.
var partial = regexp.MustCompile(`^of it, .* is to be taken: `)

// takeExplained reports whether a parked take has the right reason: that only staff can do it, that
// Notified does not know whom to take it from, or the last fault that its calls met.
func takeExplained(w wanted, m row, o *observed) bool {
	at := w.platform + " " + m.key
	calls, late := o.calls[at], o.late[at]
	switch {
	case m.state != outbox.StateParked:
		return false
	case w.platform == toElevate:
		cancel := "cancel the registration for product " + w.what + " in Elevate by hand: no call for it is known"
		return len(calls) == 0 && m.reason == cancel
	case w.pkg != 0 && strings.HasPrefix(m.reason, fmt.Sprintf("the registration for show %d stays in Notified", w.show)):
		return true
	case len(calls) == 0:
		return false
	}
	reason := partial.ReplaceAllString(m.reason, "")
	if strings.HasPrefix(reason, "a person must look: Notified does not know the person") {
		return true
	}
	w.fate = sound
	return explained(w, reason, calls, late)
}

// mustPark reports whether the push cannot have been delivered: by its own fate,
// or since one of its calls met an answer after which it is not sent again,
// unless the sender had stopped waiting for that answer.
func mustPark(w wanted, calls []call, late int) bool {
	for _, c := range calls {
		if c.fault == elevatetest.Reply && !timedOut(calls, late) {
			return true
		}
	}
	return w.fate != sound
}

// timedOut reports whether more of a push's deliveries timed out than its faults
// explain, as happens where the machine is busy.
func timedOut(calls []call, late int) bool {
	for _, c := range calls {
		if c.fault == elevatetest.Slow || c.fault == elevatetest.HoldAfter {
			late--
		}
	}
	return late > 0
}
