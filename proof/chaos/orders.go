package chaos

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge"
)

// The destinations, as the hook names them.
const (
	toElevate  = "elevate"
	toNotified = "notified"
	toNowhere  = "unmapped"
)

// sale is one order and what must come of it, worked out without the library.
type sale struct {
	order amsbridge.Order
	wants []wanted
	// queued and staff are how many pushes its first report sends, and how many need a
	// person from the start.
	queued, staff int
	// rolledBack is set when the shop changes its mind after the hook, and twice
	// when it reports the order again.
	rolledBack, twice bool
}

// seat is a person's registration for a show, made before all orders.
type seat struct {
	person string
	show   int64
	pkg    int64
}

// market is all that is sold, and who is known where beforehand.
type market struct {
	sales []*sale
	// seasons are what the shop does, in order. Between two of them all is sent.
	seasons [lastSeason + 1][]act
	// items are all that was put into an order, each once.
	items map[string]item
	// known are the persons whom Notified knows, strangers those it never will.
	known, strangers []string
	seats            map[seat]bool
}

// openMarket draws the orders of a run. A third as many persons buy, so that most
// have an ordering key in common with another order; people of one order buy for one another.
func openMarket(cfg Config) *market {
	m := &market{items: map[string]item{}, seats: map[seat]bool{}}
	d := &draw{market: m, cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0)), bought: map[string]int{}}
	for n := range max(3, cfg.Orders/3) {
		m.known = append(m.known, fmt.Sprintf("u-%05d", n))
	}
	every := cfg.Orders // by which order a stranger buys
	if !cfg.Harmless {
		every = max(75, cfg.Orders/14)
	}
	for n := range cfg.Orders {
		if !cfg.Harmless && n%every == every/2 {
			m.sales = append(m.sales, d.strangerSale(n))
		} else {
			m.sales = append(m.sales, d.sale(n))
		}
	}
	m.season(d.acts)
	return m
}

// draw is the making of a market.
type draw struct {
	*market
	cfg    Config
	rng    *rand.Rand
	bought map[string]int // by person and kind of product
	acts   []act
}

func (d *draw) user(id string) amsbridge.User {
	u := d.cfg.Like
	local, domain, _ := strings.Cut(u.Email, "@")
	u.ID, u.Email = amsbridge.UserID(id), local+"+"+id+"@"+domain
	return u
}

// sale draws an order of one to three lines.
func (d *draw) sale(n int) *sale {
	buyer := d.known[d.rng.IntN(len(d.known))]
	b := &basket{draw: d, n: n, swappable: map[string]item{}, sale: &sale{
		order:      amsbridge.Order{ID: fmt.Sprintf("o-%05d", n), Buyer: d.user(buyer), Backfill: n%13 == 7},
		rolledBack: n%11 == 5, twice: n%9 == 4,
	}}
	for range 1 + d.rng.IntN(3) {
		b.line(d.kind())
	}
	return b.done()
}

// strangerSale is the order of somebody whom Notified never gets to know. Every other one stays as it is,
// so that 72 hours of "not ready" are seen.
func (d *draw) strangerSale(n int) *sale {
	who := fmt.Sprintf("stranger-%05d", n)
	d.strangers = append(d.strangers, who)
	b := &basket{draw: d, n: n, swappable: map[string]item{}, sale: &sale{
		order: amsbridge.Order{ID: fmt.Sprintf("o-%05d", n), Buyer: d.user(who)},
	}}
	b.steady = len(d.strangers)%2 == 1
	b.line(conference)
	return b.done()
}

func (d *draw) kind() productKind {
	for {
		at := d.rng.IntN(100)
		for _, w := range productKinds {
			if at -= w.share; at < 0 {
				if d.cfg.Harmless && w.fate != sound {
					break
				}
				return w
			}
		}
	}
}

// next is the item of that kind that the person does not have yet.
func (d *draw) next(person string, w productKind) item {
	i := item{w, d.bought[person+" "+w.name]}
	d.bought[person+" "+w.name]++
	d.items[i.id()] = i
	return i
}

// basket is an order in the making.
type basket struct {
	*draw
	*sale
	n int
	// steady keeps the order as it is.
	steady bool
	// swappable are the items of lines whose people may change, by line.
	swappable map[string]item
}

// line adds a line. One in six of what is sound is for several people, who all
// get the same item, hence for people who have bought as many of the kind.
func (b *basket) line(w productKind) {
	buyer := string(b.order.Buyer.ID)
	line := amsbridge.Line{ID: "l-" + strconv.Itoa(len(b.order.Lines)), Quantity: 1}
	people := []string{buyer}
	n := b.bought[buyer+" "+w.name]
	if w.fate == sound && w.name != "mug" && b.rng.IntN(6) == 0 {
		for range 2 {
			who := b.known[b.rng.IntN(len(b.known))]
			if !slices.Contains(people, who) && b.bought[who+" "+w.name] == n {
				people = append(people, who)
			}
		}
		line.Quantity = len(people)
		for _, who := range people {
			line.Attendees = append(line.Attendees, b.user(who))
		}
	}
	if w.fate == malformed {
		line.Attendees = []amsbridge.User{b.user(buyer)}
		line.Attendees[0].Email = "nobody at all"
	}
	for _, who := range people {
		i := b.next(who, w)
		line.ProductID = i.id()
		b.want(who, line.ID, i)
		if w.fate == sound && w.name != "mug" {
			b.swappable[line.ID] = i
		}
	}
	b.order.Lines = append(b.order.Lines, line)
}

// want notes what the item must bring to the person.
func (b *basket) want(person, line string, i item) {
	w := wanted{
		push: push{order: b.order.ID, line: line, person: person},
		fate: i.fate, owed: true, gives: 1, backfill: b.order.Backfill,
	}
	if w.isTask() {
		w.platform, w.person = toNowhere, ""
		b.wants = append(b.wants, w)
		return
	}
	if i.course {
		w.platform, w.what = toElevate, i.id()
		b.wants = append(b.wants, w)
	}
	if i.show == nil {
		return
	}
	w.show, w.addOns = i.show(i.n), i.addOns()
	if i.first {
		w.pkg = fullPackage
	}
	if i.has != 0 {
		b.seats[seat{person, w.show, i.has}] = true
	}
	w.platform, w.what = toNotified, showAndKeys(w.show, w.addOns)
	b.wants = append(b.wants, w)
}

func (b *basket) done() *sale {
	for _, w := range b.wants {
		if w.isTask() {
			b.staff++
		} else {
			b.queued++
		}
	}
	b.changes()
	slices.SortFunc(b.wants, func(a, b wanted) int {
		return cmp.Or(cmp.Compare(a.platform, b.platform), cmp.Compare(a.person, b.person), cmp.Compare(a.what, b.what))
	})
	return b.sale
}

// showAndKeys writes the add-ons of a show in numeric order.
func showAndKeys(show int64, addOns []int64) string {
	text := []string{}
	for _, k := range slices.Sorted(slices.Values(addOns)) {
		text = append(text, strconv.FormatInt(k, 10))
	}
	return fmt.Sprintf("%d/%s", show, strings.Join(text, ","))
}

// catalog lists what the shop knows to live somewhere.
func (m *market) catalog() (*amsbridge.StaticCatalog, error) {
	var cfg amsbridge.CatalogConfig
	for _, i := range m.items {
		if i.fate != unmapped {
			cfg.Products = append(cfg.Products, i.product())
		}
	}
	return amsbridge.NewCatalog(cfg)
}
