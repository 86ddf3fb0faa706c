package servers

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/cartlink"
)

// StrictShop is a shop that has nothing but a cart, behind a cookie with
// SameSite=Strict: a click from another site does not bring it along. Its pages
// look as amsbridge's do where the shop gives them no look.
type StrictShop struct {
	// URL has no slash at its end.
	URL string

	links  *cartlink.Links
	server *httptest.Server
	mu     sync.Mutex
	carts  map[string]map[string]int
	held   bool
	ahead  chan string // the purposes that browsers named for asking before any click
}

const strictCookie = "strict_cart"

// NewStrictShop serves the shop until Close.
func NewStrictShop() (*StrictShop, error) {
	mux := http.NewServeMux()
	s := &StrictShop{server: httptest.NewServer(mux), carts: map[string]map[string]int{}, ahead: make(chan string, 100)}
	s.URL = s.server.URL
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "course-ethics", RemoteProductID: "course-ethics"},
		{ID: "course-infection", RemoteProductID: "course-infection"},
	}})
	if err == nil {
		s.links, err = cartlink.New(cartlink.Config{
			BaseURL: s.URL + "/buy", Cart: s, Catalog: catalog, CartPage: "/cart",
		})
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	mux.HandleFunc("/buy", s.buy)
	mux.HandleFunc("GET /cart", s.show)
	mux.HandleFunc("GET /eager/{how}", s.eager)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	return s, nil
}

// Close ends the shop.
func (s *StrictShop) Close() { s.server.Close() }

// Link is a product's registration URL.
func (s *StrictShop) Link(product string) string { return s.links.URL(amsbridge.Product{ID: product}) }

// HoldRedirect keeps browsers on the page that goes on to the cart by itself, so
// that one can look at it: the shop answers with no content.
func (s *StrictShop) HoldRedirect(hold bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = hold
}

func (s *StrictShop) buy(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held && r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.links.ServeHTTP(w, r)
	if purpose := r.Header.Get("Sec-Purpose"); purpose != "" {
		select {
		case s.ahead <- purpose:
		default: // more than anybody asks about
		}
	}
}

// EagerPage is a page whose link "Buy the course" browsers ask for at once, before anybody clicks: how is
// "prefetch" or "prerender", as shops have it by the speculation rules that their software writes.
func (s *StrictShop) EagerPage(how string) string { return s.URL + "/eager/" + how }

func (s *StrictShop) eager(w http.ResponseWriter, r *http.Request) {
	const page = `<!DOCTYPE html>
<html lang="en"><head><title>Courses</title>
<script type="speculationrules">{%q: [{"urls": [%q], "eagerness": "immediate"}]}</script></head>
<body><main><h1>Courses</h1><p><a href="%s">Buy the course</a></p></main></body></html>`
	to := s.Link("course-ethics")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, page, r.PathValue("how"), to, to) // the reader may be gone
}

// Ahead waits until a browser has asked for a link before any click, and returns the purpose that it named.
func (s *StrictShop) Ahead(ctx context.Context) (purpose string, err error) {
	select {
	case purpose = <-s.ahead:
		return purpose, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Set puts a product into the cart of the request's cookie, or of a new one.
func (s *StrictShop) Set(
	w http.ResponseWriter, r *http.Request, p amsbridge.Product, quantity int,
) (cartlink.SetResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cart := s.cartOf(r)
	if cart == nil {
		id := rand.Text()
		cart = map[string]int{}
		s.carts[id] = cart
		http.SetCookie(w, &http.Cookie{
			Name: strictCookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
	}
	cart[p.ID] = quantity
	return cartlink.Set, nil
}

// Count counts the product and the others in the cart, so that a link asks before it changes them.
func (s *StrictShop) Count(r *http.Request, p amsbridge.Product) (quantity, others int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cart := s.cartOf(r)
	if quantity, others = cart[p.ID], len(cart); quantity > 0 {
		others--
	}
	return quantity, others, nil
}

func (s *StrictShop) cartOf(r *http.Request) map[string]int {
	c, err := r.Cookie(strictCookie)
	if err != nil {
		return nil
	}
	return s.carts[c.Value]
}

func (s *StrictShop) show(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for id, quantity := range s.cartOf(r) {
		lines = append(lines, fmt.Sprintf("%s: %d.", id, quantity))
	}
	slices.Sort(lines)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	const page = `<!DOCTYPE html>
<html lang="en"><head><title>Cart</title></head><body><main><h1>Cart</h1>
<p>%s</p><p>Carts given: %d.</p></main></body></html>`
	_, _ = fmt.Fprintf(w, page, strings.Join(lines, " "), len(s.carts)) // the reader may be gone
}
