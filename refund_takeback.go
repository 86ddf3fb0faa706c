package amsbridge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// plan says what becomes of each of the order's messages.
func (r *refunding) plan() error {
	r.repeat()
	for _, s := range r.parkedLines {
		if err := r.endParkedLine(s); err != nil {
			return err
		}
	}
	pushes := slices.Clone(r.pushes)
	sortOpenFirst(pushes)
	for _, p := range pushes {
		lines := r.ours(p)
		if len(lines) == 0 {
			continue
		}
		if err := r.takeBack(p, lines); err != nil {
			return err
		}
	}
	r.sayWhatIsLeft()
	return nil
}

// takeBack says what becomes of the refunded lines of one push.
func (r *refunding) takeBack(p push, lines []string) error {
	if r.became[p.ID] == outbox.Withdrawn {
		r.say(&r.done.Withdrawn, p.Record, lines, p.Reason, false)
		if err := r.requeue(p); err != nil {
			return err
		}
	}
	if p.Kind == KindRegistration {
		return r.cancel(p, lines)
	}
	return r.remove(p, lines)
}

// there tells whether the platform has a push, or may get it yet.
func (r *refunding) there(p push) bool {
	return p.paid() && r.became[p.ID] != outbox.Withdrawn
}

// sources are the push itself and the other pushes of the person for the same
// that are there: what they brought was perhaps kept at their refund, because of
// this push. Those of this refund are looked at by themselves.
//
// What may still arrive comes first: a removal that waits for it serves for what
// has arrived as well.
func (r *refunding) sources(p push) (out []push) {
	for _, q := range r.like(p) {
		if r.there(q) && (q.ID == p.ID || len(r.ours(q)) == 0) {
			out = append(out, q)
		}
	}
	sortOpenFirst(out)
	return out
}

func sortOpenFirst(all []push) {
	slices.SortStableFunc(all, func(a, b push) int {
		switch {
		case a.State.Final() == b.State.Final():
			return 0
		case b.State.Final():
			return -1
		}
		return 1
	})
}

// endParkedLine tells of a withdrawn parked line, and asks a person to undo what a
// person did in its place.
func (r *refunding) endParkedLine(s outbox.Record) error {
	line, ok := r.standsFor(s.Message)
	switch {
	case !ok || len(r.attendees) > 0:
		return nil
	case r.became[s.ID] == outbox.Withdrawn:
		r.say(&r.done.Withdrawn, s, []string{line}, s.Reason, false)
		return nil
	case s.State == outbox.StateMarkedDone:
		return r.undo(s, line)
	}
	return nil
}

// live are the add-on keys that unrefunded lines of any order bring to the
// push's person and show, and whether there is any such line; for a
// registration, of the push's product.
func (r *refunding) live(p push) (keys map[int64]bool, any bool) {
	keys = map[int64]bool{}
	for _, q := range r.like(p) {
		// A withdrawn one of this refund is made anew for what is not refunded.
		if !q.paid() && r.became[q.ID] != outbox.Withdrawn {
			continue
		}
		for _, line := range q.Items {
			if r.seats.has(q.Message, line) {
				continue
			}
			brings, ok := q.keysOf(line)
			any = any || ok
			for _, k := range brings {
				keys[k] = true
			}
		}
	}
	return keys, any
}

// handled are the add-on keys which removals take away that come after a push:
// they name it, or were stored after it was settled. The last result tells
// whether a task of such a kind, or of this refund, ends the registration.
func (r *refunding) handled(p push) (keys map[int64]bool, registration bool) {
	keys = map[int64]bool{}
	for _, q := range r.like(p) {
		if q.adds() {
			continue
		}
		after := slices.Contains(q.of, p.Key) || p.State.Final() && (q.ID == 0 || !q.Created.Before(p.Settled))
		registration = registration || q.registration && (after || r.isOf(q.Message))
		if after {
			for _, k := range q.addOns.Keys() {
				keys[k] = true
			}
		}
	}
	return keys, registration
}

// cancel makes a task of a registration on Elevate.
func (r *refunding) cancel(p push, lines []string) error {
	if _, needed := r.live(p); needed {
		if r.there(p) {
			r.say(&r.done.Kept, p.Record, lines, "another line or order registers the same person for product "+p.product, false)
		}
		return nil
	}
	of := r.registrations(p)
	if len(of) == 0 {
		return nil
	}
	return r.byHand(of, lines, []string{p.Destination, r.OrderID, lines[0], p.Person, "cancel", r.ID},
		refundTaskFacts{RemoteProductID: p.product, Registration: true},
		"cancel the registration for product "+p.product+" in Elevate by hand, for no API for it is known")
}

