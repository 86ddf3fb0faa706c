package amsbridge

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// spot is one attendee's place on a line. The whole line is at -1.
type spot struct {
	line string
	at   int
}

const wholeLine = -1

// draft is a message in the making and the spots that it covers.
type draft struct {
	msg   outbox.Message
	spots []spot
	// addOns is set for pushes to Notified, which grow line by line.
	addOns *AddOns
	// field and problem say why the message is born parked.
	field, problem string
	cause          error
}

func (d *draft) defective() bool { return d.problem != "" }

// group is what one push to Notified is for. Lines of one show with and without
// a package to register for, or with different ones, are pushes of their own.
type group struct {
	user          UserID
	show, showPkg int64
}

// plan is what an order comes to.
type plan struct {
	order    Order
	elevate  string
	notified string
	trace    string
	drafts   []*draft
	// groups are the drafts of pushes to Notified, by person and show.
	groups map[group]*draft
	// ready are the drafts as they are stored: with add-ons split into parts.
	ready   []*draft
	leftOut []string
	// stored are spots that an earlier report stored in another form.
	stored []outbox.Record
	// guarded messages refuse to be stored beside an earlier parked line.
	guarded bool
	// profileAtSend leaves names and addresses to those who send.
	profileAtSend bool
	// salt is the key of the message that this plan rebuilds.
	salt string
}

// plan makes the messages of an order.
func (h *Hook[Tx]) plan(ctx context.Context, order Order) (*plan, error) {
	if err := order.check(); err != nil {
		return nil, err
	}
	p := &plan{
		order: order, elevate: h.cfg.Elevate + order.suffix(), notified: h.cfg.Notified + order.suffix(), guarded: true,
		profileAtSend: h.cfg.ProfileAtSend, groups: map[group]*draft{},
	}
	if h.cfg.TraceContext != nil {
		// A traceparent has 55 characters; an odd one must not break a checkout.
		if p.trace = h.cfg.TraceContext(ctx); check.Text(p.trace, 256) != "" {
			p.trace = ""
		}
	}
	type answer struct {
		product  Product
		offering Offering
		err      error
	}
	known := map[string]answer{}
	for _, line := range order.Lines {
		a, ok := known[line.ProductID]
		if !ok {
			a.product, a.offering, a.err = h.cfg.Catalog.Lookup(ctx, line.ProductID)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if a.err != nil {
				a.offering = Unknown
			}
			known[line.ProductID] = a
		}
		if a.offering == NotOffered {
			p.leftOut = append(p.leftOut, line.ID)
			continue
		}
		if err := p.addLine(line, a.product, a.offering, a.err); err != nil {
			return nil, err
		}
	}
	return p, p.finish()
}

// addLine makes drafts of one line.
func (p *plan) addLine(line Line, product Product, offering Offering, cause error) error {
	whole := func(field, problem string) error {
		return p.addParkedLine(line, product, wholeLine, p.order.Buyer, field, problem, nil)
	}
	attendees := line.Attendees
	switch s := check.Text(line.ID, 255); {
	case s != "":
		return whole("line ID", s)
	case line.Quantity < 1:
		return whole("quantity", "is below 1")
	case len(attendees) > line.Quantity:
		return whole("attendees", "are more than the quantity")
	case len(attendees) == 0 && line.Quantity == 1:
		attendees = []User{p.order.Buyer}
	}
	field, problem := product.problem()
	if offering == Unknown {
		field, problem = "product", "has an unknown mapping: the catalogue does not say where it lives"
	}
	seen := make(map[UserID]bool, len(attendees))
	for at, u := range attendees {
		field, problem := field, problem
		if s := u.ID.problem(); s != "" && problem == "" {
			field, problem = "attendee's user ID", s
		} else if seen[u.ID] && problem == "" {
			field, problem = "attendee", "is named twice on the line"
		}
		seen[u.ID] = true
		var err error
		if problem != "" {
			err = p.addParkedLine(line, product, at, u, field, problem, cause)
		} else {
			err = p.addPushes(line, product, at, u)
		}
		if err != nil {
			return err
		}
	}
	if len(attendees) < line.Quantity {
		return p.addParkedLine(line, product, len(attendees), p.order.Buyer, "attendees",
			fmt.Sprintf("are missing for %d of %d", line.Quantity-len(attendees), line.Quantity), cause)
	}
	return nil
}

