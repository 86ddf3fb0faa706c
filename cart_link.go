package amsbridge

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
)

// ServeHTTP answers a registration URL. GET, by a person's own navigation, sets
// the quantity (parameter "quantity", 1 if it is not given) of the product
// (parameter "product") and redirects to the cart page with 303, or asks first,
// as the policy says; POST is the answer of that page. Nothing else in the query
// counts: no price, no user, no discount. HEAD, prefetches, previews, frames and
// images change nothing. Every answer is no-store and no-referrer.
//
// Products that are unknown, sold out or owned already each get a page that
// helps; the owner is led into the course.
func (c *CartLinks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	closed(w.Header())
	if !allow(w, r, http.MethodGet, http.MethodHead, http.MethodPost) {
		return
	}
	values, ok := c.values(w, r)
	if !ok {
		c.problem(w, http.StatusBadRequest, "This link does not work", "It is not written as our links are.")
		return
	}
	product, offering, err := c.cfg.Catalog.Lookup(r.Context(), values.Get(paramProduct))
	quantity, fits := c.quantity(values.Get(paramQuantity))
	switch {
	case err != nil:
		c.problem(w, http.StatusServiceUnavailable, "That did not work", "Please try again in a moment.")
	case offering != Offered || product.ID == "":
		c.problem(w, http.StatusNotFound, "We do not sell this", "The link may be old. What we sell now is in the shop.")
	case !fits:
		c.problem(w, http.StatusBadRequest, "This link does not work", "It asks for a quantity that we cannot sell.")
	case r.Method == http.MethodPost:
		if c.cross.Check(r) != nil {
			c.problem(w, http.StatusForbidden, "That did not work", "The request came from another site. Please open the link again.")
			return
		}
		c.set(w, r, product, quantity)
	case !isNavigation(r):
		w.WriteHeader(http.StatusNoContent)
	default:
		c.open(w, r, values, product, quantity)
	}
}

// values are the query's of a GET, and the form's of a POST; each that counts is
// there once at most.
func (c *CartLinks) values(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
		err = r.ParseForm()
		values = r.PostForm
	}
	return values, err == nil && len(values[paramProduct]) == 1 && len(values[paramQuantity]) <= 1
}

// open is a GET that a person navigated to.
func (c *CartLinks) open(w http.ResponseWriter, r *http.Request, values url.Values, p Product, quantity int) {
	if !c.cfg.LaxCookie && values.Get(paramHop) == "" && r.Header.Get("Sec-Fetch-Site") != "same-origin" {
		// A cookie with SameSite=Strict is not sent on a click from another site,
		// nor after a redirect of it, but from a page of our own. Without it a
		// second cart would begin.
		own := url.Values{paramProduct: {p.ID}, paramQuantity: {strconv.Itoa(quantity)}, paramHop: {"1"}}
		next := c.base.EscapedPath() + "?" + own.Encode()
		c.pages.write(w, http.StatusOK, Page{
			Name: "onward", Title: "One moment", Next: next, Links: []PageLink{{URL: next, Text: "Go on to the cart"}},
		}, false)
		return
	}
	if c.owned(w, r, p) {
		return
	}
	soldOut, err := c.soldOut(r, p)
	ask := false
	if err == nil && !soldOut {
		ask, err = c.asks(r, p)
	}
	switch {
	case soldOut:
		c.saySoldOut(w)
	case err != nil:
		c.problem(w, http.StatusServiceUnavailable, "That did not work", "Please try again in a moment.")
	case ask:
		c.pages.write(w, http.StatusOK, Page{
			Name: "cart", Title: "Put this into your cart?",
			Text: []string{c.cfg.Title(p), "A link brought you here. What your cart holds already stays in it."},
			Form: &PageForm{
				Action: c.base.EscapedPath(), Button: "Put it into the cart",
				Fields: []PageField{{paramProduct, p.ID}, {paramQuantity, strconv.Itoa(quantity)}},
			},
			Links: []PageLink{{URL: c.cfg.CartPage, Text: "Leave the cart as it is"}},
		}, false)
	default:
		c.set(w, r, p, quantity)
	}
}

func (c *CartLinks) asks(r *http.Request, p Product) (bool, error) {
	switch c.cfg.Policy {
	case AlwaysAdd:
		return false, nil
	case AlwaysConfirm:
		return true, nil
	}
	counter, ok := c.cfg.Cart.(CartCounter)
	if !ok {
		return true, nil
	}
	n, err := counter.CountOthers(r, p)
	return n > 0, err
}

func (c *CartLinks) set(w http.ResponseWriter, r *http.Request, p Product, quantity int) {
	switch result, err := c.cfg.Cart.Set(w, r, p, quantity); {
	case err != nil:
		c.problem(w, http.StatusServiceUnavailable, "That did not work", "Your cart is as it was. Please try again in a moment.")
	case result == CartSoldOut:
		c.saySoldOut(w)
	default:
		http.Redirect(w, r, c.cfg.CartPage, http.StatusSeeOther)
	}
}

func (c *CartLinks) soldOut(r *http.Request, p Product) (bool, error) {
	if stock, ok := c.cfg.Cart.(CartStock); ok {
		return stock.SoldOut(r, p)
	}
	return false, nil
}

func (c *CartLinks) saySoldOut(w http.ResponseWriter) {
	c.problem(w, http.StatusOK, "This is sold out", "We are sorry. Other dates and courses are in the shop.")
}

// owned leads a member into what they have, and tells whether it did. What
// cannot be found out stops nobody from buying.
func (c *CartLinks) owned(w http.ResponseWriter, r *http.Request, p Product) bool {
	if c.cfg.CurrentUser == nil {
		return false
	}
	user, err := c.cfg.CurrentUser(r)
	if err != nil || errors.Is(err, ErrSignedOut) {
		return false
	}
	places, err := c.cfg.Standing.Of(r.Context(), user.ID)
	if err != nil {
		return false
	}
	found, all := holdingOf(places, p)
	if !all {
		return false
	}
	walkIn := ""
	if c.cfg.WalkIn != nil {
		walkIn = localPath(c.cfg.WalkIn(p))
	}
	if found.state == PlaceDelivered && walkIn != "" {
		http.Redirect(w, r, walkIn, http.StatusSeeOther)
		return true
	}
	page := Page{Name: "cart", Title: "You have this already", Text: []string{"There is no need to buy it again."}}
	switch {
	case found.state == PlaceQueued:
		page.Text = append(page.Text, "We are finishing your registration.")
	case found.state == PlaceNeedsAttention:
		page.Text = append(page.Text, "One of us is looking after your registration.")
	case found.url != "":
		page.Links = append(page.Links, PageLink{found.url, "Go to the course"})
	}
	page.Links = append(page.Links, PageLink{c.cfg.ShopPage, "Back to the shop"})
	c.pages.write(w, http.StatusOK, page, false)
	return true
}

func (c *CartLinks) problem(w http.ResponseWriter, status int, title, text string) {
	c.pages.write(w, status, Page{
		Name: "problem", Title: title, Text: []string{text}, Links: []PageLink{{c.cfg.ShopPage, "Go to the shop"}},
	}, false)
}
