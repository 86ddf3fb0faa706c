package shop

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"github.com/amsbridge/amsbridge"
)

// nameLearner has the buyer say whom an open place of theirs is for.
func (s *Shop) nameLearner(w http.ResponseWriter, r *http.Request, who *session) {
	id := r.PostFormValue("order")
	all, err := seatsOf(r.Context(), s.cfg.DB, id)
	if err == nil && (len(all) == 0 || all[0].Buyer.ID != who.member.ID) {
		s.show404(w, r, who)
		return
	}
	if err == nil {
		who.said, err = s.hand(r, all, "")
	}
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	http.Redirect(w, r, "/orders/"+id, http.StatusSeeOther)
}

// hand gives the seat that a form names to the member whom it names, and says
// what came of it.
func (s *Shop) hand(r *http.Request, all []Seat, from amsbridge.UserID) (said string, err error) {
	i := slices.IndexFunc(all, func(seat Seat) bool {
		return seat.LineID == r.PostFormValue("line") && strconv.Itoa(seat.N) == r.PostFormValue("seat")
	})
	m, known := MemberByID(amsbridge.UserID(r.PostFormValue("learner")))
	switch {
	case i < 0 || !all[i].Product.Learner() || all[i].Refund != "":
		return "There is no such place.", nil
	case !known:
		return "Please choose who takes part.", nil
	}
	seat := all[i]
	// amsbridge would fill the open place first, and leave theirs to who is missing.
	if from != "" && slices.ContainsFunc(all, func(other Seat) bool { return other.LineID == seat.LineID && other.Open() }) {
		return "Another place of “" + seat.Product.Title + "” is open. Please name who takes that one first.", nil
	}
	_, owned, err := s.owns(r.Context(), m.ID, seat.Product.ID)
	switch {
	case err != nil:
		return "", err
	case owned:
		return m.Name() + " has “" + seat.Product.Title + "” already. Please choose somebody else.", nil
	}
	report, err := s.till.Hand(r.Context(), seat.OrderID, seat.LineID, seat.N, from, m.ID)
	return outcome(m.Name()+" has the place now.", report, err)
}

// outcome says what came of a change, and what amsbridge did in its transaction.
func outcome(said string, report *amsbridge.Report, err error) (string, error) {
	switch {
	case errors.Is(err, ErrChanged):
		return "Somebody was quicker. Please look again.", nil
	case err != nil:
		return "", err
	}
	return said + " What amsbridge did: " + told(report) + ".", nil
}

// told sums up a report: "2 queued, 1 needs staff".
func told(report *amsbridge.Report) string {
	counts := map[amsbridge.Did]int{}
	var order []amsbridge.Did
	for _, e := range report.Entries {
		if counts[e.Did]++; counts[e.Did] == 1 {
			order = append(order, e.Did)
		}
	}
	var parts []string
	for _, did := range order {
		parts = append(parts, fmt.Sprintf("%d %s", counts[did], did))
	}
	return strings.Join(parts, ", ")
}

// showAllOrders lists the latest orders, for the staff.
func (s *Shop) showAllOrders(w http.ResponseWriter, r *http.Request, who *session) {
	all, err := seats(r.Context(), s.cfg.DB, `o.id IN (SELECT id FROM shop_order ORDER BY placed_at DESC LIMIT $1)`, maxShown)
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	s.show(w, r, who, "stafforders.html", "Orders", byOrder(all))
}

// soldLine is a line of an order as staff see it.
type soldLine struct {
	Seat  // the first
	Seats []Seat
}

// showSold shows an order to the staff, who may change it.
func (s *Shop) showSold(w http.ResponseWriter, r *http.Request, who *session) {
	id := mux.Vars(r)["id"]
	all, err := seatsOf(r.Context(), s.cfg.DB, id)
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	if len(all) == 0 {
		s.show404(w, r, who)
		return
	}
	var lines []soldLine
	for _, seat := range all {
		if n := len(lines); n == 0 || lines[n-1].LineID != seat.LineID {
			lines = append(lines, soldLine{Seat: seat})
		}
		last := &lines[len(lines)-1]
		last.Seats = append(last.Seats, seat)
	}
	s.show(w, r, who, "stafforder.html", "Order "+id, struct {
		Lines   []soldLine
		Members []Member
	}{lines, Members()})
}

// changeSold has staff replace a learner, refund a line, or undo a refund.
func (s *Shop) changeSold(w http.ResponseWriter, r *http.Request, who *session) {
	id := r.PostFormValue("order")
	all, err := seatsOf(r.Context(), s.cfg.DB, id)
	if err == nil && len(all) == 0 {
		s.show404(w, r, who)
		return
	}
	if err == nil {
		var report *amsbridge.Report
		switch line, refund := r.PostFormValue("line"), r.PostFormValue("refund"); r.PostFormValue("do") {
		case "hand":
			who.said, err = s.hand(r, all, amsbridge.UserID(r.PostFormValue("from")))
		case "refund":
			_, report, err = s.till.Refund(r.Context(), id, line)
			who.said, err = outcome("The line is refunded.", report, err)
		case "undo":
			report, err = s.till.Undo(r.Context(), id, refund)
			who.said, err = outcome("The refund is undone.", report, err)
		default:
			s.showProblem(w, r, who, http.StatusBadRequest, "There is no such change.")
			return
		}
	}
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	http.Redirect(w, r, "/staff/orders/"+id, http.StatusSeeOther)
}
