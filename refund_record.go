package amsbridge

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// KindRefund is the kind of the messages that record a refund: one for each
// person whose places it gives back, with their lines as items. They are
// withdrawn as soon as they are stored, and never sent.
const KindRefund = "refund"

// Refunds is the destination of those records, before the association's suffix.
const Refunds = "refunds"

type refundFacts struct {
	RefundID string `json:"refund_id"`
}

// seat is one person's place on a line of an order.
type seat struct{ association, order, line, person string }

func seatOf(m outbox.Message, line string) seat {
	_, association, _ := strings.Cut(m.Destination, "/")
	return seat{association, m.Subject, line, m.Person}
}

// givenBack are refunded seats, with the refund's ID.
type givenBack map[seat]string

// add takes over the seats of the records among these messages.
func (g givenBack) add(all []outbox.Record) {
	for _, r := range all {
		if r.Kind != KindRefund {
			continue
		}
		var f refundFacts
		_ = json.Unmarshal(r.Facts, &f) // unread, it is some other refund's
		for _, line := range r.Items {
			g[seatOf(r.Message, line)] = f.RefundID
		}
	}
}

func (g givenBack) has(m outbox.Message, line string) bool {
	_, ok := g[seatOf(m, line)]
	return ok
}

// without returns the part of an order that was not refunded. Quantities shrink
// with their attendees.
func (g givenBack) without(o Order) Order {
	lines := o.Lines
	o.Lines = nil
	for _, l := range lines {
		before := len(l.Attendees)
		l.Attendees = slices.DeleteFunc(slices.Clone(l.Attendees), func(u User) bool {
			_, ok := g[seat{o.Association, o.ID, l.ID, string(u.ID)}]
			return ok
		})
		gone := before - len(l.Attendees)
		l.Quantity -= gone
		if gone == 0 || l.Quantity > 0 {
			o.Lines = append(o.Lines, l)
		}
	}
	return o
}

// records are the messages that put this refund's seats on record: those that
// are stored, covered, and on no record yet. Their keys are numbered by order
// and person, and not made of the refund's ID, so that of two refunds at the
// same moment the later waits for the earlier, and then sees it.
func (r *refunding) records() ([]outbox.Message, error) {
	lines := map[string]map[string]bool{}
	want := func(m outbox.Message, line, person string) {
		m.Person = person
		if r.seats.has(m, line) {
			return
		}
		if lines[person] == nil {
			lines[person] = map[string]bool{}
		}
		lines[person][line] = true
	}
	numbers := map[string]int{}
	for _, rec := range r.own {
		if rec.Kind == KindRefund {
			numbers[rec.Person]++
		}
	}
	for _, p := range r.pushes {
		for _, line := range p.Items {
			if r.covers(line, p.Person) {
				want(p.Message, line, p.Person)
			}
		}
	}
	for _, s := range r.parkedLines {
		line, ok := r.standsFor(s.Message)
		if !ok || s.State == outbox.StateReplaced || check.Text(line, 255) != "" {
			continue
		}
		if len(r.Attendees) == 0 && s.Person != "" {
			want(s.Message, line, s.Person)
		}
		for _, person := range r.Attendees { // so that rebuilding leaves them out
			want(s.Message, line, string(person))
		}
	}
	var out []outbox.Message
	for _, person := range slices.Sorted(maps.Keys(lines)) { // in one order, so that two refunds do not deadlock
		facts, err := json.Marshal(refundFacts{RefundID: r.ID})
		if err != nil {
			return nil, err
		}
		destination := Refunds + r.order().suffix()
		parts := []string{destination, r.OrderID, person, "refund", strconv.Itoa(numbers[person] + 1)}
		key := keyOf(parts...)
		out = append(out, outbox.Message{
			Destination: destination, Key: key, KeyParts: parts, Kind: KindRefund, Version: payloadVersion,
			Person: person, Subject: r.OrderID, Items: slices.Sorted(maps.Keys(lines[person])), Facts: facts,
			// Two refunds that meet at one number are no conflict: the later takes the next.
			Fingerprint: []byte(key)[:16], Born: outbox.StateHeld, Reason: "the record of a refund",
		})
	}
	return out, nil
}
