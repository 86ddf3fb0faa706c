package cartlink

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/query"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/pages"
)

// ServeHTTP answers a registration URL. A GET that a person navigated to sets the quantity (parameter
// "quantity", default 1) of the product (parameter "product") and redirects to the cart page with 303,
// or asks first, as the policy says. A POST is the form of the confirmation page. All other parameters
// are ignored, whatever they look like, and so is what a mailing program appends: a value ends at a "?" or ";"
// that is not percent-encoded. HEAD changes nothing, and is answered with 204 where a GET would be
// served; prefetches, prerenders, previews, frames and images change nothing, and are refused with 503 or 403:
// of a 2xx, browsers would make use for the click itself. Every answer is no-store and
// no-referrer, but for pages with a form: these are same-origin, so that the browser tells our origin to ourselves.
//
// Products that are unknown or sold out each have a page that helps. A link for one of a product that
// the member has asks first: its page leads to what they have, and its form buys another one. A link for
// more is for others too, and is served as if the member had nothing.
func (l *Links) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	web.Private(w.Header())
	if !web.Allow(w, r, http.MethodGet, http.MethodHead, http.MethodPost) {
		return
	}
	values, err := l.values(w, r)
	if err != nil || len(values[paramProduct]) != 1 || len(values[paramQuantity]) > 1 {
		l.problem(w, http.StatusBadRequest, "This link does not work", "It is not written as our links are.")
		return
	}
	product, offering, err := l.lookup(r.Context(), values.Get(paramProduct))
	quantity, fits := l.quantity(values.Get(paramQuantity))
	switch {
	case err != nil:
		l.tryAgain(w)
	case offering != amsbridge.Offered || product.ID == "":
		l.problem(w, http.StatusNotFound, "We do not sell this",
			"The link may be old. What we sell now is in the shop.")
	case !fits:
		l.problem(w, http.StatusBadRequest, "This link does not work",
			"It asks for a quantity that we cannot sell.")
	case r.Method == http.MethodPost:
		l.confirmed(w, r, product, quantity, values.Get(paramInstead))
	case !web.IsNavigation(r):
		web.RefuseUnseen(w, r)
	default:
		l.open(w, r, product, quantity)
	}
}

// values returns our parameters of the query of a GET, or of the form of a POST.
func (l *Links) values(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method == http.MethodPost {
		return query.Form(w, r, 16<<10)
	}
	return query.ReadIDs(r.URL.RawQuery, paramProduct, paramQuantity)
}

// lookup asks the catalogue for a product, unless the text cannot be a product's ID. Where the catalogue
// itself says that it cannot, the product is one that nobody sells.
func (l *Links) lookup(ctx context.Context, id string) (amsbridge.Product, amsbridge.Offering, error) {
	if check.Text(id, 255) != "" {
		return amsbridge.Product{}, amsbridge.NotOffered, nil
	}
	product, offering, err := l.cfg.Catalog.Lookup(ctx, id)
	if _, bad := errors.AsType[*amsbridge.InputError](err); bad {
		return amsbridge.Product{}, amsbridge.NotOffered, nil
	}
	return product, offering, err
}

// open answers a GET that a person navigated to.
func (l *Links) open(w http.ResponseWriter, r *http.Request, p amsbridge.Product, quantity int) {
	site := r.Header.Get("Sec-Fetch-Site")
	if !l.cfg.LaxCookie && site != "" && site != "same-origin" {
		l.onward(w, p, quantity)
		return
	}
	soldOut, err := l.soldOut(r, p)
	arrived := l.cfg.LaxCookie || site != "" // else a Strict cookie may be missing: our form brings it
	var cart contents
	if err == nil && !soldOut && arrived {
		cart, err = l.contents(r, p)
	}
	if quantity == 1 { // who wants more is buying for others
		if has, all := l.owned(r, p); all {
			l.offer(w, p, has, cart, err == nil && !soldOut)
			return
		}
	}
	switch {
	case soldOut:
		l.saySoldOut(w)
	case err != nil:
		l.tryAgain(w)
	case !arrived, l.mustAsk(cart, quantity):
		l.ask(w, p, quantity, cart)
	default:
		l.set(w, r, p, quantity)
	}
}

// onward shows a page of ours that goes on to the same link by itself. A SameSite=Strict cookie is not sent
// on a click from another site, nor after that click's redirect, but is where our own page leads on; without
// it the shop would begin a second cart. That the page was ours is what the browser says (Sec-Fetch-Site),
// and nothing in the link, which anybody can write.
func (l *Links) onward(w http.ResponseWriter, p amsbridge.Product, quantity int) {
	own := url.Values{paramProduct: {p.ID}, paramQuantity: {strconv.Itoa(quantity)}}
	next := l.base.EscapedPath() + "?" + own.Encode()
	l.pages.Write(w, http.StatusOK, pages.Page{
		Name: "onward", Title: "One moment", Next: next,
		Links: []pages.Link{{URL: next, Text: "Go on to the cart"}},
	})
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

func (l *Links) tryAgain(w http.ResponseWriter) {
	l.problem(w, http.StatusServiceUnavailable, "That did not work", "Please try again in a moment.")
}

func (l *Links) problem(w http.ResponseWriter, status int, title, text string) {
	l.pages.Write(w, status, pages.Page{
		Name: "problem", Title: title, Text: []string{text},
		Links: []pages.Link{{URL: l.cfg.ShopPage, Text: "Go to the shop"}},
	})
}
