package cartlink

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/pages"
)

// ServeHTTP answers a registration URL. A GET that a person navigated to sets the quantity (parameter
// "quantity", default 1) of the product (parameter "product") and redirects to the cart page with 303,
// or asks first, as the policy says. A POST is the form of the confirmation page. All other parameters
// are ignored. HEAD, prefetches, previews, frames and images change nothing. Every answer is no-store
// and no-referrer.
//
// Products that are unknown or sold out each have a page that helps. A link for one of a product that
// the member has asks first: its page leads to what they have, and its form buys another one. A link for
// more is for others too, and is served as if the member had nothing.
func (l *Links) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	web.Private(w.Header())
	if !web.Allow(w, r, http.MethodGet, http.MethodHead, http.MethodPost) {
		return
	}
	values, ok := l.values(w, r)
	if !ok {
		l.problem(w, http.StatusBadRequest, "This link does not work", "It is not written as our links are.")
		return
	}
	product, offering, err := l.cfg.Catalog.Lookup(r.Context(), values.Get(paramProduct))
	quantity, fits := l.quantity(values.Get(paramQuantity))
	switch {
	case err != nil:
		l.problem(w, http.StatusServiceUnavailable, "That did not work", "Please try again in a moment.")
	case offering != amsbridge.Offered || product.ID == "":
		l.problem(w, http.StatusNotFound, "We do not sell this",
			"The link may be old. What we sell now is in the shop.")
	case !fits:
		l.problem(w, http.StatusBadRequest, "This link does not work",
			"It asks for a quantity that we cannot sell.")
	case r.Method == http.MethodPost:
		if l.cross.Check(r) != nil {
			l.problem(w, http.StatusForbidden, "That did not work",
				"The request came from another site. Please open the link again.")
			return
		}
		l.set(w, r, product, quantity)
	case !web.IsNavigation(r):
		w.WriteHeader(http.StatusNoContent)
	default:
		l.open(w, r, values, product, quantity)
	}
}

// values returns the query of a GET or the form of a POST. It is false where a known parameter is given
// more than once.
func (l *Links) values(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
		err = r.ParseForm()
		values = r.PostForm
	}
	return values, err == nil && len(values[paramProduct]) == 1 && len(values[paramQuantity]) <= 1
}

// open answers a GET that a person navigated to.
func (l *Links) open(
	w http.ResponseWriter, r *http.Request, values url.Values, p amsbridge.Product, quantity int,
) {
	if !l.cfg.LaxCookie && values.Get(paramHop) == "" && r.Header.Get("Sec-Fetch-Site") != "same-origin" {
		// A SameSite=Strict cookie is not sent on a click from another site, nor after that click's
		// redirect, but is on a click on our own page. Without the cookie the shop would begin a second
		// cart.
		own := url.Values{paramProduct: {p.ID}, paramQuantity: {strconv.Itoa(quantity)}, paramHop: {"1"}}
		next := l.base.EscapedPath() + "?" + own.Encode()
		l.pages.Write(w, http.StatusOK, pages.Page{
			Name: "onward", Title: "One moment", Next: next,
			Links: []pages.Link{{URL: next, Text: "Go on to the cart"}},
		}, false)
		return
	}
	soldOut, err := l.soldOut(r, p)
	if quantity == 1 { // who wants more is buying for others
		if has, all := l.owned(r, p); all {
			l.offer(w, p, has, err == nil && !soldOut)
			return
		}
	}
	ask := false
	if err == nil && !soldOut {
		ask, err = l.mustAsk(r, p)
	}
	switch {
	case soldOut:
		l.saySoldOut(w)
	case err != nil:
		l.problem(w, http.StatusServiceUnavailable, "That did not work", "Please try again in a moment.")
	case ask:
		l.ask(w, p, quantity)
	default:
		l.set(w, r, p, quantity)
	}
}

// ask shows the confirmation page.
func (l *Links) ask(w http.ResponseWriter, p amsbridge.Product, quantity int) {
	l.pages.Write(w, http.StatusOK, pages.Page{
		Name: "cart", Title: "Put this into your cart?",
		Text:  []string{l.cfg.Title(p), "A link brought you here. What your cart holds already stays in it."},
		Form:  l.form(p, quantity, "Put it into the cart"),
		Links: []pages.Link{{URL: l.cfg.CartPage, Text: "Leave the cart as it is"}},
	}, false)
}

// form is the form whose POST sets the quantity.
func (l *Links) form(p amsbridge.Product, quantity int, button string) *pages.Form {
	return &pages.Form{
		Action: l.base.EscapedPath(), Button: button,
		Fields: []pages.Field{
			{Name: paramProduct, Value: p.ID},
			{Name: paramQuantity, Value: strconv.Itoa(quantity)},
		},
	}
}

// mustAsk tells whether the policy requires asking the buyer first.
func (l *Links) mustAsk(r *http.Request, p amsbridge.Product) (bool, error) {
	switch l.cfg.Policy {
	case AlwaysAdd:
		return false, nil
	case AlwaysConfirm:
		return true, nil
	}
	counter, ok := l.cfg.Cart.(Counter)
	if !ok {
		return true, nil
	}
	n, err := counter.CountOthers(r, p)
	return n > 0, err
}

func (l *Links) set(w http.ResponseWriter, r *http.Request, p amsbridge.Product, quantity int) {
	switch result, err := l.cfg.Cart.Set(w, r, p, quantity); {
	case err != nil:
		l.problem(w, http.StatusServiceUnavailable, "That did not work",
			"Your cart is as it was. Please try again in a moment.")
	case result == SoldOut:
		l.saySoldOut(w)
	default:
		http.Redirect(w, r, l.cfg.CartPage, http.StatusSeeOther)
	}
}

func (l *Links) soldOut(r *http.Request, p amsbridge.Product) (bool, error) {
	if stock, ok := l.cfg.Cart.(Stock); ok {
		return stock.SoldOut(r, p)
	}
	return false, nil
}

func (l *Links) saySoldOut(w http.ResponseWriter) {
	l.problem(w, http.StatusOK, "This is sold out", "We are sorry. Other dates and courses are in the shop.")
}

func (l *Links) problem(w http.ResponseWriter, status int, title, text string) {
	l.pages.Write(w, status, pages.Page{
		Name: "problem", Title: title, Text: []string{text},
		Links: []pages.Link{{URL: l.cfg.ShopPage, Text: "Go to the shop"}},
	}, false)
}
