package platforms

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/examples/internal/server"
	"github.com/amsbridge/amsbridge/examples/store/web"
)

// site is what both sandboxes have: pages, a fault preset, and a session for each
// member.
type site struct {
	// Name is the platform's, and URL where its sandbox is, without a slash at its
	// end.
	Name, URL string
	web       *web.Site
	faults    faults
	sessions  web.Sessions[member]
	server    *http.Server
	log       *slog.Logger
	calls     func() []call
	journal   func(io.Writer) error
	toStore   atomic.Pointer[links]

	arriving sync.Mutex
	arrived  []amsbridge.UserID
}

// links lead to the shop. Staff type them in.
type links struct {
	// Store is the shop's front page, and SignIn begins a hand-off.
	Store, SignIn string
	// Registration are the registration URLs, by Remote Product ID.
	Registration map[string]string
}

// links are none before SetUp is called.
func (s *site) links() links {
	if l := s.toStore.Load(); l != nil {
		return *l
	}
	return links{}
}

// view is what every template is given.
type view struct {
	Title    string
	At       string
	Platform string
	Member   member
	Faults   preset
	// SignIn leads to the shop and back to this page.
	SignIn, Store string
	Body          any
}

func (s *site) show(
	w http.ResponseWriter, r *http.Request, status int, name, title, signIn string, body any,
) {
	s.web.Show(w, status, name, view{
		Title: title, At: r.URL.Path, Platform: s.Name, Member: s.sessions.Of(r), Faults: s.faults.Current(),
		SignIn: signIn, Store: s.links().Store, Body: body,
	})
}

func (s *site) problem(w http.ResponseWriter, r *http.Request, status int, text string) {
	s.show(w, r, status, "problem.html", "That did not work", "", text)
}

// open reads the site's pages and takes its address.
func (s *site) open(addr, style string) (listen func(http.Handler), err error) {
	if s.web, err = web.New(files, style); err != nil {
		return nil, err
	}
	listener, err := web.Listen(addr)
	if err != nil {
		return nil, err
	}
	s.URL = "http://" + listener.Addr().String()
	return func(h http.Handler) {
		s.server = server.New(web.Secured(server.Addressed(h)))
		go func() { _ = s.server.Serve(listener) }() // ends when the server is closed
	}, nil
}

// router has the pages that both sandboxes have.
func (s *site) router() *mux.Router {
	r := mux.NewRouter()
	read := func(path string, h http.HandlerFunc) {
		r.HandleFunc(path, h).Methods(http.MethodGet, http.MethodHead)
	}
	read("/site.css", s.web.Style)
	read("/assets/{name}", s.web.Asset)
	read("/sandbox", s.sandbox)
	read("/sandbox/faults", s.showFaults)
	read("/sandbox/journal.jsonl", s.writeJournal)
	own := http.NewCrossOriginProtection() // forms of other sites change nothing
	own.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.problem(w, r, http.StatusForbidden, "This form came from another site. Nothing was changed.")
	}))
	change := func(path string, h http.HandlerFunc) {
		r.Handle(path, own.Handler(http.MaxBytesHandler(h, 16<<10))).Methods(http.MethodPost)
	}
	change("/sandbox/faults", s.setFaults)
	change("/sign-out", func(w http.ResponseWriter, r *http.Request) {
		s.sessions.End(w, r)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	r.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.problem(w, r, http.StatusNotFound, "There is no such page.")
	})
	return r
}

// call is a line in a sandbox's journal, as its page shows it.
type call struct {
	Seq                  int
	Time                 time.Time
	Person, What, Answer string
	Effect, Repeat       bool
}

// maxCalls is how many calls the page shows.
const maxCalls = 100

// sandbox shows what is behind the scenes: the switch, and what came in.
func (s *site) sandbox(w http.ResponseWriter, r *http.Request) {
	calls := s.calls()
	slices.Reverse(calls)
	watching := r.URL.Query().Get("watch") == "1"
	if watching {
		web.Watch(w, 2)
	}
	s.show(w, r, http.StatusOK, "sandbox.html", "Behind the scenes of "+s.Name, "", struct {
		Presets  []preset
		Watching bool
		Calls    []call
	}{s.faults.Presets, watching, calls[:min(len(calls), maxCalls)]})
}

// writeJournal writes the whole journal, one JSON object a line. It holds no
// name, e-mail address or credential.
func (s *site) writeJournal(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	if err := s.journal(&b); err != nil {
		s.problem(w, r, http.StatusInternalServerError, "The journal cannot be read.")
		return
	}
	w.Header().Set("Content-Type", "application/jsonl; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes()) // the reader may be gone
}