// addPushes makes the pushes of one attendee of one line.
func (p *plan) addPushes(line Line, product Product, at int, u User) error {
	here := spot{line.ID, at}
	if product.OnElevate() {
		msg, err := Registration{
			OrderID: p.order.ID, LineID: line.ID, RemoteProductID: product.RemoteProductID, User: u, Backfill: p.order.Backfill,
		}.message(p.elevate)
		if err != nil {
			return err
		}
		d := &draft{msg: msg, spots: []spot{here}}
		if field, problem := u.profileProblem(); problem != "" && !p.profileAtSend {
			d.park("attendee's "+field, problem)
		}
		p.drafts = append(p.drafts, d)
	}
	if !product.OnNotified() {
		return nil
	}
	keys := LineAddOns{LineID: line.ID, Keys: product.AddOnKeys}
	g := group{u.ID, product.ShowKey, product.ShowPackageKey}
	if d, ok := p.groups[g]; ok {
		d.addOns.Lines = append(d.addOns.Lines, keys)
		d.spots = append(d.spots, here)
		return nil
	}
	d := &draft{
		spots: []spot{here},
		addOns: &AddOns{
			OrderID: p.order.ID, ShowKey: product.ShowKey, ShowPackageKey: product.ShowPackageKey,
			Lines: []LineAddOns{keys}, User: u, Backfill: p.order.Backfill,
		},
	}
	p.groups[g] = d
	p.drafts = append(p.drafts, d)
	return nil
}

// finish makes messages of the pushes to Notified, whose lines are all known
// now. Lines go in the order of their IDs, whatever order they were reported
// in, so that the facts are the same each time.
func (p *plan) finish() error {
	p.ready = nil
	for _, d := range p.drafts {
		if d.addOns == nil {
			p.ready = append(p.ready, d)
			continue
		}
		slices.SortStableFunc(d.addOns.Lines, func(a, b LineAddOns) int { return strings.Compare(a.LineID, b.LineID) })
		for i, part := range d.addOns.split(MaxAddOnList) {
			msg, err := part.message(p.notified, i+1)
			if err != nil {
				return err
			}
			p.ready = append(p.ready, &draft{msg: msg, spots: d.spots})
			if len(msg.Facts) > outbox.MaxPayload {
				return check.Bad("amsbridge", "Order.Lines", "bring one person more add-ons of one show than a message holds")
			}
		}
	}
	if len(p.ready) > outbox.MaxMessages {
		return check.Bad("amsbridge", "Order.Lines", fmt.Sprintf("come to more than %d pushes", outbox.MaxMessages))
	}
	return nil
}

// park makes the draft one that needs a person.
func (d *draft) park(field, problem string) {
	d.field, d.problem = field, problem
	d.msg.Born, d.msg.Reason = outbox.StateParked, outbox.CutText(field+" "+problem, outbox.MaxReason)
}

// messages are the drafts as they are stored.
func (p *plan) messages() []outbox.Message {
	out := make([]outbox.Message, len(p.ready))
	for i, d := range p.ready {
		m := d.msg
		m.TraceContext = p.trace
		if p.salt != "" {
			m.KeyParts = append(slices.Clone(m.KeyParts), "rebuild of", p.salt)
			m.Key = keyOf(m.KeyParts...)
		}
		if p.guarded && !d.msg.IsTask() {
			for _, s := range d.spots {
				m.Unless = append(m.Unless, p.order.parkedLineKeys(s)...)
			}
		}
		out[i] = m
	}
	return out
}

func (p *plan) hasParkedLines() bool {
	return slices.ContainsFunc(p.drafts, func(d *draft) bool { return d.msg.IsTask() })
}

func (p *plan) firstDefect() error {
	for _, d := range p.drafts {
		if d.defective() {
			return &DefectError{LineID: d.spots[0].line, Field: d.field, Problem: d.problem}
		}
	}
	return nil
}

// queued reports what was stored, and what an earlier report had stored.
func (p *plan) queued(msgs []outbox.Message, inserted []outbox.Inserted) *Queued {
	q := &Queued{LeftOut: p.leftOut}
	for i, m := range msgs {
		d := p.ready[i]
		if d.defective() {
			q.Parked = append(q.Parked, Parked{
				ID: inserted[i].ID, Key: m.Key, LineIDs: m.Items, Reason: m.Reason,
				Duplicate: inserted[i].Duplicate, Cause: d.cause,
			})
			continue
		}
		q.Messages = append(q.Messages, queuedMessage(m, inserted[i].ID, inserted[i].Duplicate))
	}
	for _, r := range p.stored {
		if !slices.ContainsFunc(inserted, func(i outbox.Inserted) bool { return i.ID == r.ID }) {
			q.addStored(r)
		}
	}
	return q
}

func (q *Queued) addStored(r outbox.Record) {
	if r.State == outbox.StateParked {
		q.Parked = append(q.Parked, Parked{ID: r.ID, Key: r.Key, LineIDs: r.Items, Reason: r.Reason, Duplicate: true})
		return
	}
	q.Messages = append(q.Messages, queuedMessage(r.Message, r.ID, true))
}

func queuedMessage(m outbox.Message, id outbox.ID, duplicate bool) QueuedMessage {
	return QueuedMessage{
		ID: id, Destination: m.Destination, Key: m.Key, Kind: m.Kind, UserID: UserID(m.Person),
		LineIDs: m.Items, Duplicate: duplicate,
	}
}