// registrations are the pushes of the person for the same that are there, are a
// registration in themselves, and that nobody was asked yet to end; those of
// this refund too, since one task ends them all.
func (r *refunding) registrations(p push) []push {
	of := slices.Clone(r.like(p))
	sortOpenFirst(of)
	return slices.DeleteFunc(of, func(q push) bool {
		_, done := r.handled(q)
		return done || !r.there(q) || q.Kind == KindAddOns && !slices.ContainsFunc(q.addOns.Lines, func(l LineAddOns) bool { return len(l.Keys) == 0 })
	})
}

// remove takes away the add-ons that no line brings any more, by removals or,
// after a refusal, by a task.
func (r *refunding) remove(p push, lines []string) error {
	live, needed := r.live(p)
	gone := map[int64]bool{}
	for _, line := range lines {
		keys, _ := p.keysOf(line)
		var kept []int64
		for _, k := range keys {
			if live[k] {
				kept = append(kept, k)
			} else {
				gone[k] = true
			}
		}
		switch {
		case !r.there(p):
		case len(kept) > 0:
			r.say(&r.done.Kept, p.Record, []string{line}, "another line or order of the person brings "+addOnsNamed(kept), false)
		case len(keys) == 0 && needed:
			r.say(&r.done.Kept, p.Record, []string{line}, "another line or order of the person needs the registration for the show", false)
		}
	}
	if r.refused(p) {
		if err := r.look(p, lines, gone, needed); err != nil {
			return err
		}
	}
	for _, q := range r.sources(p) {
		if err := r.removeAfter(q, p, lines, gone); err != nil {
			return err
		}
	}
	if needed {
		return nil
	}
	return r.endRegistration(p, lines)
}

// endRegistration makes a task of the registration for a show that a refunded
// line was for and nothing else.
func (r *refunding) endRegistration(p push, lines []string) error {
	of := r.registrations(p)
	if len(of) == 0 {
		return nil
	}
	if slices.ContainsFunc(of, func(q push) bool { return q.ID == p.ID }) {
		lines = slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
			keys, _ := p.keysOf(line)
			return len(keys) > 0
		})
	}
	return r.byHand(of, lines, []string{p.Destination, r.OrderID, p.Person, p.Key, "by hand", r.ID},
		refundTaskFacts{ShowKey: p.addOns.ShowKey, Registration: true},
		fmt.Sprintf("the registration for show %d stays in Notified: end it there by hand if it shall end", p.addOns.ShowKey))
}

// removeAfter makes a removal that waits for push q and takes away what it
// shares with the refunded lines of push p.
func (r *refunding) removeAfter(q, p push, lines []string, gone map[int64]bool) error {
	done, _ := r.handled(q)
	brings := q.addOns.Keys()
	a := AddOns{OrderID: r.OrderID, ShowKey: p.addOns.ShowKey, User: q.addOns.User}
	for _, line := range lines {
		keys, _ := p.keysOf(line)
		keys = slices.DeleteFunc(slices.Clone(keys), func(k int64) bool {
			_, found := slices.BinarySearch(brings, k)
			return !gone[k] || done[k] || !found
		})
		if len(keys) > 0 {
			a.Lines = append(a.Lines, LineAddOns{line, keys})
		}
	}
	if len(a.Lines) == 0 {
		return nil
	}
	m, err := r.removal(q, a)
	if err != nil {
		return err
	}
	r.addAlike(push{Record: outbox.Record{Message: m}, addOns: a, of: []string{m.After}})
	r.make(m, &r.done.Removals)
	return nil
}

// look makes a task of a push that Notified refused before it was withdrawn.
func (r *refunding) look(p push, lines []string, gone map[int64]bool, needed bool) error {
	var what []string
	if p.addOns.ShowPackageKey != 0 && !needed {
		what = append(what, "a registration")
	}
	keys := slices.Sorted(maps.Keys(gone))
	if len(keys) > 0 {
		what = append(what, addOnsNamed(keys))
	}
	if len(what) == 0 {
		return nil
	}
	return r.byHand([]push{p}, lines, []string{p.Destination, r.OrderID, p.Person, p.Key, "look", r.ID},
		refundTaskFacts{ShowKey: p.addOns.ShowKey, AddOnKeys: keys},
		fmt.Sprintf("Notified refused this push for show %d (%s), and a part of it may have been done: look there for %s, and end it by hand",
			p.addOns.ShowKey, outbox.CutText(p.Reason, 300), strings.Join(what, " and ")))
}

// addOnsNamed lists some keys for a person to read.
func addOnsNamed(keys []int64) string {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(keys[:min(20, len(keys))]), " ", ", "), "[]")
	if len(keys) > 20 {
		text += fmt.Sprintf(" and %d more", len(keys)-20)
	}
	return "add-ons " + text
}
