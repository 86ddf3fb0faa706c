package model

import (
	"github.com/amsbridge/amsbridge"
)

// Refunded is a refund. One ID takes effect once.
func (m *Model) Refunded(r amsbridge.Refund) {
	o := m.order(r.Association, r.OrderID)
	known := o.refunds[r.ID]
	if known == nil && o.twice {
		o.keep("") // whose it is nobody can tell
		return
	}
	if known == nil {
		known = &refund{}
		o.refunds[r.ID] = known
	}
	if known.known {
		return
	}
	known.known, known.covers = true, map[string]*cover{}
	if known.reversed {
		return
	}
	known.late = r.All && len(o.lines) == 0
	if r.All {
		for name := range o.lines {
			o.cover(known, amsbridge.RefundLine{LineID: name})
		}
	}
	for _, l := range r.Lines {
		o.cover(known, l)
	}
}

// Reversed is a reversal of a refund, and a report.
func (m *Model) Reversed(refundID string, now amsbridge.Order, v View) Verdict {
	o := m.order(now.Association, now.ID)
	r := o.refunds[refundID]
	if r == nil {
		r = &refund{}
		o.refunds[refundID] = r
	}
	undone := r.covers
	if !r.reversed {
		for name, l := range o.lines {
			before := o.held(name)
			r.reversed = true
			for person := range o.held(name) {
				for _, g := range l.seats[person].items {
					l.seats[person].again = l.seats[person].again || !before[person] && (g.owed || g.discarded || g.waits)
				}
			}
			r.reversed = false
		}
	}
	if r.reversed {
		undone = nil
	}
	r.reversed = true
	said := m.report(now, v)
	o.giveAgain(now)
	o.tellOfNothing()
	for name := range undone {
		if o.gives(name) {
			o.lines[name].open = o.free(name) > 0
		}
	}
	return said
}

// giveAgain gives the seats of a reversed refund again what they had, where the report did not.
func (o *order) giveAgain(now amsbridge.Order) {
	for name, l := range o.lines {
		named := map[amsbridge.UserID]amsbridge.User{}
		for _, reported := range now.Lines {
			if reported.ID == name {
				named = o.model.people(now, reported)
			}
		}
		for person, s := range l.seats {
			if !s.again {
				continue
			}
			if s.frozen {
				clear(s.items)
			}
			u, known := named[person]
			if !known && !s.sent && !s.off {
				o.keep(name) // nobody knows any more who it is
				s.again = false
				continue
			}
			for _, g := range s.items {
				switch {
				case s.off, !g.owed && !g.discarded && !g.waits:
				default:
					g.give(l, s, u)
					g.back = g.waits
				}
			}
			s.again = false
		}
	}
}

// giveWaiting gives what a reversal would have given, and waits for a name that even a late report may tell.
func (o *order) giveWaiting(now amsbridge.Order) {
	for _, reported := range now.Lines {
		l := o.lines[reported.ID]
		if l == nil {
			continue
		}
		held := o.held(reported.ID)
		for person, u := range o.model.people(now, reported) {
			if !held[person] || l.seats[person].frozen {
				continue
			}
			for _, g := range l.seats[person].items {
				if g.waits && g.back {
					g.give(l, l.seats[person], u)
				}
			}
		}
	}
}

// tellOfNothing leaves to a person the seats that are held again, and of which nobody knows what they are
// to have.
func (o *order) tellOfNothing() {
	for name, l := range o.lines {
		for person := range o.held(name) {
			s := l.seats[person]
			nothing := s.had && !s.frozen && !l.shopOnly
			for _, g := range s.items {
				nothing = nothing && !g.owed && !g.discarded && !g.waits
			}
			l.unmapped = l.unmapped || nothing
		}
	}
}

// coverLate lets refunds of all lines count that came before the order.
func (o *order) coverLate(lines []amsbridge.Line) {
	for _, r := range o.refunds {
		for _, l := range lines {
			if r.late {
				o.cover(r, amsbridge.RefundLine{LineID: l.ID})
			}
		}
		r.late = r.late && len(lines) == 0
	}
}

// cover finds the seats of a line that a refund gives back. Of a line that is not known yet, they are
// whoever will have them.
func (o *order) cover(r *refund, l amsbridge.RefundLine) {
	c := &cover{people: map[amsbridge.UserID]bool{}, open: l.Seats, whole: len(l.People) == 0 && l.Seats == 0}
	known := o.lines[l.LineID]
	if known != nil && known.shopOnly && !o.gives(l.LineID) {
		c.people = map[amsbridge.UserID]bool{}
		for _, person := range l.People {
			c.people[person] = true
		}
		r.covers[l.LineID] = c
		o.calm(l.LineID)
		return
	}
	for _, person := range l.People {
		holds := known != nil && known.seats[person] != nil && !known.seats[person].off
		if known != nil && !holds {
			o.keep(l.LineID)
		}
		if known == nil || known.seats[person] == nil || holds {
			c.people[person] = true
		}
	}
	if known == nil {
		if len(o.lines) > 0 {
			o.keep(l.LineID)
		}
		r.covers[l.LineID] = c
		return
	}
	for person := range o.held(l.LineID) {
		if c.whole || c.people[person] {
			o.takeFrozen(l.LineID, known.seats[person])
		}
	}
	r.covers[l.LineID] = c
	c.open = 0
	free := max(0, o.free(l.LineID))
	c.open = min(l.Seats, free)
	if l.Seats > free {
		o.keep(l.LineID)
	}
	o.calm(l.LineID)
}

// calm ends the tasks of a line for which a refund leaves no reason.
func (o *order) calm(lineID string) {
	l := o.lines[lineID]
	if o.whole(lineID) {
		l.whose, l.pending, l.absent, l.unmapped, l.profile = false, false, false, false, false
	}
	l.open = l.open && o.free(lineID) > 0
}
