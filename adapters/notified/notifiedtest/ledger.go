package notifiedtest

import "slices"

// Effect is one thing that a person gained or lost by a call.
type Effect struct {
	// Seq is the number of the call, and Key its Amsbridge-Key header.
	Seq  int
	Key  string
	Area string
	// User is the person's ExternalUserID; empty for a person without one.
	User string
	Show int64
	// AddOn is the add-on, or zero for the registration for the show.
	AddOn int64
	// Lost is set when the person lost it.
	Lost bool
}

// Ledger returns what the calls gave and took, in the order in which they did, which with slow calls is
// not that of the [Server.Journal]. What [Server.Register] did is not in it, nor a move to another
// package, which changes no add-on.
func (s *Server) Ledger() []Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ledger)
}

// record adds to the ledger what the call gave or took of a registration.
func (r *run) record(reg *registration, addOn int64, lost bool) {
	r.server.ledger = append(r.server.ledger, Effect{
		Seq: r.note.Seq, Key: r.note.Key, Area: r.area, User: reg.person.ID,
		Show: reg.show, AddOn: addOn, Lost: lost,
	})
}

// recordEnd adds to the ledger that the call ended a person's registrations.
func (r *run) recordEnd(p *person) {
	for _, reg := range r.server.registrations {
		if reg.person != p || !reg.present() {
			continue
		}
		for _, k := range reg.sortedAddOns() {
			r.record(reg, k, true)
		}
		r.record(reg, 0, true)
	}
}
