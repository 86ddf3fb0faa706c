package cartlink

import (
	"net/http"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/pages"
)

// owned answers a member who has the product already, and tells whether it did. Where the look-up fails
// it returns false: the member can buy.
func (l *Links) owned(w http.ResponseWriter, r *http.Request, p amsbridge.Product) bool {
	if l.cfg.CurrentUser == nil {
		return false
	}
	user, err := l.cfg.CurrentUser(r)
	if err != nil {
		return false
	}
	holding, err := l.cfg.Standing.Holding(r.Context(), user.ID, p, "")
	if err != nil || !holding.Whole {
		return false
	}
	walkIn := ""
	if l.cfg.WalkIn != nil {
		walkIn = web.LocalPath(l.cfg.WalkIn(p))
	}
	if holding.State == amsbridge.PlaceDelivered && walkIn != "" {
		http.Redirect(w, r, walkIn, http.StatusSeeOther)
		return true
	}
	page := pages.Page{
		Name: "cart", Title: "You have this already", Text: []string{"There is no need to buy it again."},
	}
	switch {
	case holding.State == amsbridge.PlaceQueued:
		page.Text = append(page.Text, "We are finishing your registration.")
	case holding.State == amsbridge.PlaceNeedsAttention:
		page.Text = append(page.Text, "One of us is looking after your registration.")
	case holding.ProductURL != "":
		page.Links = append(page.Links, pages.Link{URL: holding.ProductURL, Text: "Go to the course"})
	}
	page.Links = append(page.Links, pages.Link{URL: l.cfg.ShopPage, Text: "Back to the shop"})
	l.pages.Write(w, http.StatusOK, page, false)
	return true
}
