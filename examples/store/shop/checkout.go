package shop

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/amsbridge/amsbridge"
)

// place is one seat of the checkout form: whom a piece is for.
type place struct {
	// Field names the form's field, and its element.
	Field  string
	Label  string
	Chosen amsbridge.UserID
	// Error says what is wrong with the choice; empty while nothing is.
	Error string
}

// checkoutLine is one line of the cart, with its seats.
type checkoutLine struct {
	cartLine
	Places []place
}

// checkoutForm is the page's form.
type checkoutForm struct {
	Lines   []checkoutLine
	Members []Member
	Total   Cents
}

func (f checkoutForm) Errors() (wrong []place) {
	for _, l := range f.Lines {
		for _, p := range l.Places {
			if p.Error != "" {
				wrong = append(wrong, p)
			}
		}
	}
	return wrong
}

// formOf lays the cart out, with what was chosen so far.
func formOf(who *session, chosen func(field string) amsbridge.UserID) checkoutForm {
	f := checkoutForm{Members: Members(), Total: who.cart.total()}
	for _, l := range who.cart.lines {
		line := checkoutLine{cartLine: l}
		for n := range l.Quantity {
			if !l.Product.Learner() {
				break
			}
			p := place{Field: fmt.Sprintf("learner-%s-%d", l.Product.ID, n+1), Label: "Who takes part?"}
			if l.Quantity > 1 {
				p.Label = fmt.Sprintf("Who takes place %d of %d?", n+1, l.Quantity)
			}
			p.Chosen = chosen(p.Field)
			line.Places = append(line.Places, p)
		}
		f.Lines = append(f.Lines, line)
	}
	return f
}

// showCheckout suggests the buyer where they do not have the product yet.
func (s *Shop) showCheckout(w http.ResponseWriter, r *http.Request, who *session) {
	if len(who.cart.lines) == 0 {
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
		return
	}
	form := formOf(who, func(string) amsbridge.UserID { return "" })
	for i, l := range form.Lines {
		if len(l.Places) == 0 {
			continue
		}
		_, owned, err := s.owns(r.Context(), who.member.ID, l.Product.ID)
		if err != nil {
			s.broken(w, r, who, err)
			return
		}
		if !owned {
			form.Lines[i].Places[0].Chosen = who.member.ID
		}
	}
	s.show(w, r, who, "checkout.html", "Checkout", form)
}

// checkOut places the order of the cart. Of two clicks the second shows the
// order that the first has placed.
func (s *Shop) checkOut(w http.ResponseWriter, r *http.Request, who *session) {
	if len(who.cart.lines) == 0 {
		to := "/cart"
		if who.placed != "" {
			to = "/orders/" + who.placed
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	form := formOf(who, func(field string) amsbridge.UserID { return amsbridge.UserID(r.PostFormValue(field)) })
	order := Order{ID: who.cart.orderID, Buyer: who.member.User}
	if err := s.readForm(r.Context(), &form, &order); err != nil {
		s.broken(w, r, who, err)
		return
	}
	if len(form.Errors()) > 0 {
		s.showAs(w, r, who, http.StatusUnprocessableEntity, "checkout.html", "Checkout", form)
		return
	}
	report, err := s.till.Place(r.Context(), order)
	if err != nil && !errors.Is(err, ErrPlaced) {
		s.broken(w, r, who, err)
		return
	}
	who.cart, who.placed, who.report = cart{}, order.ID, report
	http.Redirect(w, r, "/orders/"+order.ID, http.StatusSeeOther)
}

// readForm makes the order's lines, and says what is wrong with the form.
func (s *Shop) readForm(ctx context.Context, form *checkoutForm, order *Order) error {
	for i, l := range form.Lines {
		line := Line{Product: l.Product.ID, Quantity: l.Quantity}
		taken := map[amsbridge.UserID]bool{}
		for j := range l.Places {
			p := &form.Lines[i].Places[j]
			if p.Chosen == "" && l.Quantity > 1 {
				continue // named later
			}
			m, ok := MemberByID(p.Chosen)
			if !ok {
				p.Chosen, p.Error = "", "Please choose who takes part."
				continue
			}
			_, owned, err := s.owns(ctx, m.ID, l.Product.ID)
			switch {
			case err != nil:
				return err
			case owned:
				p.Error = m.Name() + " has “" + l.Product.Title + "” already. Please choose somebody else."
			case taken[m.ID]:
				p.Error = m.Name() + " has a place already. Please choose somebody else."
			}
			taken[m.ID] = true
			line.Learners = append(line.Learners, m.User)
		}
		order.Lines = append(order.Lines, line)
	}
	return nil
}
