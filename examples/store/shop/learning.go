package shop

import (
	"net/http"
	"slices"

	"github.com/gorilla/mux"
)

// showLearning shows what was bought for the member, whoever bought it.
func (s *Shop) showLearning(w http.ResponseWriter, r *http.Request, who *session) {
	all, err := seatsFor(r.Context(), s.cfg.DB, who.member.ID)
	if err == nil {
		all, err = s.withSteps(r.Context(), all)
	}
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	all = slices.DeleteFunc(all, func(seat Seat) bool { return len(seat.Steps) == 0 })
	s.show(w, r, who, "learning.html", "My learning", watch(w, r, all))
}

// showOrders shows what the member bought, for whomever.
func (s *Shop) showOrders(w http.ResponseWriter, r *http.Request, who *session) {
	all, err := seatsBy(r.Context(), s.cfg.DB, who.member.ID)
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	s.show(w, r, who, "orders.html", "Your orders", byOrder(all))
}

// byOrder groups seats that lie in the order of their orders.
func byOrder(all []Seat) (orders [][]Seat) {
	for _, seat := range all {
		if n := len(orders); n > 0 && orders[n-1][0].OrderID == seat.OrderID {
			orders[n-1] = append(orders[n-1], seat)
		} else {
			orders = append(orders, []Seat{seat})
		}
	}
	return orders
}

// showOrder shows an order to its buyer, with the state of each seat.
func (s *Shop) showOrder(w http.ResponseWriter, r *http.Request, who *session) {
	id := mux.Vars(r)["id"]
	all, err := seatsOf(r.Context(), s.cfg.DB, id)
	if err == nil && (len(all) == 0 || all[0].Buyer.ID != who.member.ID) {
		s.show404(w, r, who)
		return
	}
	if err == nil {
		all, err = s.withSteps(r.Context(), all)
	}
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	body := struct {
		watched
		ID      string
		Total   Cents
		Did     string // what amsbridge did; empty unless this session has just placed it
		Members []Member
	}{watched: watch(w, r, all), ID: id, Members: Members()}
	for _, seat := range all {
		body.Total += seat.Product.Price
	}
	if who.placed == id && who.report != nil {
		body.Did = told(who.report)
	}
	s.show(w, r, who, "order.html", "Order "+id, body)
}

// showMail shows the mails that the shop would have sent.
func (s *Shop) showMail(w http.ResponseWriter, r *http.Request, who *session) {
	letters, err := lettersTo(r.Context(), s.cfg.DB, who.member)
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	s.show(w, r, who, "mail.html", "Your mail from us", letters)
}
