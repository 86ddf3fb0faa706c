package amsbridge

import (
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// push is a stored push, or a removal or task that takes one back, read once.
type push struct {
	outbox.Record
	// product is set for Elevate, addOns for Notified.
	product string
	addOns  AddOns
	// of are the keys of the pushes that are taken back, and registration tells
	// that their registration is.
	of           []string
	registration bool
}

// refunding is a refund in the making.
type refunding struct {
	Refund
	lines, attendees map[string]bool
	shown            map[string][]string // lines as parked lines show them, which may be cut
	own              []outbox.Record     // all of the order's messages
	pushes           []push              // of the order
	parkedLines      []outbox.Record     // of the order
	seats            givenBack
	fresh            map[seat]bool // put on record by this very call
	became           map[outbox.ID]outbox.Withdrawal
	was              map[outbox.ID]outbox.Record // as they stood before they were withdrawn
	alike            map[likeness][]push         // what the refunded people have, of all orders
	made             []making
	// opened returns a stored message with its profile as it was before sealing.
	opened func(outbox.Message) (outbox.Message, error)
	done   Refunded
	// mentioned is what the result tells of: places at a destination, lines
	// alone, and messages.
	mentioned map[mention]bool
}

type mention struct {
	destination, line, person string
	id                        outbox.ID
}

func newRefunding(refund Refund, opened func(outbox.Message) (outbox.Message, error)) *refunding {
	r := &refunding{
		Refund: refund, opened: opened, lines: map[string]bool{}, attendees: map[string]bool{}, shown: map[string][]string{},
		fresh: map[seat]bool{}, became: map[outbox.ID]outbox.Withdrawal{}, was: map[outbox.ID]outbox.Record{},
		alike: map[likeness][]push{}, mentioned: map[mention]bool{},
	}
	for _, id := range refund.LineIDs {
		r.lines[id] = true
		short := outbox.CutText(id, 255)
		r.shown[short] = append(r.shown[short], id)
	}
	for _, id := range refund.Attendees {
		r.attendees[string(id)] = true
	}
	return r
}

func (r *refunding) order() Order { return Order{ID: r.OrderID, Association: r.Association} }

// covers tells whether the refund is for a person's place on a line.
func (r *refunding) covers(line, person string) bool {
	return (len(r.lines) == 0 || r.lines[line]) && (len(r.attendees) == 0 || r.attendees[person])
}

// standsFor tells whether a parked line is for a refunded line, and which. Long
// line IDs are cut in parked lines, so the key decides.
func (r *refunding) standsFor(m outbox.Message) (line string, ok bool) {
	f, ok := decodeParkedLine(m)
	if !ok || len(r.lines) == 0 {
		return f.LineID, ok
	}
	for _, id := range r.shown[f.LineID] {
		if slices.Contains(r.order().parkedLineKeys(spot{id, f.At}), m.Key) {
			return id, true
		}
	}
	return "", false
}

// read takes over the order's messages as they stand now.
func (r *refunding) read(found []outbox.Record) (err error) {
	order := r.order()
	r.own = slices.DeleteFunc(found, func(rec outbox.Record) bool { return !order.owns(rec.Message) })
	for i, rec := range r.own {
		if r.became[rec.ID] == outbox.Withdrawn {
			r.own[i] = r.was[rec.ID]
		}
	}
	r.seats = givenBack{}
	r.seats.add(r.own)
	r.parkedLines = slices.DeleteFunc(slices.Clone(r.own), func(rec outbox.Record) bool { return rec.Kind != KindParkedLine })
	all, err := pushesOf(r.own)
	r.pushes = slices.DeleteFunc(all, func(p push) bool { return !p.adds() })
	return err
}

// readPerson takes over what a person has of all orders.
func (r *refunding) readPerson(found []outbox.Record) error {
	r.seats.add(found)
	all, err := pushesOf(found)
	for _, p := range all {
		r.addAlike(p)
	}
	return err
}

// pushesOf reads the pushes, removals and tasks among messages. One that cannot
// be read is an error: what it brings might be taken away by mistake.
func pushesOf(all []outbox.Record) (out []push, err error) {
	for _, rec := range all {
		if erased(rec.Message) {
			continue // what it brought is not known any more
		}
		p := push{Record: rec}
		switch rec.Kind {
		case KindRegistration:
			var reg Registration
			reg, err = DecodeRegistration(factsOf(rec.Message))
			p.product = reg.RemoteProductID
		case KindAddOns:
			p.addOns, err = DecodeAddOns(factsOf(rec.Message))
		case KindRemoveAddOns:
			p.addOns, err = DecodeRemoveAddOns(factsOf(rec.Message))
			p.of = []string{rec.After}
		case KindRefundTask:
			p, err = decodeRefundTask(rec)
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("amsbridge: message %d: %w", rec.ID, err)
		}
		out = append(out, p)
	}
	return out, nil
}

// adds tells a push from what takes back.
func (p push) adds() bool { return p.Kind == KindRegistration || p.Kind == KindAddOns }

// paid tells whether a push brings something, or will.
func (p push) paid() bool {
	switch p.State {
	case outbox.StateDiscarded, outbox.StateReplaced, outbox.StateWithdrawn:
		return false
	}
	return p.adds()
}

// likeness is what two messages about one person and one product of Elevate, or
// one show of Notified, have in common.
type likeness struct {
	person, destination, product string
	show                         int64
}

func (p push) likeness() likeness {
	return likeness{p.Person, p.Destination, p.product, p.addOns.ShowKey}
}

// like are all pushes, removals and tasks that are like a push, itself included.
func (r *refunding) like(p push) []push { return r.alike[p.likeness()] }

func (r *refunding) addAlike(p push) {
	k := p.likeness()
	r.alike[k] = append(r.alike[k], p)
}

// keysOf are the add-on keys that a push brings by a line, and whether it has
// the line at all. A registration has it without keys.
func (p push) keysOf(line string) ([]int64, bool) {
	for _, l := range p.addOns.Lines {
		if l.LineID == line {
			return l.Keys, true
		}
	}
	return nil, p.Kind == KindRegistration && slices.Contains(p.Items, line)
}

// ours are the lines of a push that this very refund gave back.
func (r *refunding) ours(p push) (lines []string) {
	for _, line := range p.Items {
		if id, ok := r.seats[seatOf(p.Message, line)]; ok && id == r.ID && r.covers(line, p.Person) {
			lines = append(lines, line)
		}
	}
	return lines
}

// open are the messages that are to be withdrawn and were not tried yet. What
// an earlier report of this refund could not withdraw is not tried again: what
// takes it back is on its way.
func (r *refunding) open() (ids []outbox.ID) {
	add := func(rec outbox.Record) {
		if _, tried := r.became[rec.ID]; !tried && !rec.State.Final() {
			ids = append(ids, rec.ID)
			r.was[rec.ID] = rec
		}
	}
	for _, p := range r.pushes {
		if slices.ContainsFunc(r.ours(p), func(line string) bool { return r.fresh[seatOf(p.Message, line)] }) {
			add(p.Record)
		}
	}
	for _, s := range r.parkedLines {
		if _, ok := r.standsFor(s.Message); ok && len(r.attendees) == 0 {
			add(s)
		}
	}
	return ids
}

// refused tells of a withdrawn push to Notified that the platform had refused:
// several things are asked of it in one call, and some may have been done.
func (r *refunding) refused(p push) bool {
	return r.became[p.ID] == outbox.Withdrawn && p.Kind == KindAddOns && p.Outcome == outbox.OutcomeRejected
}

// refundedPeople are those whose other orders must be looked at.
func (r *refunding) refundedPeople() map[string]bool {
	people := map[string]bool{}
	for _, p := range r.pushes {
		if len(r.ours(p)) > 0 {
			people[p.Person] = true
		}
	}
	return people
}
