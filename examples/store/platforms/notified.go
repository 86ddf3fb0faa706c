package platforms

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
	"github.com/amsbridge/amsbridge/examples/store/shop"
	"github.com/amsbridge/amsbridge/examples/store/web"
)

// apiPath is from the vendor's text.
const apiPath = "/scripts/Server.nxp"

// area is the association's, at Notified.
const area = "association"

// Notified is the sandbox of the virtual-event platform.
type Notified struct {
	site
	// API is the sandbox proper.
	API *notifiedtest.Server

	visiting sync.Mutex
}

// startNotified sets up the show, and registers every member for it: add-ons are
// added to a registration that is there.
func startNotified(cfg Config, access *Access) (*Notified, error) {
	const pass = "Full pass"
	access.NotifiedAuthCode, access.NotifiedCredentials = rand.Text(), rand.Text()
	full := notifiedtest.Package{Name: pass}
	for _, m := range shop.Mapping() {
		for _, key := range m.AddOnKeys {
			full.AddOns = append(full.AddOns, notifiedtest.AddOn{Key: key})
		}
	}
	n := &Notified{site: site{Name: "Notified", log: cfg.Log, sessions: web.Sessions[member]{Cookie: "notified_session"}}}
	var err error
	n.API, err = notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{
			{AuthCode: access.NotifiedAuthCode, Credentials: access.NotifiedCredentials, Area: area},
		},
		Shows: []notifiedtest.Show{
			{Key: shop.AnnualMeeting, Area: area, Name: "Annual Meeting", Packages: []notifiedtest.Package{full}},
		},
	})
	if err != nil {
		return nil, err
	}
	for _, m := range shop.Members() {
		user := notifiedtest.User{ID: string(m.ID), Email: m.Email, FirstName: m.FirstName, LastName: m.LastName}
		if err := n.API.AddUser(area, user); err != nil {
			return nil, err
		}
		if err := n.API.Register(user.ID, shop.AnnualMeeting, pass); err != nil {
			return nil, err
		}
	}
	n.calls, n.journal = n.lines, n.API.WriteJournal
	// Notified's errors come with status 200.
	n.faults = faults{follow: n.API.Follow, Presets: presets(elevatetest.Fault{
		Kind: elevatetest.Reply, ContentType: "text/xml; charset=utf-8",
		Body: `<?xml version="1.0" encoding="utf-8" ?>` + "\n" +
			`<CallFailed Diag="Invalid API Credentials Supplied!"/>`,
	})}
	serve, err := n.open(cfg.NotifiedAddr, "notified.css")
	if err != nil {
		return nil, err
	}
	access.NotifiedBaseURL = n.URL + apiPath

	r := n.router()
	r.HandleFunc("/", n.lobby).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc(apiPath, n.serveAPI)
	serve(r)
	return n, nil
}

// SetUp is what staff type in: where the shop is. A login ticket is for a show,
// which any product of the show names.
func (n *Notified) SetUp(store string) {
	n.toStore.Store(&links{Store: store + "/", SignIn: store + shop.WalkIn(shop.ToNotified, "event-gala", "")})
}

// event is one that the show has, and whether the member booked it.
type event struct {
	shop.Product
	Booked bool
}

// lobby shows the event.
func (n *Notified) lobby(w http.ResponseWriter, r *http.Request) {
	who := n.sessions.Of(r)
	var booked []int64
	if who.ID != "" {
		booked = n.API.AddOns(string(who.ID), shop.AnnualMeeting)
	}
	var all []event
	for _, m := range shop.Mapping() {
		if p, ok := shop.ProductByID(m.ID); ok && m.ShowKey == shop.AnnualMeeting {
			has := !slices.ContainsFunc(m.AddOnKeys, func(k int64) bool { return !slices.Contains(booked, k) })
			all = append(all, event{p, has})
		}
	}
	n.show(w, r, http.StatusOK, "lobby.html", "Annual Meeting", n.links().SignIn, all)
}

// ticketCmd begins the query of a browser that brings a login ticket.
const ticketCmd = "LASCmd=AI:4;F:APIUTILS!50505&"

// serveAPI serves the API, and the browser that brings a login ticket: who is
// let in gets a session and goes on to the lobby, so that the ticket stands in
// no address bar.
func (n *Notified) serveAPI(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || !strings.HasPrefix(r.URL.RawQuery, ticketCmd) {
		n.API.ServeHTTP(w, r)
		return
	}
	n.visiting.Lock()
	defer n.visiting.Unlock()
	before := len(n.API.Visits())
	n.API.ServeHTTP(discarded{}, r)
	visits := n.API.Visits()
	if len(visits) == before || visits[before].Refused != "" {
		n.log.WarnContext(r.Context(), "a login ticket was refused", "platform", n.Name)
		n.problem(w, r, http.StatusForbidden,
			"This ticket is unknown, used or expired. Please walk in anew from the store.")
		return
	}
	who := member{}
	for _, p := range n.API.Persons(area) {
		if p.ID == visits[before].User {
			who = member{ID: amsbridge.UserID(p.ID), Name: p.FirstName + " " + p.LastName}
		}
	}
	n.signIn(w, r, who)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// discarded is an answer that nobody sees: the sandbox's own page, in whose
// place ours stands.
type discarded struct{}

func (discarded) Header() http.Header         { return http.Header{} }
func (discarded) Write(b []byte) (int, error) { return len(b), nil }
func (discarded) WriteHeader(int)             {}

func (n *Notified) lines() (calls []call) {
	for _, c := range n.API.Journal() {
		what := "opcode " + c.OpCodes
		if len(c.AddOns) > 0 {
			var keys []string
			for _, k := range c.AddOns {
				keys = append(keys, strconv.FormatInt(k, 10))
			}
			what += ", add-ons " + strings.Join(keys, ", ")
		}
		answer := "status " + c.Status
		if c.Status == "" {
			answer = c.Fault.String()
		}
		calls = append(calls, call{c.Seq, c.Time, c.User, what, answer, c.Effect, c.Repeat})
	}
	return calls
}
