package main

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"github.com/amsbridge/amsbridge"
)

// shop is the web store.
type shop struct {
	db       *database
	standing *amsbridge.Standing
	till     till
	sso      *amsbridge.SSO
	sites    *platforms
	pages    *pages
	sessions sessions
}

func newShop(db *database, b *bridge, sso *amsbridge.SSO, sites *platforms) *shop {
	return &shop{db: db, standing: b.standing, till: till{db, b.hook}, sso: sso, sites: sites, pages: sites.elevate.pages}
}

// handler routes the shop's pages. Whatever changes something is a POST, which a
// page of another origin cannot send.
func (s *shop) handler() http.Handler {
	r := mux.NewRouter()
	read := func(path string, h http.HandlerFunc) { r.HandleFunc(path, h).Methods(http.MethodGet, http.MethodHead) }
	read("/", s.front)
	read("/style.css", s.pages.style)
	read("/cart", s.signedIn(s.showCart))
	read("/orders/{id}", s.signedIn(s.showOrder))
	read("/learning", s.signedIn(s.showLearning))
	changes := map[string]bool{}
	change := func(path string, h http.HandlerFunc) {
		changes[path] = true
		r.HandleFunc(path, h).Methods(http.MethodPost)
	}
	change("/sign-in", s.signIn)
	change("/sign-out", s.signOut)
	change("/cart/put", s.signedIn(s.putInCart))
	change("/cart/remove", s.signedIn(s.takeFromCart))
	change("/checkout", s.signedIn(s.checkOut))
	change("/hand-off", s.signedIn(s.handOff))
	r.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.pages.problem(w, http.StatusNotFound, "There is no such page.")
	})
	r.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allow := "GET, HEAD"
		if changes[r.URL.Path] {
			allow = "POST"
		}
		w.Header().Set("Allow", allow)
		s.pages.problem(w, http.StatusMethodNotAllowed, "This page cannot be asked for in that way.")
	})
	limited := http.MaxBytesHandler(r, 64<<10)
	return secured(http.NewCrossOriginProtection().Handler(limited), s.sites.elevate.url, s.sites.notified.url)
}

// signedIn serves members only, one request of a session at a time.
func (s *shop) signedIn(h func(http.ResponseWriter, *http.Request, *session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := s.sessions.of(r)
		if who == nil {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		who.mu.Lock()
		defer who.mu.Unlock()
		h(w, r, who)
	}
}

func (s *shop) signIn(w http.ResponseWriter, r *http.Request) {
	m, ok := memberByID(amsbridge.UserID(r.PostFormValue("member")))
	if !ok {
		s.pages.problem(w, http.StatusBadRequest, "There is no such member.")
		return
	}
	s.sessions.begin(w, r, m)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *shop) signOut(w http.ResponseWriter, r *http.Request) {
	s.sessions.end(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *shop) front(w http.ResponseWriter, r *http.Request) {
	who := s.sessions.of(r)
	if who != nil {
		who.mu.Lock()
		defer who.mu.Unlock()
	}
	s.show(w, who, "front.html", "The association’s store", struct {
		Products []product
		Members  []amsbridge.User
	}{products, members})
}

func (s *shop) putInCart(w http.ResponseWriter, r *http.Request, who *session) {
	p, ok := productByID(r.PostFormValue("product"))
	if !ok {
		s.pages.problem(w, http.StatusBadRequest, "There is no such product.")
		return
	}
	who.cart.put(p.ID)
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
}

func (s *shop) takeFromCart(w http.ResponseWriter, r *http.Request, who *session) {
	who.cart.remove(r.PostFormValue("product"))
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
}

func (s *shop) showCart(w http.ResponseWriter, _ *http.Request, who *session) {
	var lines []product
	var total cents
	for _, id := range who.cart.products {
		if p, ok := productByID(id); ok {
			lines, total = append(lines, p), total+p.Price
		}
	}
	s.show(w, who, "cart.html", "Your cart", struct {
		Lines []product
		Total cents
	}{lines, total})
}

// checkOut places the order of the cart. Of two clicks the second shows the
// order that the first has placed.
func (s *shop) checkOut(w http.ResponseWriter, r *http.Request, who *session) {
	if len(who.cart.products) == 0 {
		to := "/cart"
		if who.placed != "" {
			to = "/orders/" + who.placed
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	o := order{ID: who.cart.orderID, Buyer: who.member, Products: who.cart.products}
	queued, err := s.till.place(r.Context(), o)
	if err != nil && !errors.Is(err, errPlaced) {
		s.broken(w, r, err)
		return
	}
	who.cart, who.placed, who.queued = cart{}, o.ID, queued
	http.Redirect(w, r, "/orders/"+o.ID, http.StatusSeeOther)
}

func (s *shop) showOrder(w http.ResponseWriter, r *http.Request, who *session) {
	id := mux.Vars(r)["id"]
	lines, err := progressOf(r.Context(), s.db, s.standing, who.member.ID)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	lines = slices.DeleteFunc(lines, func(l progress) bool { return l.OrderID != id })
	if len(lines) == 0 {
		s.pages.problem(w, http.StatusNotFound, "You have no such order.")
		return
	}
	body := struct {
		ID     string
		Lines  []progress
		Queued *amsbridge.Queued // nil unless this session has just placed it
	}{ID: id, Lines: lines}
	if who.placed == id {
		body.Queued = who.queued
	}
	s.showLive(w, who, "order.html", "Order "+id, lines, body)
}

func (s *shop) showLearning(w http.ResponseWriter, r *http.Request, who *session) {
	lines, err := progressOf(r.Context(), s.db, s.standing, who.member.ID)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	lines = slices.DeleteFunc(lines, func(l progress) bool { return len(l.Steps) == 0 })
	s.showLive(w, who, "learning.html", "My learning", lines, lines)
}

func (s *shop) show(w http.ResponseWriter, who *session, name, title string, body any) {
	s.showLive(w, who, name, title, nil, body)
}

// showLive shows a page that loads itself again while one of the lines is on
// its way.
func (s *shop) showLive(w http.ResponseWriter, who *session, name, title string, lines []progress, body any) {
	p := page{Title: title, Body: body, Shop: &menu{Elevate: s.sites.elevate.url, Notified: s.sites.notified.url}}
	if who != nil {
		p.Shop.Member, p.Shop.InCart = who.member.FirstName, len(who.cart.products)
	}
	if onTheirWay(lines) {
		p.Refresh = 1
	}
	s.pages.show(w, http.StatusOK, name, p)
}

// broken tells the log what went wrong, and the member what that means.
func (s *shop) broken(w http.ResponseWriter, r *http.Request, err error) {
	slog.ErrorContext(r.Context(), "a request failed", "path", r.URL.Path, "error", err)
	s.pages.problem(w, http.StatusInternalServerError, "Something went wrong on our side. Please try again: an order is never placed twice.")
}
