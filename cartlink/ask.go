package cartlink

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/pages"
)

// contents is what is known of the request's cart. The zero value knows nothing.
type contents struct {
	known            bool
	quantity, others int
}

// contents finds out what the request's cart holds. A request without cookies has no cart.
func (l *Links) contents(r *http.Request, p amsbridge.Product) (c contents, err error) {
	if counter, ok := l.cfg.Cart.(Counter); ok {
		c.known = true
		c.quantity, c.others, err = counter.Count(r, p)
		return c, err
	}
	return contents{known: r.Header.Get("Cookie") == ""}, nil
}

// overwrites says what our form does to a cart of which nothing is known.
func (c contents) overwrites(quantity int) []string {
	if c.known {
		return nil
	}
	return []string{fmt.Sprintf("If your cart holds it already, its quantity becomes %d.", quantity)}
}

// mustAsk tells whether the policy requires asking the buyer first.
func (l *Links) mustAsk(cart contents, quantity int) bool {
	switch {
	case cart.known && cart.quantity == quantity: // nothing would change
		return false
	case l.cfg.Policy == ConfirmIfNotEmpty:
		return !cart.known || cart.quantity+cart.others > 0
	}
	return l.cfg.Policy == AlwaysConfirm
}

// ask shows the confirmation page, which says all that its button does.
func (l *Links) ask(w http.ResponseWriter, p amsbridge.Product, quantity int, cart contents) {
	page := pages.Page{
		Name: "cart", Title: "Put this into your cart?", Text: []string{l.cfg.Title(p)},
		Form:  l.form(p, quantity, cart, "Put it into the cart"),
		Links: []pages.Link{{URL: l.cfg.CartPage, Text: "Leave the cart as it is"}},
	}
	switch {
	case cart.quantity > 0:
		page.Title, page.Form.Button = "Change the quantity?", fmt.Sprintf("Make it %d", quantity)
		page.Text = append(page.Text, fmt.Sprintf(
			"Your cart holds %d of it. The link that brought you here asks for %d.", cart.quantity, quantity))
	case quantity > 1:
		page.Text = append(page.Text, fmt.Sprintf("The link that brought you here asks for %d of it.", quantity))
	default:
		page.Text = append(page.Text, "A link brought you here.")
	}
	page.Text = append(append(page.Text, cart.overwrites(quantity)...), "What else your cart holds stays in it.")
	l.pages.Write(w, http.StatusOK, page)
}

// form is the form whose POST sets the quantity, in place of the one that the cart holds now.
func (l *Links) form(p amsbridge.Product, quantity int, cart contents, button string) *pages.Form {
	fields := []pages.Field{
		{Name: paramProduct, Value: p.ID},
		{Name: paramQuantity, Value: strconv.Itoa(quantity)},
	}
	if cart.quantity > 0 {
		fields = append(fields, pages.Field{Name: paramInstead, Value: strconv.Itoa(cart.quantity)})
	}
	return &pages.Form{Action: l.base.EscapedPath(), Button: button, Fields: fields}
}

// confirmed answers the form of a page of ours. The buyer agreed to what the page said: where the cart holds
// another quantity by now, they are asked again.
func (l *Links) confirmed(w http.ResponseWriter, r *http.Request, p amsbridge.Product, quantity int, instead string) {
	if l.cross.Check(r) != nil {
		l.problem(w, http.StatusForbidden, "That did not work",
			"The request came from another site. Please open the link again.")
		return
	}
	cart, err := l.contents(r, p)
	agreed := cart.quantity == 0 || cart.quantity == quantity || strconv.Itoa(cart.quantity) == instead
	switch {
	case err != nil:
		l.tryAgain(w)
	case !agreed && l.cfg.Policy != AlwaysAdd:
		l.ask(w, p, quantity, cart)
	default:
		l.set(w, r, p, quantity)
	}
}
