package chaos

import (
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// count compares what was wanted with what is there.
func (r *Report) count(wants []wanted, o *observed) {
	r.Pushes = len(wants)
	r.Doubled = map[string]int{
		"persons": beyondFirst(o.persons), "registrations": beyondFirst(o.seats) + beyondFirst(o.courses),
		"add-ons": beyondFirst(o.addOns), "mails": beyondFirst(o.mails),
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
		r.countPush(w, o)
	}
	r.Phantom += phantoms(wants, o)
}

// countPush counts one push.
func (r *Report) countPush(w wanted, o *observed) {
	there := o.has(w)
	rows := o.rows[w.push]
	if len(rows) == 0 {
		if there {
			r.Unrecorded++
		} else {
			r.Lost++
		}
		return
	}
	r.Phantom += len(rows) - 1
	calls, late := o.calls[w.platform+" "+rows[0].key], o.late[w.platform+" "+rows[0].key]
	switch rows[0].state {
	case outbox.StateParked:
		r.Parked++
		if there {
			r.Arrived++
		}
		if !explained(w, rows[0].reason, calls, late) {
			r.misjudged(w, "is parked for a reason that is not its own: "+rows[0].reason)
		}
		r.ByFate[parkedFor(w, rows[0].reason)]++
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
	return w.platform == toNotified
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
