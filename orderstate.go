package amsbridge

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// orderState is what an entry keeps of an order, after all reports and refunds so far. It holds no name,
// no address and no user ID: people are there as hashes of their seats.
type orderState struct {
	Version int64  `json:"version,omitempty"`
	Updated int64  `json:"updated,omitempty"` // Unix microseconds, as Placed
	Placed  int64  `json:"placed,omitempty"`
	Buyer   string `json:"buyer,omitempty"` // a hash
	// Other is set once another order was reported under the ID.
	Other bool `json:"other,omitempty"`
	// Items are what grants name by their places here: a long list of add-ons is kept once.
	Items   []Item         `json:"items,omitempty"`
	Lines   []*lineState   `json:"lines,omitempty"`
	Refunds []*refundState `json:"refunds,omitempty"`

	byID     map[string]*lineState
	refunded map[string][]refundOf // by line
}

// refundOf is a refund's part about one line.
type refundOf struct {
	*refundState
	*refundLineState
}

type lineState struct {
	ID       string `json:"id"`
	Product  string `json:"product"`
	Quantity int    `json:"quantity"`
	// Shop is set where the product lives on no platform: nobody's seat matters.
	Shop bool `json:"shop,omitempty"`
	// Net is how many of its seats were given back when the quantity was reported, where the shop
	// subtracts them.
	Net int `json:"net,omitempty"`
	// Next is the product for which a newer report exchanged it, where that had to wait.
	Next  string       `json:"next,omitempty"`
	Seats []*seatState `json:"seats,omitempty"`

	byHash map[string]*seatState
}

// seatState is a seat that a person holds or held.
type seatState struct {
	Hash string `json:"hash"`
	// Buyer is set where it is the buyer's, whom no report named for it.
	Buyer bool `json:"buyer,omitempty"`
	// Off is set once the person was swapped off the line.
	Off bool `json:"off,omitempty"`
	// Profile tells whether the profile of the last gives differs from another one.
	Profile string        `json:"profile,omitempty"`
	Grants  []*grantState `json:"grants,omitempty"`
}

type grantState struct {
	To   string `json:"to"` // the destination
	Item Item   `json:"-"`
	At   int    `json:"item"` // its place among the order's items
	Turn int    `json:"turn"`
	// Taken is set where the last word is a take, or none was said yet.
	Taken bool `json:"taken,omitempty"`
	// Waits is set where the next give waits for a sound name and address.
	Waits bool `json:"waits,omitempty"`
	// Back is set where a refund took it, so that a reversal gives it again.
	Back bool `json:"back,omitempty"`
}

type refundState struct {
	ID string `json:"id"`
	// All is set where all lines are refunded and none was known yet.
	All      bool               `json:"all,omitempty"`
	Reversed bool               `json:"reversed,omitempty"`
	Lines    []*refundLineState `json:"lines,omitempty"`
}

type refundLineState struct {
	Line  string   `json:"line"`
	Whole bool     `json:"whole,omitempty"`
	Seats []string `json:"seats,omitempty"` // hashes
	Open  int      `json:"open,omitempty"`  // seats without a person
}

// decodeOrder reads an entry's body.
func decodeOrder(e outbox.Entry) (*orderState, error) {
	st := &orderState{}
	if e.N == 0 {
		return st, nil
	}
	if err := json.Unmarshal(e.Body, st); err != nil {
		return nil, fmt.Errorf("amsbridge: entry %d of order %q cannot be read: %w", e.N, e.Subject, err)
	}
	for g := range st.grants() {
		if g.At < 0 || g.At >= len(st.Items) {
			return nil, fmt.Errorf("amsbridge: entry %d of order %q names an item that it does not have", e.N, e.Subject)
		}
		g.Item = st.Items[g.At]
	}
	return st, nil
}

func (st *orderState) encode() []byte {
	at := map[string]int{}
	st.Items = nil
	for g := range st.grants() {
		id := g.Item.id()
		if _, ok := at[id]; !ok {
			at[id] = len(st.Items)
			st.Items = append(st.Items, g.Item)
		}
		g.At = at[id]
	}
	b, _ := json.Marshal(st) // it always encodes
	return b
}

