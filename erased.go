package amsbridge

import (
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// erased tells of a stored message whose person was erased (see
// [outbox.Operator.Erase]): its facts are empty, which no other's are.
func erased(m outbox.Message) bool { return len(m.Facts) == 0 }

// isFor tells whether a stored message is for a person, or was before they were
// erased: with their user ID in its readable parts they give its key.
func isFor(m outbox.Message, person string) bool {
	if m.Person == person || !erased(m) {
		return m.Person == person
	}
	parts := slices.Clone(m.KeyParts)
	for i, part := range parts {
		if part == m.Person {
			parts[i] = person
		}
	}
	return keyOf(parts...) == m.Key
}

// sayErased tells of refunded lines whose people are not known any more.
func (r *refunding) sayErased() {
	for _, rec := range r.own {
		if !erased(rec.Message) || rec.Kind != KindRegistration && rec.Kind != KindAddOns {
			continue
		}
		lines := slices.DeleteFunc(slices.Clone(rec.Items), func(line string) bool { return !r.covers(line, rec.Person) })
		if len(lines) > 0 {
			r.say(&r.done.Nothing, rec, lines, "its person was erased: what the platform still has of them is to be ended there by hand", false)
		}
	}
}
