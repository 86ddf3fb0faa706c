package amsbridge

import (
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// erased tells whether the message's person was erased (see [outbox.Operator.Erase]). Only erased
// messages have empty facts.
func erased(m outbox.Message) bool { return len(m.Facts) == 0 }

// isFor tells whether a stored message is for a person, or was for them before their erasure. The key
// of an erased message is a hash of its parts with the person's real user ID, so it can be computed and
// compared.
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

// sayErased reports the refunded lines whose people were erased.
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
