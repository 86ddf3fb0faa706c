// Package model is a plain model of orders that live: from what a shop reported it says what each person
// is owed and which tasks of orders are open. It knows the types of an order and nothing else of the
// package that it judges. Where the rules leave a choice, as for a product that is mapped otherwise while a
// refund covers its line, it follows what the hook's pages and comments say.
package model

import (
	"cmp"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge"
)

// Unit is the smallest thing that a platform gives or takes. A show's registration is an AddOn of zero.
type Unit struct {
	Product     string
	Show, AddOn int64
}

// Owed is one unit of one person.
type Owed struct {
	Association string
	Person      amsbridge.UserID
	Unit        Unit
}

// Item is what one call gives.
type Item struct {
	// Name is the same for items that bring the same, and for no other.
	Name  string
	Units []Unit
}

// Mapped is what the catalogue says of a product: what it brings with all that it includes, or that
// nobody mapped it.
type Mapped struct {
	Unknown bool
	Items   []Item
}

func (m Mapped) shopOnly() bool { return !m.Unknown && len(m.Items) == 0 }

func (m Mapped) brings(item string) bool {
	return slices.ContainsFunc(m.Items, func(i Item) bool { return i.Name == item })
}

// Grant is one item for one seat.
type Grant struct {
	Seat
	Item string
}

// Seat is a person's place on a line.
type Seat struct {
	Association, Order, Line string
	Person                   amsbridge.UserID
}

// View is what a report sees beside the orders: the catalogue, and which grants arrived.
type View struct {
	Mapping func(productID string) Mapped
	Arrived func(Grant) bool
	Now     time.Time
}

// Kind says what a task is about.
type Kind string

// The kinds of tasks of an order. Kept ones, and those that erasing somebody leaves, stay until they are
// done; the others last as long as there is reason to them.
const (
	Open    Kind = "open"
	Whose   Kind = "whose"
	Gone    Kind = "gone"
	Mapping Kind = "mapping"
	Profile Kind = "profile"
	Kept    Kind = "kept"
	Erased  Kind = "erased"
)

// Task is an open task of an order. Line is empty where it is about the whole order.
type Task struct {
	Association, Order, Line string
	Kind                     Kind
}

// Model is all that the shop said.
type Model struct {
	// Swaps counts the swaps of people and the exchanges of products.
	Swaps int
	// FirstSeatIsBuyers and SwapsByHand are settings of the shop.
	FirstSeatIsBuyers, SwapsByHand bool

	orders map[id]*order
}

type id struct{ association, order string }

// order is what is known of one order. One that was not reported yet has only refunds.
type order struct {
	id       id
	model    *Model
	reported bool
	empty    bool // the last report had no lines
	twice    bool // another order was reported under its ID
	buyer    amsbridge.UserID
	placed   time.Time
	version  int64
	updated  time.Time
	lines    map[string]*line
	refunds  map[string]*refund
	kept     map[Task]bool
}

type line struct {
	product  string
	next     string // what it is exchanged for, once that is mapped
	quantity int
	seats    map[amsbridge.UserID]*seat
	unmapped bool
	shopOnly bool
	profile  bool // a name or address is not sound
	open     bool // it had seats without a person when the shop named it last, and not all are refunded
	absent   bool // from the last report, which had a version
	pending  bool // an exchange of its product waits for a person
	whose    bool // the last report of it left open whose the seats are
}

type seat struct {
	off     bool           // swapped off
	implied bool           // it is the buyer's, whom no report named
	frozen  bool           // the person was erased
	had     bool           // it was to have something once
	sent    bool           // a message names the person
	again   bool           // a refund of it is being reversed
	user    amsbridge.User // as of the last give
	items   map[string]*grant
}

type grant struct {
	units     []Unit
	owed      bool // as far as refunds do not matter
	discarded bool // by an operator; only another turn gives it again
	waits     bool // for a sound name and address
	back      bool // what waits was given by a reversal
}

type refund struct {
	known    bool // the refund was told, and not its reversal alone
	late     bool // it covers all lines of the first report
	reversed bool
	covers   map[string]*cover // by line
}

