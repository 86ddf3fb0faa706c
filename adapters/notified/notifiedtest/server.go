package notifiedtest

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/adapters/internal/faults"
)

// Server is the sandbox. It is safe for concurrent use; calls are carried out
// one at a time. Make one with [New].
type Server struct {
	cfg   Config
	shows map[int64]Show

	mu sync.Mutex
	state
}

// state is all that Reset forgets.
type state struct {
	plan          *faults.Plan
	users         map[place]User
	registrations map[seat]registration
	calls         []*Call
	keys          map[string]bool // of the calls
}

func newState() state {
	return state{
		plan: &faults.Plan{}, users: map[place]User{}, registrations: map[seat]registration{}, keys: map[string]bool{},
	}
}

// New returns a sandbox, or an [*amsbridge.InputError] that names the first bad
// field. The slices of cfg must not be changed afterwards.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{cfg: cfg, shows: map[int64]Show{}, state: newState()}
	for _, show := range cfg.Shows {
		s.shows[show.Key] = show
	}
	return s, nil
}

// Reset forgets journal, users, registrations and planned faults. A call that is
// under way may still leave its add-ons.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = newState()
}

// ServeHTTP answers one call. Errors of the API come as HTTP 200, as the
// platform's do; a path that does not end in /scripts/Server.nxp is 404 and a
// method other than GET and POST 405. Those two are not in the journal.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !strings.HasSuffix(r.URL.Path, "/scripts/Server.nxp"):
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	q, fault := read(r), s.faultPlan().Take()
	c := s.begin(Call{
		Time: s.cfg.Now(), Method: r.Method, Key: r.Header.Get("Amsbridge-Key"), OpCodes: q.params["OpCodeList"],
		User: q.params["ExternalUserID"], Fault: fault.Kind, Violations: q.violations,
	})
	fault.Serve(w, r, func(w http.ResponseWriter, _ *http.Request) {
		kind, body := s.carryOut(q, c)
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body) // the caller may be gone
	})
}

// carryOut changes what the call asks for and returns the answer.
func (s *Server) carryOut(q request, c *Call) (contentType, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answerTo(q, c)
	c.Status = a.status()
	return a.encode(q.params["OutputFormat"], s.cfg.CurlyQuotes)
}
