package elevatetest

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/gorilla/mux"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
	"github.com/amsbridge/amsbridge/internal/apiclient"
)

// maxBody is the longest accepted body of a call, in bytes.
const maxBody = 64 << 10

// Server is the sandbox. It keeps everything in memory until [Server.Reset], and is safe for concurrent
// use. Release all holds before closing an httptest.Server around it.
type Server struct {
	cfg    Config
	router *mux.Router

	mu       sync.Mutex
	products products
	state
}

// New returns a sandbox, or an [*amsbridge.InputError] that names the bad field.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	all, err := newProducts(cfg.Products)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, products: all, router: mux.NewRouter(), state: newState()}
	s.router.HandleFunc(cfg.Path, s.serveRegistration) // all methods, so that the journal shows wrong ones too
	if cfg.ReportProfile != nil {
		s.router.HandleFunc(reportPath, s.serveReport)
	}
	s.router.HandleFunc(productPath+"{slug}", s.serveProduct).Methods(http.MethodGet, http.MethodHead)
	return s, nil
}

// ServeHTTP serves the Registration API, the Report API if it is configured, and the product pages.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

func (s *Server) serveRegistration(w http.ResponseWriter, r *http.Request) {
	in := s.read(w, r)
	fault, call := s.open(r.Header.Get(apiclient.KeyHeader), in)
	noted := &statusRecorder{ResponseWriter: w, record: func(status int) { s.note(func() { call.Status = status }) }}
	fault.Serve(noted, r, func(w http.ResponseWriter, r *http.Request) {
		product, no := Product{}, in.refusal
		if no == nil {
			product, no = s.find(in.product)
		}
		if no != nil {
			s.note(func() { call.Refusal = no.text })
			s.answer(w, *no)
			return
		}
		link := s.productURL(r, product)
		s.register(call, in, link)
		s.answer(w, answer{status: http.StatusOK, url: link})
	})
}

// note changes a call in the journal.
func (s *Server) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// answer is the answer to a call.
type answer struct {
	status int
	allow  string
	text   string // the error's text; empty on success
	url    string
}

func (s *Server) answer(w http.ResponseWriter, a answer) {
	p, o := s.cfg.Profile, map[string]any{}
	if len(p.Success) > 0 {
		fieldpath.Set(o, p.Success[0], a.text == "")
	}
	if a.text != "" && len(p.Errors) > 0 {
		fieldpath.Set(o, p.Errors[0], a.text)
	}
	if a.url != "" {
		fieldpath.Set(o, p.ProductURL, a.url)
	}
	if a.status == http.StatusUnauthorized && p.Auth == elevate.AuthBasic {
		w.Header().Set("WWW-Authenticate", `Basic realm="sandbox"`)
	}
	a.write(w, o)
}

// write sends the answer with this body.
func (a answer) write(w http.ResponseWriter, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		a.status = http.StatusInternalServerError
	}
	if a.allow != "" {
		w.Header().Set("Allow", a.allow)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(text) // the caller may be gone
}

// statusRecorder records the status before the caller can see it.
type statusRecorder struct {
	http.ResponseWriter
	record func(status int)
}

// WriteHeader records the status and passes it on.
func (s *statusRecorder) WriteHeader(status int) {
	s.record(status)
	s.ResponseWriter.WriteHeader(status)
}

// Flush sends what was written so far, for an answer that is cut in half.
func (s *statusRecorder) Flush() {
	if f, ok := s.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}
