package model

import (
	"maps"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge"
)

// Verdict is what a report is told as a whole.
type Verdict struct{ Stale, OtherOrder, Empty bool }

// Completed is a report of an order.
func (m *Model) Completed(o amsbridge.Order, v View) Verdict { return m.report(o, v) }

// report takes in what the shop says.
func (m *Model) report(now amsbridge.Order, v View) Verdict {
	o := m.order(now.Association, now.ID)
	said := Verdict{Empty: len(now.Lines) == 0}
	if missing(now.ID) {
		o.keep("")
		return said
	}
	if o.reported && o.other(now) {
		o.keep("")
		said.OtherOrder, o.twice = true, true
		return said
	}
	dated := now.Version > 0 || !now.UpdatedAt.IsZero()
	if now.Version > 0 {
		now.UpdatedAt = time.Time{}
	}
	if now.UpdatedAt.After(v.Now.Add(24 * time.Hour)) {
		o.keep("")
		now.UpdatedAt = time.Time{}
	}
	if now.Version > 0 && !o.updated.IsZero() || !now.UpdatedAt.IsZero() && o.version > 0 {
		o.keep("") // which is newer nobody can tell
	}
	if o.reported && o.stale(now) {
		o.keepUnknown(now, v)
		o.giveWaiting(now)
		said.Stale = true
		return said
	}
	o.empty = said.Empty
	rising := o.rising(now)
	first := !o.reported
	o.reported, o.buyer = true, now.Buyer.ID
	if now.Version > 0 || !now.UpdatedAt.IsZero() {
		o.version, o.updated = now.Version, now.UpdatedAt
	}
	if o.placed.IsZero() {
		o.placed = now.PlacedAt
	}
	o.coverLate(now.Lines)
	named := map[string]bool{}
	for _, l := range now.Lines {
		named[l.ID] = true
		o.line(l, m.people(now, l), v, rising)
	}
	for name, l := range o.lines {
		if dated || named[name] {
			l.absent = !named[name] && len(o.held(name)) > 0
		}
	}
	o.giveWaiting(now)
	brings := o.empty || len(o.refunds)+len(o.kept) > 0
	for name, l := range o.lines {
		brings = brings || !l.shopOnly || o.gives(name)
	}
	o.tellOfNothing()
	if first && !brings {
		delete(m.orders, o.id) // what brings nothing for any platform is not kept
	}
	return said
}

func missing(orderID string) bool {
	return orderID == "" || orderID == "0" || orderID == "00000000-0000-0000-0000-000000000000"
}

// other tells whether the report is of another order under a used ID.
func (o *order) other(now amsbridge.Order) bool {
	both := !o.placed.IsZero() && !now.PlacedAt.IsZero()
	if both && now.PlacedAt.Sub(o.placed).Abs() > 48*time.Hour {
		return true
	}
	return now.Buyer.ID != o.buyer && !(both && now.PlacedAt.Equal(o.placed))
}

func (o *order) stale(now amsbridge.Order) bool {
	return now.Version > 0 && now.Version < o.version ||
		!now.UpdatedAt.IsZero() && now.UpdatedAt.Before(o.updated)
}

// rising tells whether a report is surely newer than the last one.
func (o *order) rising(now amsbridge.Order) bool {
	switch {
	case o.version > 0:
		return now.Version > o.version
	case !o.updated.IsZero():
		return now.UpdatedAt.After(o.updated)
	}
	return now.Version > 0 || !now.UpdatedAt.IsZero()
}

// keepUnknown leaves to a person what a late report names and the order does not know.
func (o *order) keepUnknown(now amsbridge.Order, v View) {
	for _, l := range now.Lines {
		known := o.lines[l.ID]
		if v.Mapping(l.ProductID).shopOnly() || o.whole(l.ID) {
			continue
		}
		for person := range o.model.people(now, l) {
			if known == nil || known.seats[person] == nil {
				o.keep("")
			}
		}
	}
}

