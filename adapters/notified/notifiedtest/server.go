package notifiedtest

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/amsbridge/amsbridge/internal/faults"
)

// Server is the sandbox. It is safe for concurrent use. Calls are carried out one at a time, except as
// [Config.UpsertDelay] says. Make one with [New].
type Server struct {
	cfg     Config
	shows   map[int64]Show
	opCodes map[rune]opCode

	mu sync.Mutex
	state
}

// state is everything that Reset clears.
type state struct {
	plan  *faults.Plan
	calls []*Call
	keys  map[string]bool // keys of calls so far

	people        []*person
	byID, byEmail map[lookUp][]*person // in the order of their keys
	lastPerson    int64

	registrations    []*registration
	byShow           map[personAtShow][]*registration
	lastRegistration int64

	attendeeTypes map[typeOfArea]int64 // their keys

	tickets map[string]*ticket
	visits  []Visit
	ledger  []Effect
}

func newState() state {
	return state{
		plan: &faults.Plan{}, keys: map[string]bool{},
		byID: map[lookUp][]*person{}, byEmail: map[lookUp][]*person{},
		byShow: map[personAtShow][]*registration{}, tickets: map[string]*ticket{}, attendeeTypes: map[typeOfArea]int64{},
	}
}

// New returns a sandbox, or an [*amsbridge.InputError] that names the first bad
// field. The slices of cfg must not be changed afterwards.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, shows: map[int64]Show{}, opCodes: newOpCodes(cfg.Names), state: newState()}
	for _, show := range cfg.Shows {
		s.shows[show.Key] = show
	}
	return s, nil
}

// Reset clears journal, ledger, visits, persons, registrations, tickets and planned faults. A call that is
// still running may leave a person afterwards.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.people {
		p.gone = true
	}
	s.state = newState()
}

// ServeHTTP answers one call, or the visit of a browser that brings a login ticket. Errors of the API
// come as HTTP 200, like the platform's. A path that does not end in /scripts/Server.nxp is 404 and a
// method other than GET and POST 405; these two are not in the journal.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !strings.HasSuffix(r.URL.Path, "/scripts/Server.nxp"):
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	case isVisit(r):
		s.visit(w, r)
		return
	}
	q, key := s.read(r), r.Header.Get("Amsbridge-Key")
	fault := s.faultPlan().TakeFor(faults.Call{Key: key, User: s.about(q)})
	c := s.begin(Call{
		Time: s.cfg.Now(), Method: r.Method, Key: key, OpCodes: s.shownOpCodes(q), User: q.params["ExternalUserID"],
		Fault: fault.Kind, Violations: q.violations,
	})
	if q.module != moduleOpCodes {
		c.Module = q.module
	}
	fault.Serve(w, r, func(w http.ResponseWriter, _ *http.Request) {
		kind, body := s.carryOut(q, c)
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body) // the caller may be gone
	})
}

// about returns the ID of the person whom a call is about: the one in the call, or that of the person
// with its e-mail address.
func (s *Server) about(q request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if area, ok := s.area(q.params); ok && q.params["ExternalUserID"] == "" {
		if found := s.asked(area, q.params); len(found) > 0 {
			return found[0].ID
		}
	}
	return q.params["ExternalUserID"]
}

// carryOut carries the call out and returns the answer.
func (s *Server) carryOut(q request, c *Call) (contentType, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answerTo(q, c)
	c.Status = a.status()
	return s.cfg.encode(a, q.params["OutputFormat"])
}
