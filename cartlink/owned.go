package cartlink

import (
	"fmt"
	"net/http"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/pages"
)

// owned returns what the signed-in member has of a product, and whether that is all of it. Where the
// look-up fails it returns false: the member can buy.
func (l *Links) owned(r *http.Request, p amsbridge.Product) (amsbridge.Holding, bool) {
	if l.cfg.CurrentUser == nil {
		return amsbridge.Holding{}, false
	}
	user, err := l.cfg.CurrentUser(r)
	if err != nil {
		return amsbridge.Holding{}, false
	}
	parts, unknown, err := amsbridge.Parts(r.Context(), l.cfg.Catalog, p)
	if err != nil || len(unknown) > 0 {
		return amsbridge.Holding{}, false
	}
	holding, err := l.cfg.Standing.Holding(r.Context(), l.cfg.Association, user.ID, parts, "")
	return holding, err == nil && holding.Whole
}

// offer shows an owner the way to what they have and, where it is sold and not in the cart, the form that
// puts another one into the cart.
func (l *Links) offer(
	w http.ResponseWriter, p amsbridge.Product, has amsbridge.Holding, cart contents, sold bool,
) {
	page := pages.Page{Name: "cart", Title: "You have this already", Text: []string{l.cfg.Title(p)}}
	target := has.ProductURL
	if l.cfg.WalkIn != nil {
		if path := web.LocalPath(l.cfg.WalkIn(p)); path != "" {
			target = path
		}
	}
	switch {
	case has.State == amsbridge.PlaceQueued:
		page.Text = append(page.Text, "We are finishing your registration.")
	case has.State == amsbridge.PlaceNeedsAttention:
		page.Text = append(page.Text, "One of us is looking after your registration.")
	case target != "":
		page.Links = append(page.Links, pages.Link{URL: target, Text: "Go to what you have"})
	}
	switch {
	case sold && cart.quantity > 0:
		page.Text = append(page.Text, fmt.Sprintf("Your cart holds %d of it.", cart.quantity))
		page.Links = append(page.Links, pages.Link{URL: l.cfg.CartPage, Text: "Go to the cart"})
	case sold:
		page.Text = append(page.Text, "There is no need to buy it again for yourself. For somebody else you can.")
		page.Text = append(page.Text, cart.overwrites(1)...)
		page.Form = l.form(p, 1, cart, "Buy it again")
	}
	page.Links = append(page.Links, pages.Link{URL: l.cfg.ShopPage, Text: "Back to the shop"})
	l.pages.Write(w, http.StatusOK, page)
}