// people returns whom a line names.
func (m *Model) people(o amsbridge.Order, l amsbridge.Line) map[amsbridge.UserID]amsbridge.User {
	out := map[amsbridge.UserID]amsbridge.User{}
	for _, u := range l.Attendees {
		out[u.ID] = u
	}
	if (l.Quantity == 1 || m.FirstSeatIsBuyers) && len(out) == 0 {
		out[o.Buyer.ID] = o.Buyer
	}
	return out
}

// line takes in what the shop says of one line.
func (o *order) line(now amsbridge.Line, named map[amsbridge.UserID]amsbridge.User, v View, rising bool) {
	l := o.lines[now.ID]
	if l == nil {
		l = &line{product: now.ProductID, seats: map[amsbridge.UserID]*seat{}}
		o.lines[now.ID] = l
	}
	mapped := v.Mapping(now.ProductID)
	exchange, open := now.ProductID != l.product, l.open
	waited := l.profile
	l.whose, l.pending, l.unmapped, l.open, l.profile = false, false, false, false, false
	switch {
	case mapped.shopOnly() && !o.gives(now.ID):
		l.product, l.quantity, l.shopOnly = now.ProductID, now.Quantity, true
		l.forget()
		return
	case exchange && !o.whole(now.ID) && (o.model.SwapsByHand || !rising && now.ProductID != l.next):
		l.pending, l.open, l.profile = true, open, waited
		return
	case exchange && !o.whole(now.ID) && mapped.Unknown:
		l.next, l.unmapped, l.open, l.profile = now.ProductID, true, open, waited
		return // what to give is not known yet
	}
	l.quantity, l.shopOnly = now.Quantity, mapped.shopOnly()
	if rising || exchange {
		l.next = ""
	}
	if o.whole(now.ID) {
		l.product = now.ProductID
		if exchange {
			l.forget()
		}
		return
	}
	l.unmapped = mapped.Unknown
	implied, buyer := len(now.Attendees) == 0, maps.Clone(named)
	for person := range o.held(now.ID) {
		if implied && !l.seats[person].implied {
			clear(named) // who names nobody says nothing of who was named before
		}
	}
	o.seat(l, now.ID, named, rising)
	for person := range named {
		if s := l.seats[person]; s != nil {
			s.implied = implied
		}
	}
	l.product = now.ProductID
	if exchange {
		for person := range o.held(now.ID) {
			_, known := named[person]
			switch {
			case known:
			case l.seats[person].sent || l.shopOnly:
				named[person] = userOf(person, buyer)
			default:
				o.keep(now.ID) // nobody knows any more who it is
			}
		}
		o.model.Swaps++
		for person, s := range l.seats {
			if s.off || o.refunded(now.ID, person) {
				continue
			}
			o.takeFrozen(now.ID, s)
			brings := v.Mapping(l.product).Items
			maps.DeleteFunc(s.items, func(name string, _ *grant) bool {
				return !slices.ContainsFunc(brings, func(i Item) bool { return i.Name == name })
			})
		}
	}
	o.bring(l, now.ID, named, buyer, v, exchange)
	for person := range o.held(now.ID) {
		_, known := named[person]
		for _, g := range l.seats[person].items {
			l.profile = l.profile || waited && !known && g.waits
		}
	}
	l.open = !l.shopOnly && !l.whose && o.free(now.ID) > 0
}

// forget says that nothing of the line is to come back by a reversal.
func (l *line) forget() {
	for _, s := range l.seats {
		clear(s.items)
	}
}

// takeFrozen leaves to a person what is to be taken from somebody who was erased.
func (o *order) takeFrozen(lineID string, s *seat) {
	for _, g := range s.items {
		if s.frozen && !s.again && (g.owed || g.discarded) {
			o.keep(lineID)
		}
	}
}

// gives tells whether any seat of a line was given anything that was not taken back.
func (o *order) gives(lineID string) bool {
	l := o.lines[lineID]
	if l == nil {
		return false
	}
	for person, s := range l.seats {
		for _, g := range s.items {
			if (g.owed || g.discarded) && !s.off && !s.again && !o.refunded(lineID, person) {
				return true
			}
		}
	}
	return false
}

func (o *order) keep(lineID string) {
	o.kept[Task{o.id.association, o.id.order, lineID, Kept}] = true
}
