package shop

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/cartlink"
)

// MaxQuantity is the most of one product that a cart holds.
const MaxQuantity = 5

// cart holds so many pieces of each product. Its order ID is given with the
// first one and kept until the order is placed: a checkout whose commit was
// never answered can be tried again, and cannot be placed twice.
type cart struct {
	orderID string
	lines   []cartLine
}

type cartLine struct {
	Product  Product
	Quantity int
}

// Price is the line's.
func (l cartLine) Price() Cents { return l.Product.Price * Cents(l.Quantity) }

// put sets a product's quantity; zero takes it out. Doing it twice changes
// nothing.
func (c *cart) put(p Product, quantity int) {
	if c.orderID == "" {
		c.orderID = NewOrderID()
	}
	at := slices.IndexFunc(c.lines, func(l cartLine) bool { return l.Product.ID == p.ID })
	switch {
	case quantity == 0 && at >= 0:
		c.lines = slices.Delete(slices.Clone(c.lines), at, at+1)
	case quantity > 0 && at >= 0:
		c.lines = slices.Clone(c.lines)
		c.lines[at].Quantity = quantity
	case quantity > 0:
		c.lines = append(slices.Clone(c.lines), cartLine{p, quantity})
	}
}

func (c *cart) total() (sum Cents) {
	for _, l := range c.lines {
		sum += l.Price()
	}
	return sum
}

func (c *cart) count() (n int) {
	for _, l := range c.lines {
		n += l.Quantity
	}
	return n
}

// Cart is the shop's cart as amsbridge's cart links see it.
func (s *Shop) Cart() cartlink.Cart { return linked{s} }

// linked sets quantities for who comes by a link.
type linked struct{ shop *Shop }

var (
	_ cartlink.Counter = linked{}
	_ cartlink.Stock   = linked{}
)

// SoldOut tells a visitor before anything is asked.
func (l linked) SoldOut(_ *http.Request, p amsbridge.Product) (bool, error) {
	sold, ok := ProductByID(p.ID)
	return !ok || sold.SoldOut, nil
}

// Set puts a product into the visitor's cart, who may be signed out.
func (l linked) Set(
	w http.ResponseWriter, r *http.Request, p amsbridge.Product, quantity int,
) (cartlink.SetResult, error) {
	sold, ok := ProductByID(p.ID)
	if !ok || sold.SoldOut {
		return cartlink.SoldOut, nil
	}
	who := l.shop.sessions.Of(r)
	if who == nil {
		who = &session{}
		l.shop.sessions.Begin(w, r, who)
	}
	who.mu.Lock()
	defer who.mu.Unlock()
	who.cart.put(sold, quantity)
	who.said = "“" + sold.Title + "” is in your cart."
	return cartlink.Set, nil
}

// Count lets amsbridge ask before a link mixes with what somebody chose, or changes it.
func (l linked) Count(r *http.Request, p amsbridge.Product) (quantity, others int, err error) {
	who := l.shop.sessions.Of(r)
	if who == nil {
		return 0, 0, nil
	}
	who.mu.Lock()
	defer who.mu.Unlock()
	for _, line := range who.cart.lines {
		if line.Product.ID == p.ID {
			quantity = line.Quantity
		} else {
			others++
		}
	}
	return quantity, others, nil
}

func (s *Shop) showCart(w http.ResponseWriter, r *http.Request, who *session) {
	s.show(w, r, who, "cart.html", "Your cart", struct {
		Lines      []cartLine
		Total      Cents
		Quantities []int
	}{who.cart.lines, who.cart.total(), quantities()})
}

func quantities() (all []int) {
	for n := range MaxQuantity {
		all = append(all, n+1)
	}
	return all
}

// changeCart sets a quantity, as the forms of the shop's own pages ask.
func (s *Shop) changeCart(w http.ResponseWriter, r *http.Request, who *session) {
	p, ok := ProductByID(r.PostFormValue("product"))
	quantity, err := strconv.Atoi(r.PostFormValue("quantity"))
	switch {
	case !ok:
		s.problem(w, r, http.StatusBadRequest, "There is no such product.")
		return
	case err != nil || quantity < 0 || quantity > MaxQuantity:
		s.problem(w, r, http.StatusBadRequest, "We cannot sell that many.")
		return
	case p.SoldOut && quantity > 0:
		s.problem(w, r, http.StatusConflict, "“"+p.Title+"” is sold out.")
		return
	}
	if s.sessions.Of(r) == nil {
		s.sessions.Begin(w, r, who)
	}
	who.cart.put(p, quantity)
	who.said = "“" + p.Title + "” is in your cart."
	if quantity == 0 {
		who.said = "“" + p.Title + "” is out of your cart."
	}
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
}