// grants are all grants of the order, in one order.
func (st *orderState) grants() iter.Seq[*grantState] {
	return func(yield func(*grantState) bool) {
		for _, l := range st.Lines {
			for _, s := range l.Seats {
				for _, g := range s.Grants {
					if !yield(g) {
						return
					}
				}
			}
		}
	}
}

func (st *orderState) line(id string) *lineState {
	if st.byID == nil {
		st.byID = make(map[string]*lineState, len(st.Lines))
		for _, l := range st.Lines {
			st.byID[l.ID] = l
		}
	}
	return st.byID[id]
}

// addLine returns a new line of the order.
func (st *orderState) addLine(id string) *lineState {
	l := &lineState{ID: id}
	st.line(id) // makes the index
	st.Lines, st.byID[id] = append(st.Lines, l), l
	return l
}

func (l *lineState) seat(hash string) *seatState {
	if l.byHash == nil {
		l.byHash = make(map[string]*seatState, len(l.Seats))
		for _, s := range l.Seats {
			l.byHash[s.Hash] = s
		}
	}
	return l.byHash[hash]
}

// addSeat returns a new seat of the line.
func (l *lineState) addSeat(hash string) *seatState {
	s := &seatState{Hash: hash}
	l.seat(hash) // makes the index
	l.Seats, l.byHash[hash] = append(l.Seats, s), s
	return s
}

// grant returns the seat's grant of an item, which exists from now on.
func (s *seatState) grant(to string, item Item) *grantState {
	for _, g := range s.Grants {
		if g.To == to && g.Item.id() == item.id() {
			return g
		}
	}
	g := &grantState{To: to, Item: item, Taken: true}
	s.Grants = append(s.Grants, g)
	return g
}

// granted are the seat's grants whose last word is a give.
func (s *seatState) granted() []*grantState {
	return slices.DeleteFunc(slices.Clone(s.Grants), func(g *grantState) bool { return g.Taken })
}

// key names the message of the grant's last give.
func (g *grantState) key(s *seatState) string {
	return grantKey(g.To, s.Hash, g.Item, g.Turn, KindGive)
}

// cover is what unreversed refunds cover of a line.
type cover struct {
	whole bool
	seats map[string]bool
	open  int
}

func (st *orderState) cover(line string) cover {
	c := cover{seats: map[string]bool{}}
	for _, r := range st.refundsOf(line) {
		if r.Reversed {
			continue
		}
		c.whole = c.whole || r.Whole
		c.open += r.Open
		for _, hash := range r.Seats {
			c.seats[hash] = true
		}
	}
	return c
}

func (st *orderState) refundsOf(line string) []refundOf {
	if st.refunded == nil {
		st.refunded = map[string][]refundOf{}
		for _, r := range st.Refunds {
			for _, l := range r.Lines {
				st.refunded[l.Line] = append(st.refunded[l.Line], refundOf{r, l})
			}
		}
	}
	return st.refunded[line]
}

// refundLine adds a part to a refund.
func (st *orderState) refundLine(r *refundState, l *refundLineState) {
	of := st.refundsOf(l.Line)
	r.Lines = append(r.Lines, l)
	st.refunded[l.Line] = append(of, refundOf{r, l})
}

// any tells whether refunds cover anything of the line.
func (c cover) any() bool { return c.whole || len(c.seats) > 0 || c.open > 0 }

func (c cover) has(s *seatState) bool { return c.whole || c.seats[s.Hash] }

// held are the line's seats that people hold: neither swapped off nor given back.
func (l *lineState) held(c cover) []*seatState {
	return slices.DeleteFunc(slices.Clone(l.Seats), func(s *seatState) bool { return s.Off || c.has(s) })
}

// free is how many seats nobody holds and no refund covers. It is negative where more people hold seats
// than were bought.
func (l *lineState) free(c cover) int {
	if c.whole {
		return 0
	}
	return l.Quantity - len(l.held(c)) - l.back(c) + l.Net
}

// back is how many seats were given back.
func (l *lineState) back(c cover) int {
	n := c.open
	for _, s := range l.Seats {
		if !s.Off && c.has(s) {
			n++
		}
	}
	for hash := range c.seats { // refunded before anybody was named
		if l.seat(hash) == nil {
			n++
		}
	}
	return n
}
