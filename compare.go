package amsbridge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// compare makes of the order's last state what the report says, as far as it may.
func (c *change) compare() error {
	c.report.Empty = len(c.order.Lines) == 0
	if problem := idProblem(c.order.ID); problem != "" {
		c.keepAll()
		c.odd("an order was reported whose ID " + problem + ", so that no other can be told from it: report it again with its own ID" + c.traits())
		return nil
	}
	if c.isOther() {
		c.keepAll()
		c.report.OtherOrder, c.st.Other = true, true
		c.odd("another order was reported under this ID: nothing of it was given; report it again with an ID of its own" + c.traits())
		return nil
	}
	if c.reversal != "" {
		c.reverse(c.reversal)
	}
	stale := c.compareTimes()
	if stale {
		c.report.Stale = true
		if err := c.compareStale(); err != nil {
			return err
		}
		return c.giveAgain()
	}
	named := map[string]bool{}
	for _, l := range c.order.Lines {
		named[l.ID] = true
	}
	dated := c.order.Version > 0 || !c.order.UpdatedAt.IsZero()
	c.keep(func(kind, line string) bool {
		return kind == taskKept || kind == taskOdd || line != "" && !named[line] && (kind != taskGone || !dated)
	})
	if c.report.Empty {
		c.say(Entry{Did: DidNeedsStaff, Text: "the order has no lines"})
		c.task(taskGone, "", "the order was reported without lines")
	}
	c.refundAll()
	for _, l := range c.order.Lines {
		if err := c.compareLine(l); err != nil {
			return err
		}
	}
	c.compareAbsent(named)
	return c.giveAgain()
}

// idProblem says why an ID cannot be an order's own: programs write such IDs before an order is saved.
func idProblem(id string) string {
	if s := check.Text(id, outbox.MaxSubject); s != "" {
		return s
	}
	if strings.Trim(id, "0") == "" {
		return "is zero"
	}
	for _, missing := range missingValues {
		if strings.EqualFold(id, missing) {
			return "is the text of a missing value"
		}
	}
	return ""
}

// keepAll carries all tasks over: nothing is known to have changed.
func (c *change) keepAll() { c.keep(func(string, string) bool { return true }) }

// traits tell orders under one ID apart, without personal data.
func (c *change) traits() string {
	var products []string
	for _, l := range c.order.Lines[:min(3, len(c.order.Lines))] {
		products = append(products, outbox.CutText(l.ProductID, 60))
	}
	text := fmt.Sprintf(" (%d lines: %s", len(c.order.Lines), strings.Join(products, ", "))
	if !c.order.PlacedAt.IsZero() {
		text += "; placed " + c.order.PlacedAt.UTC().Format(time.DateTime)
	}
	return text + "; buyer " + c.buyer() + ")"
}

// buyer is a short hash of the buyer, empty where they have no ID.
func (c *change) buyer() string {
	if c.order.Buyer.ID.problem() != "" {
		return ""
	}
	return c.seatOf("", c.order.Buyer.ID).hash()[:8]
}

// apart is how far apart the times of one order's placing may be: shops round them, and mistake time
// zones.
const apart = 48 * time.Hour

// isOther tells whether the order is another one than the last entry's.
func (c *change) isOther() bool {
	if c.last.N == 0 {
		return false
	}
	var both, far, equal bool
	if placed := c.order.PlacedAt; c.st.Placed != 0 && !placed.IsZero() {
		d := placed.Sub(time.UnixMicro(c.st.Placed)).Abs()
		both, far, equal = true, d > apart, d < time.Second
	}
	buyer := c.buyer()
	another := c.st.Buyer != "" && buyer != "" && buyer != c.st.Buyer
	switch {
	case both && far, another && !equal:
		return true
	case another:
		c.say(Entry{Did: DidUnchanged, Text: "the buyer is another one by now"})
	}
	return false
}

// compareTimes tells whether the report comes late, and notes whether it is surely newer.
func (c *change) compareTimes() (stale bool) {
	version := max(0, c.order.Version)
	var updated int64
	if at := c.order.UpdatedAt; !at.IsZero() && version == 0 {
		if at.After(c.cfg.Now().Add(24 * time.Hour)) {
			defer c.untimed("its UpdatedAt lies in the future")
		} else {
			updated = at.UnixMicro()
		}
	}
	switch {
	case version > 0 && c.st.Version > 0:
		stale, c.rising = version < c.st.Version, version > c.st.Version
	case updated > 0 && c.st.Updated > 0:
		stale, c.rising = updated < c.st.Updated, updated > c.st.Updated
	case version > 0 && c.st.Updated > 0, updated > 0 && c.st.Version > 0:
		defer c.untimed("it changed between Version and UpdatedAt")
	default:
		c.rising = version > 0 || updated > 0
	}
	if stale {
		return true
	}
	if version > 0 || updated > 0 {
		c.st.Version, c.st.Updated = version, updated
	}
	if !c.order.PlacedAt.IsZero() && c.st.Placed == 0 {
		c.st.Placed = c.order.PlacedAt.UnixMicro()
	}
	if b := c.buyer(); b != "" {
		c.st.Buyer = b
	}
	return false
}

