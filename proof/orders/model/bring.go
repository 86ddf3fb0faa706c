package model

import (
	"github.com/amsbridge/amsbridge"
)

// bring gives the people whom a line names what its product brings by now. What arrived of what it brings
// no more stays, and the seat with it, unless the product itself was exchanged.
func (o *order) bring(
	l *line, lineID string, named, buyer map[amsbridge.UserID]amsbridge.User, v View, exchange bool,
) {
	for person := range o.held(lineID) {
		if _, known := named[person]; !known && l.seats[person].again && !l.seats[person].sent && !exchange {
			o.keep(lineID) // nobody knows any more who it is
		}
	}
	mapped := v.Mapping(l.product)
	if mapped.Unknown {
		return
	}
	for person := range o.held(lineID) {
		s := l.seats[person]
		u, known := named[person]
		if !known && s.again && s.sent {
			u, known = userOf(person, buyer), true
		}
		if known && s.frozen && s.again {
			s.again = false
			clear(s.items) // nothing is given again to who was erased
		}
		if !known || s.frozen || s.again && mapped.shopOnly() {
			continue
		}
		at := Seat{o.id.association, o.id.order, lineID, person}
		if !exchange && !s.again && o.stays(s, at, mapped, v) {
			o.told(l, s, u, at, mapped, v)
			for name, g := range s.items {
				if g.waits && mapped.brings(name) {
					g.give(l, s, u)
				}
			}
			continue
		}
		for name, g := range s.items {
			if !mapped.brings(name) {
				g.owed, g.waits, g.discarded = false, false, false
			}
		}
		o.told(l, s, u, at, mapped, v)
		for _, item := range mapped.Items {
			g := s.items[item.Name]
			if g == nil {
				g = &grant{units: item.Units}
				s.items[item.Name] = g
			}
			if !g.owed && !g.discarded || s.again {
				g.give(l, s, u)
			}
		}
		s.again = false
	}
}

// told gives what is on its way with another name or address, if that is sound.
func (o *order) told(l *line, s *seat, u amsbridge.User, at Seat, mapped Mapped, v View) {
	if u == s.user || s.again || u == (amsbridge.User{ID: u.ID}) {
		return
	}
	for name, g := range s.items {
		if g.owed && mapped.brings(name) && !v.Arrived(Grant{at, name}) {
			g.give(l, s, u)
		}
	}
}

// give gives a grant, unless its platform needs a name and address, and they are not sound.
func (g *grant) give(l *line, s *seat, u amsbridge.User) {
	s.had = true
	if g.units[0].Product != "" && (u.FirstName == "" || u.Email == "") {
		l.profile = true
		g.waits = !g.owed || s.again
		g.owed, g.discarded = !g.waits, g.discarded && !s.again
		return
	}
	g.owed, g.waits, g.discarded = true, false, false
	s.sent, s.user = true, u
}

// stays tells whether a seat keeps what it has though the mapping is another.
func (o *order) stays(s *seat, at Seat, mapped Mapped, v View) bool {
	arrived, gone, goneArrived := false, false, false
	for name, g := range s.items {
		if !g.owed && !g.discarded {
			continue
		}
		there := v.Arrived(Grant{at, name})
		arrived = arrived || there
		if !mapped.brings(name) {
			gone, goneArrived = true, goneArrived || there
		}
	}
	return goneArrived || !gone && arrived
}

// userOf returns a person as a report has them, who may be the buyer without being named.
func userOf(person amsbridge.UserID, buyer map[amsbridge.UserID]amsbridge.User) amsbridge.User {
	if u, ok := buyer[person]; ok {
		return u
	}
	return amsbridge.User{ID: person}
}
