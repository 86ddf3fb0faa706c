package amsbridge

import (
	"context"
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Refund is what a shop says once lines or seats of an order were given back. For an amount of money
// without lines, call nothing.
type Refund struct {
	// ID is the refund's own ID, stable for ever: the same in each report of it, and another in each
	// refund of the order. Required: 1 to 255 bytes of UTF-8 without control characters. One that is
	// longer or malformed is told and kept as a task; nothing is taken back then.
	ID string
	// OrderID and Association are the order's, as [Hook.OrderCompleted] was told.
	OrderID     string
	Association string
	// Lines are what is given back, each line once. Lines or All is required, and not both.
	Lines []RefundLine
	// All gives all lines back that are known by now; before the order was reported, those of its first
	// report.
	All bool
}

// RefundLine is the part of a refund that is about one line. With neither People nor Seats it is the
// whole line.
type RefundLine struct {
	LineID string
	// People give their seats on the line back, each once. A malformed user ID is told, and a task.
	People []UserID
	// Seats is a number of seats beside People. Open ones go first; whose the rest is, is a task.
	Seats int
}

// OrderRefunded gives seats of an order back. Each grant of them gets a take, sent or not: at its turn it
// takes what nothing else brings the person, and what was never sent is not sent any more. What no call
// of a platform takes back becomes a task for a person, as a parked message, as soon as it is known that
// it is there to be taken.
//
// One refund takes effect once, whatever its repeats say. A refund before its order is kept, and counts
// when the order is reported.
func (h *Hook[Tx]) OrderRefunded(ctx context.Context, tx Tx, refund Refund) (*Report, error) {
	if err := refund.check(); err != nil {
		return nil, err
	}
	order := Order{ID: refund.OrderID, Association: refund.Association}
	return h.call(ctx, tx, order, false, func(c *change) error { return c.refund(refund) })
}

// RefundReversed says that a refund is undone: a dispute was won, the bank refused, it was a mistake. The
// order is reported in the same call, as by [Hook.OrderCompleted], since the names of those who have
// their seats again are in it. Seats that no other refund covers are given again, even where that is more
// than the line's quantity, which is then a task. A reversal before its refund is kept: the refund has no
// effect then.
func (h *Hook[Tx]) RefundReversed(ctx context.Context, tx Tx, refundID string, order Order) (*Report, error) {
	if refundID == "" {
		return nil, check.Bad("amsbridge", "refundID", "is empty")
	}
	if err := order.check(); err != nil {
		return nil, err
	}
	return h.call(ctx, tx, order, false, func(c *change) error {
		if !c.oddRefund(refundID, "reversed") {
			c.reversal = refundID
		}
		return c.compare()
	})
}

// oddRefund tells of a refund whose ID cannot be kept, so that no other can be told from it.
func (c *change) oddRefund(id, nothing string) bool {
	problem := check.Text(id, 255)
	if problem != "" {
		c.staff("", "a refund was reported whose ID "+problem+": nothing was "+nothing+"; report it again with another ID", id)
	}
	return problem != ""
}

// reverse marks a refund reversed, and notes its lines.
func (c *change) reverse(id string) {
	i := slices.IndexFunc(c.st.Refunds, func(r *refundState) bool { return r.ID == id })
	if i < 0 {
		c.st.Refunds = append(c.st.Refunds, &refundState{ID: id, Reversed: true})
		return
	}
	r := c.st.Refunds[i]
	if r.Reversed {
		return
	}
	r.Reversed = true
	c.reversed = map[string]bool{}
	for _, l := range r.Lines {
		c.reversed[l.Line] = true
	}
}

// refundAll gives refunds of all lines, which came before the order, the lines of its first report.
func (c *change) refundAll() {
	for _, r := range c.st.Refunds {
		if !r.All || r.Reversed || len(c.order.Lines) == 0 {
			continue
		}
		r.All = false
		for _, l := range c.order.Lines {
			c.st.refundLine(r, &refundLineState{Line: l.ID, Whole: true})
		}
	}
}

// refund gives back what the refund names.
func (c *change) refund(refund Refund) error {
	c.keepAll()
	if problem := idProblem(refund.OrderID); problem != "" {
		c.staff("", "a refund was reported for an order whose ID "+problem+": nothing was taken back")
		return nil
	}
	if c.oddRefund(refund.ID, "taken back") {
		return nil
	}
	if i := slices.IndexFunc(c.st.Refunds, func(r *refundState) bool { return r.ID == refund.ID }); i >= 0 {
		c.tellRefund(c.st.Refunds[i])
		return nil
	}
	if c.st.Other {
		c.staff("", "refund "+outbox.CutText(refund.ID, 100)+
			" is for an ID that two orders were reported under: nothing was taken back; say whose it is")
		return nil
	}
	r := &refundState{ID: refund.ID}
	c.st.Refunds = append(c.st.Refunds, r)
	lines := refund.Lines
	if refund.All {
		r.All = len(c.st.Lines) == 0
		for _, l := range c.st.Lines {
			lines = append(lines, RefundLine{LineID: l.ID})
		}
		if r.All {
			c.say(Entry{Did: DidRefunded, Text: "the order was not reported yet: it counts when it is"})
		}
	}
	for _, l := range lines {
		if err := c.refundLine(r, l); err != nil {
			return err
		}
	}
	c.refundTasks(lines)
	return nil
}

// tellRefund tells of a refund that was reported before.
func (c *change) tellRefund(r *refundState) {
	text := "this refund was reported before"
	if r.Reversed {
		text = "this refund was reversed"
	}
	if len(r.Lines) == 0 {
		c.say(Entry{Did: DidRefunded, Text: text})
	}
	for _, l := range r.Lines {
		c.say(Entry{LineID: l.Line, Did: DidRefunded, Text: text})
	}
}

// maxSeats is more than any line has, and far from what a sum cannot hold.
const maxSeats = 1 << 40

func (c *change) refundLine(r *refundState, line RefundLine) error {
	rl := &refundLineState{Line: line.LineID, Whole: len(line.People) == 0 && line.Seats == 0}
	before := c.st.cover(line.LineID)
	c.st.refundLine(r, rl)
	ls := c.st.line(line.LineID)
	c.say(Entry{LineID: line.LineID, Did: DidRefunded})
	for _, id := range line.People {
		hash := c.seatOf(line.LineID, id).hash()
		if problem := id.problem(); problem != "" { // nobody with such an ID was given a seat
			shown := outbox.CutText(line.LineID, 255)
			c.staff(shown, "refund "+outbox.CutText(r.ID, 100)+" names somebody on line "+shown+" whose user ID "+problem+
				": nothing was taken back from them", hash)
			continue
		}
		if ls != nil && !ls.Shop {
			if s := ls.seat(hash); s == nil || s.Off {
				c.staff(ls.ID, "refund "+outbox.CutText(r.ID, 100)+" names somebody who holds no seat on line "+ls.ID+
					": nothing was taken back from them", hash)
				if s != nil {
					continue // somebody else has the seat by now
				}
			}
		}
		rl.Seats = append(rl.Seats, hash)
	}
	if ls == nil || ls.Shop && !ls.granted() {
		rl.Open = min(line.Seats, maxSeats)
		if ls == nil && len(c.st.Lines) > 0 {
			shown := outbox.CutText(line.LineID, 255)
			c.staff(shown, "refund "+outbox.CutText(r.ID, 100)+" names line "+shown+
				", which the order does not have: nothing was taken back for it")
		}
		return nil
	}
	if line.Seats > 0 {
		rl.Open = min(line.Seats, max(0, ls.free(c.st.cover(ls.ID))))
		if rest := line.Seats - rl.Open; rest > 0 {
			c.staff(ls.ID, fmt.Sprintf("refund %s gives %d seats of line %s back that people hold: say whose, by a refund that names them", outbox.CutText(r.ID, 100), rest, ls.ID))
		}
	}
	after := c.st.cover(ls.ID)
	for _, s := range ls.Seats {
		if s.Off || before.has(s) || !after.has(s) {
			continue
		}
		back := slices.DeleteFunc(slices.Clone(s.Grants), func(g *grantState) bool { return g.Taken && !g.Waits })
		if err := c.takeSeat(ls, s); err != nil {
			return err
		}
		for _, g := range back {
			g.Back = true
		}
	}
	return nil
}

// refundTasks lists anew what a refund changes about the tasks of its lines: nobody has to find people for
// seats that were given back.
func (c *change) refundTasks(lines []RefundLine) {
	refunded := make(map[string]bool, len(lines))
	for _, l := range lines {
		refunded[l.LineID] = true
	}
	var open []*lineState
	c.unlist(func(t outbox.Task) bool {
		if len(t.Items) == 0 || !refunded[t.Items[0]] || kindOf(t) == taskKept {
			return false
		}
		ls := c.st.line(t.Items[0])
		if ls != nil && kindOf(t) == taskOpen {
			open = append(open, ls)
			return true
		}
		return c.st.cover(t.Items[0]).whole
	})
	for _, ls := range open {
		c.openSeats(ls, c.st.cover(ls.ID), "")
	}
}

// reopen lists the task of a line's open seats anew.
func (c *change) reopen(ls *lineState) {
	c.unlist(func(t outbox.Task) bool { return len(t.Items) > 0 && t.Items[0] == ls.ID && kindOf(t) == taskOpen })
	c.openSeats(ls, c.st.cover(ls.ID), "")
}

// check finds the programmer's mistakes.
func (r Refund) check() error {
	bad := func(field, problem string) error { return check.Bad("amsbridge", "Refund."+field, problem) }
	if r.ID == "" {
		return bad("ID", "is empty")
	}
	if err := checkAssociation("Refund.Association", r.Association); err != nil {
		return err
	}
	switch {
	case len(r.Lines) == 0 && !r.All:
		return bad("Lines", "are empty, and All is not set: for an amount without lines, call nothing")
	case len(r.Lines) > 0 && r.All:
		return bad("All", "is set beside Lines")
	}
	lines := map[string]bool{}
	for i, l := range r.Lines {
		field := fmt.Sprintf("Lines[%d].", i)
		if s := duplicate(lines, l.LineID); s != "" {
			return bad(field+"LineID", s)
		}
		if l.Seats < 0 {
			return bad(field+"Seats", "is negative")
		}
		people := map[string]bool{}
		for j, id := range l.People {
			if s := duplicate(people, string(id)); s != "" {
				return bad(fmt.Sprintf("%sPeople[%d]", field, j), s)
			}
		}
	}
	return nil
}
