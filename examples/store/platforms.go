package main

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// access is what the platforms' vendors would give the shop.
type access struct {
	ElevateEndpoint, ElevateKey                            string
	NotifiedBaseURL, NotifiedAuthCode, NotifiedCredentials string
}

// platforms are the two sandboxes. In real life they are Elevate and Notified.
type platforms struct {
	access            access
	learning          *elevatetest.Server
	events            *notifiedtest.Server
	elevate, notified *site
}

// site is a sandbox on a port of its own.
type site struct {
	name, audience string
	url            string
	door           *door
	pages          *pages
	server         *http.Server
	log            *slog.Logger
	down           atomic.Bool
	calls          func() []call
}

// call is a line in a sandbox's journal, as its page shows it.
type call struct {
	Seq                  int
	Time                 time.Time
	Person, What, Answer string
	Effect, Repeat       bool
}

// startPlatforms serves both sandboxes at these addresses, or at free ports
// where they are in use. key is the one that the shop signs hand-offs with; only
// its public half is kept.
func startPlatforms(elevateAddr, notifiedAddr string, key amsbridge.SigningKey, log *slog.Logger) (*platforms, error) {
	p := &platforms{access: access{ElevateKey: rand.Text(), NotifiedAuthCode: rand.Text(), NotifiedCredentials: rand.Text()}}
	var err error
	if p.learning, err = newElevate(p.access); err != nil {
		return nil, err
	}
	if p.events, err = newNotified(p.access); err != nil {
		return nil, err
	}
	p.elevate = &site{name: "Elevate", audience: toElevate, log: log, calls: p.elevateCalls}
	p.notified = &site{name: "Notified", audience: toNotified, log: log, calls: p.notifiedCalls}
	p.learning.MisbehaveBy(p.elevate.fault)
	p.events.MisbehaveBy(p.notified.fault)
	if err := p.elevate.start(elevateAddr, p.learning, elevateAudience, key); err != nil {
		return nil, err
	}
	if err := p.notified.start(notifiedAddr, p.events, notifiedAudience, key); err != nil {
		return nil, errors.Join(err, p.elevate.server.Close())
	}
	p.access.ElevateEndpoint = p.elevate.url + "/api/registration"
	p.access.NotifiedBaseURL = p.notified.url + "/scripts/Server.nxp"
	return p, nil
}

func (p *platforms) close() error {
	return errors.Join(p.elevate.server.Close(), p.notified.server.Close())
}

// newElevate sets up the products, as staff do on Elevate's pages.
func newElevate(a access) (*elevatetest.Server, error) {
	cfg := elevatetest.Config{Key: a.ElevateKey, Profile: elevate.GuessedProfile()}
	for _, m := range mapping {
		if p, ok := productByID(m.ID); ok && m.OnElevate() {
			cfg.Products = append(cfg.Products, elevatetest.Product{RemoteProductID: m.RemoteProductID, Title: p.Title})
		}
	}
	return elevatetest.New(cfg)
}

// newNotified sets up the show, and registers every member for it: add-ons are
// added to a registration that is there.
func newNotified(a access) (*notifiedtest.Server, error) {
	const area, pass = "association", "Full pass"
	full := notifiedtest.Package{Name: pass}
	for _, m := range mapping {
		for _, key := range m.AddOnKeys {
			full.AddOns = append(full.AddOns, notifiedtest.AddOn{Key: key})
		}
	}
	s, err := notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{{AuthCode: a.NotifiedAuthCode, Credentials: a.NotifiedCredentials, Area: area}},
		Shows:    []notifiedtest.Show{{Key: annualMeeting, Area: area, Packages: []notifiedtest.Package{full}}},
	})
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		err = errors.Join(err, s.AddUser(area, notifiedtest.User{ID: string(m.ID), Email: m.Email}), s.Register(string(m.ID), annualMeeting, pass))
	}
	return s, err
}

// start serves the sandbox's API, its door, and a page that shows its journal.
func (s *site) start(addr string, api http.Handler, audience string, key amsbridge.SigningKey) error {
	var err error
	if s.door, err = newDoor(audience, key); err != nil {
		return err
	}
	if s.pages, err = newPages(); err != nil {
		return err
	}
	listener, err := listen(addr)
	if err != nil {
		return err
	}
	s.url = "http://" + listener.Addr().String()
	router := mux.NewRouter()
	router.HandleFunc("/", s.journal).Methods(http.MethodGet, http.MethodHead)
	router.HandleFunc("/style.css", s.pages.style).Methods(http.MethodGet, http.MethodHead)
	router.Handle("/outage", http.NewCrossOriginProtection().Handler(http.HandlerFunc(s.outage))).Methods(http.MethodPost)
	router.HandleFunc(doorPath, s.walkIn).Methods(http.MethodPost) // from the shop's origin, so the token must speak for itself
	router.PathPrefix("/").Handler(api)
	s.server = &http.Server{Handler: secured(router), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // ends when the server is closed
	return nil
}

// fault plays an outage while it is switched on.
func (s *site) fault(int) elevatetest.Fault {
	if s.down.Load() {
		return elevatetest.Fault{Kind: elevatetest.Unavailable}
	}
	return elevatetest.Fault{}
}

func (s *site) outage(w http.ResponseWriter, r *http.Request) {
	s.down.Store(r.PostFormValue("down") == "yes")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *site) journal(w http.ResponseWriter, _ *http.Request) {
	calls := s.calls()
	slices.Reverse(calls)
	s.pages.show(w, http.StatusOK, "journal.html", page{Title: s.name + "’s sandbox", Refresh: 2, Body: struct {
		Platform string
		Down     bool
		Calls    []call
	}{s.name, s.down.Load(), calls}})
}

func (p *platforms) elevateCalls() (calls []call) {
	for _, c := range p.learning.Journal() {
		answer := "none yet, or cut"
		if c.Status != 0 {
			answer = strings.TrimSpace(strconv.Itoa(c.Status) + " " + c.Refusal)
		}
		calls = append(calls, call{c.Seq, c.Time, string(c.UserID), c.RemoteProductID, answer, c.Effect, c.Repeat})
	}
	return calls
}

func (p *platforms) notifiedCalls() (calls []call) {
	for _, c := range p.events.Journal() {
		var keys []string
		for _, k := range c.AddOns {
			keys = append(keys, strconv.FormatInt(k, 10))
		}
		answer := "status " + c.Status
		if c.Status == "" {
			answer = c.Fault.String()
		}
		calls = append(calls, call{c.Seq, c.Time, c.User, "add-ons " + strings.Join(keys, ", "), answer, c.Effect, c.Repeat})
	}
	return calls
}