// untimed lists a task about how the shop tells older reports from newer ones.
func (c *change) untimed(what string) {
	c.odd("whether a report of this order is newer cannot be told: " + what)
}

// compareStale tells what a late report names that no newer one did. Nothing is changed by it.
func (c *change) compareStale() error {
	c.keepAll()
	var strange, who []string // lines with something that no newer report has, and the seats
	for _, l := range c.order.Lines {
		m, err := c.look(l.ProductID)
		if err != nil {
			return err
		}
		if m.shopOnly() {
			c.say(Entry{LineID: l.ID, Did: DidShopOnly})
			continue
		}
		if c.st.cover(l.ID).whole {
			c.say(Entry{LineID: l.ID, Did: DidRefunded})
			continue
		}
		ls := c.st.line(l.ID)
		if ls == nil {
			strange, who = append(strange, outbox.CutText(l.ID, 50)), append(who, l.ID)
			continue
		}
		people, _ := c.people(l)
		unknown := false
		for _, u := range people {
			if hash := c.seatOf(l.ID, u.ID).hash(); ls.seat(hash) == nil {
				unknown, who = true, append(who, hash)
				continue
			}
			c.say(Entry{LineID: l.ID, Person: u.ID, Did: DidUnchanged, Text: "a newer report came before"})
		}
		if unknown {
			strange = append(strange, outbox.CutText(l.ID, 50))
		}
	}
	if len(strange) > 0 {
		c.odd("a late report of this order names lines or people that no newer one has (lines "+
			strings.Join(strange[:min(10, len(strange))], ", ")+"): nothing was given to them", who...)
	}
	return nil
}

// compareAbsent tells of lines that the report does not name. They stay.
func (c *change) compareAbsent(named map[string]bool) {
	for _, l := range c.st.Lines {
		if named[l.ID] {
			continue
		}
		held := l.held(c.st.cover(l.ID))
		for _, s := range held {
			c.stay(l, s)
		}
		if len(held) > 0 && (c.order.Version > 0 || !c.order.UpdatedAt.IsZero()) {
			text := "line " + l.ID + " is no longer on the order: was it refunded? Nothing was taken"
			c.say(Entry{LineID: l.ID, Did: DidNeedsStaff, Text: text})
			c.task(taskGone, l.ID, text)
		}
	}
}

// stay tells of a seat that the report does not name.
func (c *change) stay(l *lineState, s *seatState) {
	if slices.ContainsFunc(s.Grants, func(g *grantState) bool { return g.Waits }) {
		c.keepOf(l.ID, taskProfile)
	}
	for _, g := range s.granted() {
		c.say(Entry{LineID: l.ID, Destination: g.To, Item: g.Item.String(), Key: g.key(s), Did: DidAbsent})
	}
}

// giveAgain gives back what a reversed refund took and the comparison did not give: the report is late, or
// does not name the line, or the catalogue does not know its product now.
func (c *change) giveAgain() error {
	for _, l := range c.st.Lines {
		for _, s := range l.held(c.st.cover(l.ID)) {
			back := slices.DeleteFunc(slices.Clone(s.Grants), func(g *grantState) bool { return !g.Back })
			if len(back) == 0 {
				c.nothingBack(l, s)
				continue
			}
			if c.isErased(s) {
				c.say(Entry{LineID: l.ID, Did: DidErased})
				continue
			}
			u, err := c.userOf(l, s)
			if err != nil {
				return err
			}
			if u.ID == "" {
				c.staff(l.ID, "a refund of line "+l.ID+" was reversed, and its person was erased or forgotten: give them by hand what they are to have", s.Hash)
				continue
			}
			for _, g := range back {
				c.give(l, s, u, g.Item)
			}
		}
		if c.reversed[l.ID] && l.granted() {
			c.reopen(l)
		}
	}
	return nil
}

// nothingBack tells of a seat that a reversal gives again, of which nobody knows what it is to have: its
// product was another one by the time of the refund. The next report of the order as it is gives it.
func (c *change) nothingBack(l *lineState, s *seatState) {
	waits := slices.ContainsFunc(s.Grants, func(g *grantState) bool { return g.Waits })
	if len(s.Grants) > 0 && len(s.granted()) == 0 && !waits && !l.Shop && !c.isErased(s) {
		c.needsStaff(taskMapping, l.ID, "a refund of line "+l.ID+" was reversed by a report that does not say what it is for now: report the order as it is")
	}
}

// userOf returns who holds a seat, as the report names them, or else by the ID alone; without an ID where
// nobody knows.
func (c *change) userOf(l *lineState, s *seatState) (User, error) {
	for _, line := range c.order.Lines {
		if line.ID != l.ID {
			continue
		}
		people, _ := c.people(line)
		for _, u := range people {
			if c.seatOf(l.ID, u.ID).hash() == s.Hash {
				return u, nil
			}
		}
	}
	id, err := c.person(s)
	return User{ID: id}, err
}
