package amsbridge

import (
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// remap compares what a seat was given with what its line's product brings by now. What never arrived is
// exchanged; what was delivered stays as it is, but for an exchange of the product itself.
func (c *change) remap(ls *lineState, s *seatState, u User, m mapping, exchange bool) error {
	if c.isErased(s) {
		c.say(Entry{LineID: ls.ID, Person: u.ID, Did: DidErased})
		if exchange {
			return c.takeSeat(ls, s) // a task: nobody knows from whom
		}
		return nil
	}
	if u.ID == "" {
		c.staff(ls.ID, "a seat of line "+ls.ID+" changed, and nobody knows any more whose it is: see to it by hand", s.Hash)
		return nil
	}
	var gone, same []*grantState
	for _, g := range s.granted() {
		if m.problem == "" && !slices.ContainsFunc(m.items, g.brings) {
			gone = append(gone, g)
		} else {
			same = append(same, g)
		}
	}
	for _, g := range s.Grants {
		g.Waits = g.Waits && (m.problem != "" || slices.ContainsFunc(m.items, g.brings))
	}
	var added, waiting []Item
	for _, item := range m.items {
		switch is := func(g *grantState) bool { return g.brings(item) }; {
		case slices.ContainsFunc(same, is):
		case slices.ContainsFunc(s.Grants, func(g *grantState) bool { return g.Waits && is(g) }):
			waiting = append(waiting, item)
		default:
			added = append(added, item)
		}
	}
	if len(m.items) > 0 { // they are what a reversal gives again too
		s.forgetBack()
	}
	if err := c.remapItems(ls, s, u, gone, same, added, exchange); err != nil {
		return err
	}
	for _, item := range waiting {
		c.give(ls, s, u, item)
	}
	return nil
}

// remapItems exchanges the items of a seat: gone are those that its product brings no more, same those
// that it still brings, and added new ones.
func (c *change) remapItems(ls *lineState, s *seatState, u User, gone, same []*grantState, added []Item, exchange bool) error {
	granted := slices.Concat(gone, same)
	profile := !c.cfg.ProfileAtSend && u != (User{ID: u.ID}) && s.Profile != profileHash(s.Hash, u)
	if len(gone)+len(added) == 0 && !profile || len(granted) == 0 {
		c.unchanged(ls, s, u, same)
		for _, item := range added {
			c.give(ls, s, u, item)
		}
		return nil
	}
	stands, err := c.stands(s, granted)
	if err != nil {
		return err
	}
	delivered := func(g *grantState) bool { return stands[g] == arrived }
	// Of several items one may never have arrived: the others do not keep it from being exchanged.
	stays := slices.ContainsFunc(gone, delivered) || len(gone) == 0 && slices.ContainsFunc(granted, delivered)
	if stays && !exchange && len(gone)+len(added) > 0 {
		c.say(Entry{LineID: ls.ID, Person: u.ID, Did: DidRemapped, Text: remapped(gone, added)})
		gone, added = nil, nil
		same = granted
	}
	for _, g := range gone {
		c.take(ls, g, u.ID)
	}
	for _, g := range same {
		if profile && stands[g] == onItsWay {
			c.give(ls, s, u, g.Item) // the next turn, with the new profile
			continue
		}
		c.unchanged(ls, s, u, []*grantState{g})
	}
	for _, item := range added {
		c.give(ls, s, u, item)
	}
	return nil
}

func (g *grantState) brings(item Item) bool { return g.Item.id() == item.id() }

func (c *change) unchanged(ls *lineState, s *seatState, u User, all []*grantState) {
	for _, g := range all {
		c.say(Entry{LineID: ls.ID, Person: u.ID, Destination: g.To, Item: g.Item.String(), Key: g.key(s), Did: DidUnchanged})
	}
}

// Where a grant stands, as far as a comparison needs to know.
const (
	over     = iota // an operator ended it, or it was forgotten
	onItsWay        // it was not delivered, and may still be
	arrived
)

// stands reads where the last gives of grants stand.
func (c *change) stands(s *seatState, granted []*grantState) (map[*grantState]int, error) {
	keys := make([]string, len(granted))
	for i, g := range granted {
		keys[i] = g.key(s)
	}
	found, err := c.find(keys)
	if err != nil {
		return nil, err
	}
	stands := map[*grantState]int{}
	for i, g := range granted {
		switch r, ok := found[keys[i]]; {
		case !ok:
			stands[g] = arrived // forgotten
		case !r.State.Final():
			stands[g] = onItsWay
		case r.State == outbox.StateDelivered, r.State == outbox.StateAlreadyDone, r.State == outbox.StateMarkedDone:
			stands[g] = arrived
		default:
			stands[g] = over
		}
	}
	return stands, nil
}

// remapped says what a new mapping would change.
func remapped(gone []*grantState, added []Item) string {
	var parts []string
	for _, item := range added {
		parts = append(parts, "would give "+item.String())
	}
	for _, g := range gone {
		parts = append(parts, "would not give "+g.Item.String())
	}
	return "the product's mapping " + strings.Join(parts, ", ")
}
