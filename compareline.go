package amsbridge

import (
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// needsStaff tells of a line and lists a task that lasts as long as the reports give reason to it.
func (c *change) needsStaff(kind, line, text string, about ...string) {
	c.say(Entry{LineID: line, Did: DidNeedsStaff, Text: text})
	c.task(kind, line, text, about...)
}

// compareLine compares one line of the report.
func (c *change) compareLine(l Line) error {
	switch s := check.Text(l.ID, 255); {
	case s != "":
		c.needsStaff(taskMapping, outbox.CutText(l.ID, 255), "line ID "+s)
		return nil
	case l.Quantity == 0 && c.cfg.NetQuantities && c.st.cover(l.ID).any():
		c.say(Entry{LineID: l.ID, Did: DidRefunded})
		return nil
	case l.Quantity < 1:
		if c.st.line(l.ID) == nil { // so that a refund of all lines covers it
			c.st.addLine(l.ID).Product = outbox.CutText(l.ProductID, 255)
		}
		c.keepOf(l.ID, taskProfile, taskOpen)
		c.needsStaff(taskWhose, l.ID, "quantity of line "+l.ID+" is below 1")
		return nil
	}
	m, err := c.look(l.ProductID)
	if err != nil {
		return err
	}
	ls := c.st.line(l.ID)
	product := outbox.CutText(l.ProductID, 255)
	if m.shopOnly() && (ls == nil || !ls.granted()) {
		if ls == nil {
			ls = c.st.addLine(l.ID)
		}
		ls.Product, ls.Quantity, ls.Shop = product, l.Quantity, true
		ls.forgetBack()
		c.say(Entry{LineID: l.ID, Did: DidShopOnly})
		return nil
	}
	exchange := ls != nil && ls.Product != product
	covered := c.st.cover(l.ID)
	asked := c.rising || ls != nil && ls.Next == product
	if exchange && !covered.whole && (!asked || c.cfg.SwapsByHand) {
		c.keepOf(l.ID, taskProfile, taskOpen)
		c.needsStaff(taskWhose, l.ID, "line "+l.ID+" is for another product by now, and "+c.notByItself()+": nothing was given or taken", product)
		return nil
	}
	if exchange && !covered.whole && m.problem != "" {
		// What to give is not known yet, and taking alone would be half of it.
		ls.Next = product
		c.keepOf(l.ID, taskProfile, taskOpen)
		c.needsStaff(taskMapping, l.ID, m.problem, product)
		return nil
	}
	if ls == nil {
		ls = c.st.addLine(l.ID)
	}
	ls.Product, ls.Quantity, ls.Shop = product, l.Quantity, m.shopOnly()
	if c.rising || exchange {
		ls.Next = ""
	}
	if ls.Net = 0; c.cfg.NetQuantities {
		ls.Net = ls.back(covered)
	}
	if covered.whole {
		if exchange {
			ls.forgetBack()
		}
		c.say(Entry{LineID: l.ID, Did: DidRefunded})
		return nil
	}
	if m.problem != "" {
		c.needsStaff(taskMapping, l.ID, m.problem)
	}
	return c.comparePeople(l, ls, covered, m, exchange)
}

// forgetBack says that a reversal has nothing to give back on this line: its product brings nothing.
func (l *lineState) forgetBack() {
	for _, s := range l.Seats {
		s.forgetBack()
	}
}

// isBack tells whether a refund took something of the seat that a reversal gives again.
func (s *seatState) isBack() bool {
	return slices.ContainsFunc(s.Grants, func(g *grantState) bool { return g.Back })
}

func (s *seatState) forgetBack() {
	for _, g := range s.Grants {
		g.Back = false
	}
}

// granted tells whether the line ever gave anything that was not taken back.
func (l *lineState) granted() bool {
	for _, s := range l.Seats {
		if len(s.granted()) > 0 {
			return true
		}
	}
	return false
}

// notByItself says why people are not exchanged.
func (c *change) notByItself() string {
	if c.cfg.SwapsByHand {
		return "exchanges are made by hand here"
	}
	return "the report has no rising version"
}

// people are who the line names, each once, and what is wrong with one whom nobody could know.
func (c *change) people(l Line) (people []User, problem string) {
	named := l.Attendees
	if len(named) == 0 && (l.Quantity == 1 || c.cfg.FirstSeatIsBuyers) {
		named = []User{c.order.Buyer}
	}
	seen := map[UserID]bool{}
	for _, u := range named {
		if s := u.ID.problem(); s != "" {
			problem = "attendee's user ID " + s
		} else if !seen[u.ID] {
			seen[u.ID] = true
			people = append(people, u)
		}
	}
	return people, problem
}

// comparePeople decides who holds the line's seats by now, and gives and takes accordingly.
func (c *change) comparePeople(l Line, ls *lineState, covered cover, m mapping, exchange bool) error {
	people, problem := c.people(l)
	implied := len(l.Attendees) == 0 // the buyer, if anybody
	if implied && slices.ContainsFunc(ls.held(covered), func(s *seatState) bool { return !s.Buyer }) {
		people, problem = nil, "" // somebody else was named before, and a report that names nobody says nothing
	}
	named := map[string]bool{}
	var fresh []User
	swappedOff := 0
	for _, u := range people {
		hash := c.seatOf(l.ID, u.ID).hash()
		named[hash] = true
		s := ls.seat(hash)
		switch {
		case s != nil && s.Off && c.isErased(s):
			c.say(Entry{LineID: l.ID, Person: u.ID, Did: DidErased})
		case s == nil && covered.seats[hash], s != nil && covered.has(s):
			c.say(Entry{LineID: l.ID, Person: u.ID, Did: DidRefunded})
		case s == nil, s.Off && c.rising:
			fresh = append(fresh, u)
		case s.Off:
			swappedOff++
			c.say(Entry{LineID: l.ID, Person: u.ID, Did: DidNeedsStaff, Text: "they were replaced on this line before"})
		}
	}
	var missing []*seatState
	for _, s := range ls.held(covered) {
		if !named[s.Hash] {
			missing = append(missing, s)
		}
	}
	if m.shopOnly() { // seats matter no more
		fresh, swappedOff = nil, 0
	}
	free := ls.free(covered)
	beyond := len(fresh) - max(0, free)
	unclear := false
	swap := free >= 0 && beyond > 0 && beyond == len(missing)
	switch {
	case swap && c.rising && !c.cfg.SwapsByHand:
		for _, s := range missing {
			s.Off = true
			s.forgetBack()
			if err := c.takeSeat(ls, s); err != nil {
				return err
			}
		}
		missing = nil
	case !m.shopOnly() && (beyond > 0 || free < 0 || swappedOff > 0):
		unclear = true
		fresh = c.whose(l, ls, covered, people, fresh, swap, swappedOff)
	}
	c.giveFresh(ls, fresh, m)
	for _, u := range people {
		if s := ls.seat(c.seatOf(l.ID, u.ID).hash()); s != nil {
			s.Buyer = implied
		}
	}
	given := map[UserID]bool{}
	for _, u := range fresh {
		given[u.ID] = true
	}
	for _, u := range people {
		s := ls.seat(c.seatOf(l.ID, u.ID).hash())
		if s == nil || s.Off || covered.has(s) || given[u.ID] {
			continue
		}
		if err := c.remap(ls, s, u, m, exchange); err != nil {
			return err
		}
	}
	for _, s := range missing {
		if exchange || c.reversed[ls.ID] && s.isBack() {
			u, err := c.userOf(ls, s)
			if err == nil {
				err = c.remap(ls, s, u, m, exchange)
			}
			if err != nil {
				return err
			}
			continue
		}
		c.stay(ls, s)
	}
	switch {
	case m.shopOnly() || unclear:
	case problem != "" && ls.free(covered) <= 0:
		c.needsStaff(taskWhose, ls.ID, "line "+ls.ID+" names somebody who has no seat: "+problem)
	default:
		c.openSeats(ls, covered, problem)
	}
	return nil
}

// whose lists the task of a line whose people and seats do not fit. Nobody is taken, and new people are
// given only if all of them fit.
func (c *change) whose(l Line, ls *lineState, covered cover, people, fresh []User, swap bool, swappedOff int) []User {
	free := ls.free(covered)
	held := len(ls.held(covered))
	var text string
	switch {
	case swap:
		text = fmt.Sprintf("line %s names %d new people in place of others, and %s: say whose the seats are", l.ID, len(fresh), c.notByItself())
	case swappedOff > 0:
		text = fmt.Sprintf("line %s names %d people again who were replaced, and %s: say whose the seats are", l.ID, swappedOff, c.notByItself())
	default:
		text = fmt.Sprintf("line %s: %d people named, %d hold seats, %d seats: say whose they are", l.ID, len(people), held, held+free)
		if held+free != l.Quantity {
			text += " (refunded seats are subtracted from the quantity; see NetQuantities where the shop does so itself)"
		}
	}
	var who []string
	for _, u := range people {
		who = append(who, c.seatOf(l.ID, u.ID).hash())
	}
	c.task(taskWhose, l.ID, text, slices.Sorted(slices.Values(who))...)
	if len(fresh) <= max(0, free) && free >= 0 {
		c.say(Entry{LineID: l.ID, Did: DidNeedsStaff, Text: text})
		return fresh
	}
	for _, u := range fresh {
		c.say(Entry{LineID: l.ID, Person: u.ID, Did: DidNeedsStaff, Text: text})
	}
	if len(fresh) == 0 {
		c.say(Entry{LineID: l.ID, Did: DidNeedsStaff, Text: text})
	}
	return nil
}

// giveFresh gives seats to people who did not hold one.
func (c *change) giveFresh(ls *lineState, fresh []User, m mapping) {
	for _, u := range fresh {
		hash := c.seatOf(ls.ID, u.ID).hash()
		s := ls.seat(hash)
		if s == nil {
			s = ls.addSeat(hash)
		}
		if c.isErased(s) {
			c.say(Entry{LineID: ls.ID, Person: u.ID, Did: DidErased})
			continue
		}
		s.Off = false
		s.forgetBack()
		for _, item := range m.items {
			c.give(ls, s, u, item)
		}
	}
}

// isErased tells whether the person of a seat was erased.
func (c *change) isErased(s *seatState) bool {
	if len(c.erased) == 0 {
		return false
	}
	for _, g := range s.Grants {
		for turn := 1; turn <= g.Turn; turn++ {
			if c.erased[grantKey(g.To, s.Hash, g.Item, turn, KindGive)] {
				return true
			}
		}
	}
	return false
}

// openSeats lists the task of seats that have no person.
func (c *change) openSeats(ls *lineState, covered cover, problem string) {
	open := ls.free(covered)
	if open <= 0 {
		return
	}
	text := fmt.Sprintf("line %s: %d of %d seats have no person", ls.ID, open, ls.Quantity)
	c.task(taskOpen, ls.ID, text)
	if problem != "" {
		text += " (" + problem + ")"
	}
	c.say(Entry{LineID: ls.ID, Did: DidNeedsStaff, Text: text})
}
