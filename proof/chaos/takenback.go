package chaos

import (
	"fmt"
	"strings"
)

// countTaken counts a push that was refunded, or given to somebody else.
func (r *Report) countTaken(w wanted, o *observed) {
	asked := false
	for _, m := range o.rows[w.push] {
		switch {
		case m.state.Final():
		case !m.take:
			r.misjudged(w, "still waits, though nobody owes it: "+m.reason)
		case takeExplained(w, m, o):
			asked = true
		default:
			r.misjudged(w, "is to be taken back, and waits for a reason that is not its own: "+m.reason)
		}
	}
	switch {
	case !o.hasAny(w):
		r.TakenBack++
	case asked:
		r.ByHand++
	default:
		r.Doubled["not owed"]++
	}
}

// countRegistrations looks for registrations for shows that pushes made, that nobody owes by now and
// that no parked message is about, and for staff who are asked to end one that is owed.
func (r *Report) countRegistrations(wants []wanted, o *observed) {
	type at struct {
		person string
		show   int64
	}
	owed, waits, asked := map[at]bool{}, map[at]bool{}, map[at]bool{}
	note := func(a at, m row) {
		if m.take && !m.state.Final() {
			waits[a] = true
			stays := fmt.Sprintf("the registration for show %d stays in Notified", a.show)
			asked[a] = asked[a] || strings.HasPrefix(m.reason, stays)
		}
	}
	for _, l := range o.leftovers {
		note(at{l.person, l.show}, l.row)
	}
	for _, w := range wants {
		if w.pkg == 0 || w.fate != sound {
			continue
		}
		a := at{w.person, w.show}
		owed[a] = owed[a] || w.owed
		for _, m := range o.rows[w.push] {
			note(a, m)
		}
	}
	for a, is := range owed {
		switch there := o.seats[seat{a.person, a.show, fullPackage}] > 0; {
		case is && asked[a] && there:
			r.Misjudged = append(r.Misjudged,
				fmt.Sprintf("the registration of %s for show %d is owed, and staff are asked to end it", a.person, a.show))
		case !is && there && !waits[a]:
			r.Doubled["not owed"]++
		}
	}
}

// hasAny reports whether a part of the push is at its platform, but for a registration for a show.
func (o *observed) hasAny(w wanted) bool {
	if w.platform == toElevate {
		return o.courses[course{w.person, w.what}] > 0
	}
	for _, k := range w.addOns {
		if o.addOns[addOn{w.person, w.show, k}] > 0 {
			return true
		}
	}
	return false
}

// addedTooOften counts add-ons that a person gained more often than an order gave them.
func addedTooOften(wants []wanted, o *observed) (n int) {
	gives := map[addOn]int{}
	for _, w := range wants {
		for _, k := range w.addOns {
			gives[addOn{w.person, w.show, k}] = w.gives
		}
	}
	for a, gains := range o.gains {
		n += max(0, gains-gives[a])
	}
	return n
}
