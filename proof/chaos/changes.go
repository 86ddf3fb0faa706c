package chaos

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge"
)

// What the shop says of an order.
const (
	reports  = "reports"
	refunds  = "refunds"
	reverses = "reverses"
	swaps    = "swaps"
)

// act is one call of the hook.
type act struct {
	sale *sale
	does string
	// order is what a swap reports.
	order  amsbridge.Order
	refund amsbridge.Refund

	season, position int
}

// lastSeason is the last one: 0 is that in which all orders are placed.
const lastSeason = 2

// season sorts what the shop does.
func (m *market) season(acts []act) {
	slices.SortStableFunc(acts, func(a, b act) int { return cmp.Compare(a.position, b.position) })
	for _, a := range acts {
		m.seasons[a.season] = append(m.seasons[a.season], a)
	}
}

// changes draws what becomes of the order after its first report: two fifths of them are refunded,
// whole or by line, and two fifths get another attendee where a line can. Half of that is undone.
func (b *basket) changes() {
	first := act{sale: b.sale, does: reports, position: b.n}
	b.acts = append(b.acts, first)
	if b.rolledBack || b.steady {
		return
	}
	what, undone := b.rng.IntN(5), b.rng.IntN(2) == 0
	then := b.later(first)
	switch {
	case what < 2:
		b.refund(then, what == 0, undone)
	case what < 4:
		b.swap(then, undone)
	}
}

// later is a moment after another: at once, after some more orders, or once all is sent.
func (b *basket) later(a act) act {
	switch at := b.rng.IntN(3); {
	case at == 1:
		a.position += b.rng.IntN(40)
	case at == 2 && a.season < lastSeason:
		a.season++
	}
	return a
}

func (b *basket) refund(a act, whole, undone bool) {
	a.does, a.refund = refunds, amsbridge.Refund{ID: "r-" + b.order.ID, OrderID: b.order.ID, All: whole}
	line := b.order.Lines[b.rng.IntN(len(b.order.Lines))].ID
	if !whole {
		a.refund.Lines = []amsbridge.RefundLine{{LineID: line}}
	}
	b.acts = append(b.acts, a)
	if undone {
		back := b.later(a)
		back.does, back.order = reverses, b.order
		b.acts = append(b.acts, back)
	}
	for i, w := range b.wants {
		switch {
		case !whole && w.line != line:
		case undone:
			b.wants[i].gives++
		default:
			b.wants[i].owed = false
		}
	}
}

// swap puts somebody else in the place of one person of a line, who gets an item that they do not have.
func (b *basket) swap(a act, undone bool) {
	i := b.rng.IntN(len(b.order.Lines))
	line := b.order.Lines[i]
	it, ok := b.swappable[line.ID]
	if !ok {
		return
	}
	people := line.Attendees
	if len(people) == 0 {
		people = []amsbridge.User{b.order.Buyer}
	}
	out := b.rng.IntN(len(people))
	in := ""
	for range 5 {
		who := b.known[b.rng.IntN(len(b.known))]
		if b.bought[who+" "+it.name] == it.n {
			in = who
		}
	}
	if in == "" {
		return
	}
	b.order.Version = 1
	a.does, a.order = swaps, b.order
	a.order.Version, a.order.Lines = 2, slices.Clone(b.order.Lines)
	before := people
	people = slices.Clone(people)
	gone := string(people[out].ID)
	people[out] = b.user(in)
	a.order.Lines[i].Attendees = people
	b.acts = append(b.acts, a)
	if undone {
		back := b.later(a)
		back.order = b.order
		back.order.Version, back.order.Lines = 3, slices.Clone(b.order.Lines)
		back.order.Lines[i].Attendees = before // who is not named does not come back
		b.acts = append(b.acts, back)
	}
	for i, w := range b.wants {
		switch {
		case w.line != line.ID || w.person != gone:
		case undone:
			b.wants[i].gives++
		default:
			b.wants[i].owed = false
		}
	}
	known := len(b.wants)
	b.want(in, line.ID, b.next(in, it.productKind))
	for i := range b.wants[known:] {
		b.wants[known+i].owed = !undone
	}
}

// String says what is done, for errors.
func (a act) String() string { return fmt.Sprintf("the shop %s order %s", a.does, a.sale.order.ID) }