// cover is what a refund gives back of a line: all of it for good, or some people's seats and a number of
// open ones.
type cover struct {
	whole  bool
	people map[amsbridge.UserID]bool
	open   int
}

// New returns a model of a shop without orders.
func New() *Model { return &Model{orders: map[id]*order{}} }

func (m *Model) order(association, name string) *order {
	key := id{association, name}
	o := m.orders[key]
	if o == nil {
		o = &order{id: key, model: m, lines: map[string]*line{}, refunds: map[string]*refund{}}
		o.kept = map[Task]bool{}
		m.orders[key] = o
	}
	return o
}

// Owed returns what each person is owed, but for seats of erased people.
func (m *Model) Owed() map[Owed]bool {
	out := map[Owed]bool{}
	for _, o := range m.orders {
		for name, l := range o.lines {
			for person, s := range l.seats {
				if s.off || s.frozen || o.refunded(name, person) {
					continue
				}
				for _, g := range s.items {
					for _, u := range g.units {
						if g.owed {
							out[Owed{o.id.association, person, u}] = true
						}
					}
				}
			}
		}
	}
	return out
}

// Discarded records that an operator discarded a give.
func (m *Model) Discarded(g Grant) {
	if l := m.order(g.Association, g.Order).lines[g.Line]; l != nil && l.seats[g.Person] != nil {
		if given := l.seats[g.Person].items[g.Item]; given != nil && given.owed {
			given.owed, given.discarded = false, true
		}
	}
}

// Erase records that a person was erased, and for which seats of theirs messages waited then. Their seats
// stay as they are.
func (m *Model) Erase(association string, person amsbridge.UserID, waiting []Seat) {
	for _, s := range waiting {
		m.order(s.Association, s.Order).kept[Task{s.Association, s.Order, s.Line, Erased}] = true
	}
	for _, o := range m.orders {
		for _, l := range o.lines {
			if s := l.seats[person]; s != nil && s.sent && o.id.association == association {
				s.frozen = true
			}
		}
	}
}

// Holders returns the seats that hold, in a fixed order.
func (m *Model) Holders(association, name string) []Seat {
	var out []Seat
	o := m.order(association, name)
	for lineID, l := range o.lines {
		for person, s := range l.seats {
			if !s.off && !o.refunded(lineID, person) {
				out = append(out, Seat{association, name, lineID, person})
			}
		}
	}
	slices.SortFunc(out, func(a, b Seat) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Person, b.Person))
	})
	return out
}

// covers are what the refunds that count give back of a line.
func (o *order) covers(lineID string) []*cover {
	var out []*cover
	for _, r := range o.refunds {
		if c := r.covers[lineID]; r.known && !r.reversed && c != nil {
			out = append(out, c)
		}
	}
	return out
}

func (o *order) whole(lineID string) bool {
	return slices.ContainsFunc(o.covers(lineID), func(c *cover) bool { return c.whole })
}

// refunded tells whether a person has no seat on a line because of a refund.
func (o *order) refunded(lineID string, person amsbridge.UserID) bool {
	return slices.ContainsFunc(o.covers(lineID), func(c *cover) bool { return c.whole || c.people[person] })
}

// held returns who holds a seat of a line.
func (o *order) held(lineID string) map[amsbridge.UserID]bool {
	people := map[amsbridge.UserID]bool{}
	for person, s := range o.lines[lineID].seats {
		if !s.off && !o.refunded(lineID, person) {
			people[person] = true
		}
	}
	return people
}

// free is how many more people a line can take. It is negative where too many hold.
func (o *order) free(lineID string) int {
	if o.whole(lineID) {
		return 0
	}
	free := o.lines[lineID].quantity
	for _, s := range o.lines[lineID].seats {
		if !s.off {
			free-- // held, or refunded
		}
	}
	early := map[amsbridge.UserID]bool{} // refunded before anybody named them
	for _, c := range o.covers(lineID) {
		free -= c.open
		for person := range c.people {
			early[person] = o.lines[lineID].seats[person] == nil
		}
	}
	for _, is := range early {
		if is {
			free--
		}
	}
	return free
}
