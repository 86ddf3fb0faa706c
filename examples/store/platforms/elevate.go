package platforms

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/cartlink"
	"github.com/amsbridge/amsbridge/examples/store/shop"
	"github.com/amsbridge/amsbridge/examples/store/web"
)

// Elevate is the sandbox of the learning platform.
type Elevate struct {
	site
	// API is the sandbox proper.
	API *elevatetest.Server
}

// startElevate sets up the products, as staff do on Elevate's pages.
func startElevate(cfg Config, access *Access) (*Elevate, error) {
	access.ElevateKey = rand.Text()
	e := &Elevate{site: site{Name: "Elevate", log: cfg.Log, sessions: web.Sessions[member]{Cookie: "elevate_session"}}}
	logIn, err := e.newLogIn(cfg)
	if err != nil {
		return nil, err
	}
	api := elevatetest.Config{Key: access.ElevateKey, Profile: elevate.GuessedProfile()}
	for _, m := range shop.Mapping() {
		if p, ok := shop.ProductByID(m.ID); ok && m.OnElevate() {
			api.Products = append(api.Products, elevatetest.Product{
				RemoteProductID: m.RemoteProductID, Title: p.Title, Slug: m.RemoteProductID,
			})
		}
	}
	if e.API, err = elevatetest.New(api); err != nil {
		return nil, err
	}
	e.calls, e.journal = e.lines, e.API.WriteJournal
	e.faults = faults{Presets: presets(elevatetest.Fault{Kind: elevatetest.Unauthorized}), follow: e.API.Follow}
	serve, err := e.open(cfg.ElevateAddr, "elevate.css")
	if err != nil {
		return nil, err
	}
	access.ElevateEndpoint = e.URL + "/api/registration"

	r := e.router()
	r.HandleFunc("/", e.home).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/products/{slug}", e.product).Methods(http.MethodGet, http.MethodHead)
	r.Handle(LoginPath, logIn).Methods(http.MethodPost)
	r.PathPrefix("/api/").Handler(e.API)
	serve(r)
	return e, nil
}

// SetUp is what staff type in: the registration URL of each product, and where
// the shop is.
func (e *Elevate) SetUp(rows []cartlink.ProductSetUp, store string) {
	l := links{Store: store + "/", SignIn: store + shop.HandOffPath, Registration: map[string]string{}}
	for _, row := range rows {
		l.Registration[row.RemoteProductID] = row.RegistrationURL
	}
	e.toStore.Store(&l)
}

// signInAt leads to the shop, and from there back to a page.
func (e *Elevate) signInAt(path string) string {
	if e.links().SignIn == "" {
		return ""
	}
	return e.links().SignIn + "?" + url.Values{"to": {shop.ToElevate}, "return_to": {path}}.Encode()
}

// course is one that Elevate shows.
type course struct {
	shop.Product
	RemoteProductID, Path string
	// Registered is set where the member is.
	Registered bool
	// RegisterAt is the shop's registration URL.
	RegisterAt string
}

func (e *Elevate) courses(who member) (all []course) {
	registrations, at := e.API.Registrations(), e.links().Registration
	for _, m := range shop.Mapping() {
		p, ok := shop.ProductByID(m.ID)
		if !ok || !m.OnElevate() {
			continue
		}
		c := course{
			Product: p, RemoteProductID: m.RemoteProductID, Path: "/products/" + m.RemoteProductID,
			RegisterAt: at[m.RemoteProductID],
		}
		for _, r := range registrations {
			if who.ID != "" && r.UserID == who.ID && r.RemoteProductID == m.RemoteProductID {
				c.Registered = true
			}
		}
		all = append(all, c)
	}
	return all
}

func (e *Elevate) home(w http.ResponseWriter, r *http.Request) {
	e.show(w, r, http.StatusOK, "catalogue.html", "Courses", e.signInAt("/"), e.courses(e.sessions.Of(r)))
}

// product shows a course to who is registered, and what it is to others.
func (e *Elevate) product(w http.ResponseWriter, r *http.Request) {
	for _, c := range e.courses(e.sessions.Of(r)) {
		if c.RemoteProductID == mux.Vars(r)["slug"] {
			e.show(w, r, http.StatusOK, "course.html", c.Title, e.signInAt(c.Path), c)
			return
		}
	}
	e.problem(w, r, http.StatusNotFound, "There is no such course.")
}

func (e *Elevate) lines() (calls []call) {
	for _, c := range e.API.Journal() {
		answer := "none yet, or cut"
		if c.Status != 0 {
			answer = strings.TrimSpace(strconv.Itoa(c.Status) + " " + c.Refusal)
		}
		calls = append(calls, call{c.Seq, c.Time, string(c.UserID), c.RemoteProductID, answer, c.Effect, c.Repeat})
	}
	return calls
}
