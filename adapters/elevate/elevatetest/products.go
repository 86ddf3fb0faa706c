package elevatetest

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
)

var (
	slugForm = regexp.MustCompile(`^[a-z0-9-]+$`)
	notSlug  = regexp.MustCompile(`[^a-z0-9]+`)
)

// products are the products that staff have set up, by remote ID and by slug.
type products struct {
	byID, bySlug map[string]Product
}

func newProducts(list []Product) (products, error) {
	all := products{byID: map[string]Product{}, bySlug: map[string]Product{}}
	for i, p := range list {
		at := fmt.Sprintf("Config.Products[%d]", i)
		if _, twice := all.byID[p.RemoteProductID]; twice {
			return products{}, check.Bad("elevatetest", at+".RemoteProductID", "is listed twice")
		}
		if err := all.set(at, p); err != nil {
			return products{}, err
		}
	}
	return all, nil
}

// set adds a product, or replaces the one with its ID.
func (all products) set(at string, p Product) error {
	bad := func(field, problem string) error {
		return check.Bad("elevatetest", at+"."+field, problem)
	}
	if p.Title == "" {
		p.Title = p.RemoteProductID
	}
	if p.Slug == "" {
		p.Slug = strings.Trim(notSlug.ReplaceAllString(strings.ToLower(p.RemoteProductID), "-"), "-")
	}
	other, taken := all.bySlug[p.Slug]
	switch {
	case p.RemoteProductID == "":
		return bad("RemoteProductID", "is empty")
	case !slugForm.MatchString(p.Slug):
		return bad("Slug", "is not of the form [a-z0-9-]+")
	case taken && other.RemoteProductID != p.RemoteProductID:
		return bad("Slug", "is another product's too")
	case p.AppearsAfter < 0:
		return bad("AppearsAfter", "is negative")
	}
	delete(all.bySlug, all.byID[p.RemoteProductID].Slug)
	all.byID[p.RemoteProductID], all.bySlug[p.Slug] = p, p
	return nil
}

// SetProduct adds a product, or replaces the one with its Remote Product ID, as staff do. It returns an
// [*amsbridge.InputError] that names the bad field. Calls for [Product.AppearsAfter] are counted from
// now on. [Server.Reset] does not undo it.
func (s *Server) SetProduct(p Product) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.products.set("Product", p); err != nil {
		return err
	}
	delete(s.asked, p.RemoteProductID)
	return nil
}

// find returns the product that a call is about, or why it is not available.
func (s *Server) find(remoteProductID string) (Product, *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	no := func(text string) *answer { return &answer{status: http.StatusUnprocessableEntity, text: text} }
	p, ok := s.products.byID[remoteProductID]
	if !ok {
		return p, no("unknown product")
	}
	s.asked[remoteProductID]++
	switch {
	case s.asked[remoteProductID] <= p.AppearsAfter:
		return p, no("unknown product")
	case p.Draft:
		return p, no("the product is in Draft")
	case p.Closed:
		return p, no("the product is closed for registration")
	}
	return p, nil
}
