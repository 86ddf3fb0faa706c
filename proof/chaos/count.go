package chaos

import (
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// countActs counts what the shop did.
func (r *Report) countActs(acts []act) {
	for _, a := range acts {
		switch a.does {
		case refunds:
			r.Refunds++
		case reverses:
			r.Reversals++
		case swaps:
			r.Swaps++
		}
	}
}

// count compares what was wanted with what is there.
func (r *Report) count(wants []wanted, o *observed) {
	r.Doubled = map[string]int{
		"persons": beyondFirst(o.persons), "registrations": beyondFirst(o.seats) + beyondFirst(o.courses),
		"mails": beyondFirst(o.mails), "add-ons": addedTooOften(wants, o), "not owed": 0,
	}
	r.ByFate, r.Faults = map[string]int{}, map[string]int{}
	r.Violations = len(o.violations)
	for _, n := range o.mails {
		r.Mails += n
	}
	for _, calls := range o.calls {
		r.Calls += len(calls)
		for _, c := range calls {
			if c.fault != 0 {
				r.Faults[c.fault.String()]++
			}
		}
	}
	for _, w := range wants {
		if w.owed {
			r.countOwed(w, o)
		} else {
			r.countTaken(w, o)
		}
	}
	r.countRegistrations(wants, o)
	r.Phantom += phantoms(wants, o)
}

// countOwed counts a push that the person is to have.
func (r *Report) countOwed(w wanted, o *observed) {
	r.Pushes++
	there := o.has(w)
	last, earlier := lastGive(o.rows[w.push])
	for _, e := range earlier {
		if !e.state.Final() && !(e.take && takeExplained(w, e, o)) {
			r.misjudged(w, "is owed, and an earlier turn of it still waits: "+e.reason)
		}
	}
	if last == nil {
		if there {
			r.Unrecorded++
		} else {
			r.Lost++
		}
		return
	}
	calls, late := o.calls[w.platform+" "+last.key], o.late[w.platform+" "+last.key]
	switch last.state {
	case outbox.StateParked:
		r.Parked++
		if there {
			r.Arrived++
		}
		if !explained(w, last.reason, calls, late) {
			r.misjudged(w, "is parked for a reason that is not its own: "+last.reason)
		}
		r.ByFate[parkedFor(w, last.reason)]++
	case outbox.StateDelivered, outbox.StateAlreadyDone:
		switch {
		case !there:
			r.Lost++
		case mustPark(w, calls, late):
			r.Delivered++
			r.misjudged(w, "was delivered and should have been parked")
		default:
			r.Delivered++
			if w.platform == toElevate && !w.backfill && o.mails[course{w.person, w.what}] == 0 {
				r.Unmailed++
			}
		}
	default:
		if there {
			r.Unrecorded++
		} else {
			r.Lost++
		}
	}
}

// lastGive parts the newest give from the rest of a push's messages. A task of an order counts as one.
func lastGive(rows []row) (last *row, rest []row) {
	for i, r := range rows {
		if !r.take && (last == nil || r.turn > last.turn) {
			last = &rows[i]
		}
	}
	for i, r := range rows {
		if &rows[i] != last {
			rest = append(rest, r)
		}
	}
	return last, rest
}

// parkedFor names what a push was parked for.
func parkedFor(w wanted, reason string) string {
	switch {
	case strings.HasPrefix(reason, ownReason[stranger].ours):
		return string(stranger)
	case w.fate != sound && strings.HasPrefix(reason, ownReason[w.fate].ours):
		return string(w.fate)
	}
	return "after a fault"
}

func (r *Report) misjudged(w wanted, what string) {
	r.Misjudged = append(r.Misjudged, fmt.Sprintf("%s of %s, %s (%s), %s", w.what, w.order, w.platform, w.fate, what))
}

// has reports whether the whole push is at its platform.
func (o *observed) has(w wanted) bool {
	if w.platform == toElevate {
		return o.courses[course{w.person, w.what}] > 0
	}
	for _, k := range w.addOns {
		if o.addOns[addOn{w.person, w.show, k}] == 0 {
			return false
		}
	}
	return w.platform == toNotified && (w.pkg == 0 || o.seats[seat{w.person, w.show, w.pkg}] > 0)
}

// phantoms counts what is there and was not wanted.
func phantoms(wants []wanted, o *observed) int {
	n := 0
	pushes, courses, addOns := map[push]bool{}, map[course]bool{}, map[addOn]bool{}
	unasked := map[course]bool{} // mails
	for _, w := range wants {
		pushes[w.push] = true
		unasked[course{w.person, w.what}] = w.backfill
		courses[course{w.person, w.what}] = true
		for _, k := range w.addOns {
			addOns[addOn{w.person, w.show, k}] = true
		}
	}
	for p := range o.rows {
		if !pushes[p] {
			n++
		}
	}
	for c := range o.courses {
		if !courses[c] {
			n++
		}
	}
	for c := range o.mails {
		if o.courses[c] == 0 || unasked[c] {
			n++
		}
	}
	for a := range o.addOns {
		if !addOns[a] {
			n++
		}
	}
	return n
}

// beyondFirst counts what is there more than once, without the first.
func beyondFirst[K comparable](m map[K]int) int {
	n := 0
	for _, times := range m {
		n += max(0, times-1)
	}
	return n
}
