// Package shop is the store of a small association: products, members, a cart,
// a checkout and orders in a database. amsbridge is called in five places: in
// order.go and change.go, in the transactions that store an order and change it;
// in progress.go, for "where is my course?"; in attention.go, for what staff have
// to do; in cart.go, where cart links set a quantity; and in mail.go, which takes
// what was delivered. The rest is a shop as shops are.
package shop

import (
	"database/sql"
	"embed"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/cartlink"
	"github.com/amsbridge/amsbridge/examples/internal/server"
	"github.com/amsbridge/amsbridge/examples/store/web"
	"github.com/amsbridge/amsbridge/handoff"
	"github.com/amsbridge/amsbridge/outbox"
)

//go:embed pages assets
var files embed.FS

// Config is what the shop is made of.
type Config struct {
	DB *Database
	// Hook, Standing, Inspector and Operator are amsbridge's: for orders, for
	// members, and for the staff's page of what needs attention.
	Hook      *amsbridge.Hook[*sql.Tx]
	Standing  *amsbridge.Standing
	Inspector outbox.Inspector
	Operator  *outbox.Operator
	// Elevate and Notified are the sandboxes' addresses, for links.
	Elevate, Notified string
}

// Shop is the web store.
type Shop struct {
	cfg      Config
	site     *web.Site
	till     Till
	sessions web.Sessions[*session]

	// Set by Router.
	handOffs *handoff.Handlers
	links    *cartlink.Links
	catalog  amsbridge.CatalogList
}

// New returns a shop that serves nothing before Router is called.
func New(cfg Config) (*Shop, error) {
	site, err := web.New(files, "shop.css")
	return &Shop{
		cfg: cfg, site: site, till: Till{cfg.DB, cfg.Hook},
		sessions: web.Sessions[*session]{Cookie: sessionCookie, SignedIn: (*session).signedIn},
	}, err
}

// PageTemplate gives amsbridge's own pages the shop's look.
func (s *Shop) PageTemplate() *template.Template { return s.site.Template("amsbridge.html") }

// Router routes the shop's pages. Whatever changes something is a POST.
func (s *Shop) Router(
	handOffs *handoff.Handlers, links *cartlink.Links, catalog amsbridge.CatalogList,
) *mux.Router {
	s.handOffs, s.links, s.catalog = handOffs, links, catalog
	r := mux.NewRouter()
	read := func(path string, h page) { r.HandleFunc(path, s.serve(h)).Methods(http.MethodGet, http.MethodHead) }
	read("/", s.front)
	read("/products/{id}", s.showProduct)
	read("/cart", s.showCart)
	read("/sign-in", s.showSignIn)
	read("/checkout", s.members(s.showCheckout))
	read("/orders", s.members(s.showOrders))
	read("/orders/{id}", s.members(s.showOrder))
	read("/learning", s.members(s.showLearning))
	read("/mail", s.members(s.showMail))
	read("/staff", s.staff(s.showSetUp))
	read("/staff/orders", s.staff(s.showAllOrders))
	read("/staff/orders/{id}", s.staff(s.showSold))
	read("/staff/attention", s.staff(s.showAttention))
	read("/staff/sign-ins", s.staff(s.showSignIns))
	r.HandleFunc("/site.css", s.site.Style)
	r.HandleFunc("/assets/{name}", s.site.Asset)
	r.HandleFunc("/favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/assets/mark.svg", http.StatusFound)
	})

	changes := map[string]bool{}
	change := func(path string, h page) {
		changes[path] = true
		r.HandleFunc(path, s.serve(h)).Methods(http.MethodPost)
	}
	change("/sign-in", s.signIn)
	change("/cart", s.changeCart)
	change("/checkout", s.members(s.checkOut))
	change("/orders", s.members(s.nameLearner))
	change("/staff/orders", s.staff(s.changeSold))
	change("/staff/attention", s.staff(s.markDone))

	r.NotFoundHandler = s.serve(s.show404)
	r.MethodNotAllowedHandler = s.serve(func(w http.ResponseWriter, r *http.Request, who *session) {
		allow := "GET, HEAD"
		if changes[r.URL.Path] {
			allow += ", POST"
		}
		w.Header().Set("Allow", allow)
		s.showProblem(w, r, who, http.StatusMethodNotAllowed, "This page cannot be asked for in that way.")
	})
	return r
}

// Protected bounds the size of requests, and refuses foreign host names and forms
// of other sites. It goes around every handler.
func (s *Shop) Protected(next http.Handler) http.Handler {
	same := http.NewCrossOriginProtection()
	same.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.problem(w, r, http.StatusForbidden, "This form came from another site. Nothing was changed.")
	}))
	// Signing in may lead on to a platform, and browsers check redirects of forms
	// as well.
	bounded := server.Addressed(same.Handler(http.MaxBytesHandler(next, 64<<10)))
	return web.Secured(bounded, s.cfg.Elevate, s.cfg.Notified)
}

// page is one page of the shop. The session is locked; visitors who have none
// get an empty one, which nobody keeps.
type page func(http.ResponseWriter, *http.Request, *session)

func (s *Shop) serve(h page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := s.sessions.Of(r)
		if who == nil {
			who = &session{}
		}
		who.mu.Lock()
		defer who.mu.Unlock()
		h(w, r, who)
	}
}

// broken tells the log what went wrong, and the member what that means.
func (s *Shop) broken(w http.ResponseWriter, r *http.Request, who *session, err error) {
	slog.ErrorContext(r.Context(), "a request failed", "path", r.URL.Path, "error", err)
	s.showProblem(w, r, who, http.StatusInternalServerError,
		"Something went wrong on our side. Please try again: an order is never placed twice.")
}
