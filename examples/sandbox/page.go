package main

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io"
	"log/slog"
	"net/http"

	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/examples/internal/server"
)

//go:embed web
var web embed.FS

// maxForm is the longest form that is read, in bytes: a whole script, each of
// its characters escaped.
const maxForm = 3*(256<<10) + 1<<10

// page is where both platforms are watched and broken.
type page struct {
	platforms *sandboxes
	faults    map[string]*faults // by platform
	template  *template.Template
	css       []byte
}

// The platforms, as forms and addresses name them.
const (
	atElevate  = "elevate"
	atNotified = "notified"
	atReports  = "reports" // Elevate's Report API, which has faults of its own
)

func newPage(s *sandboxes) (*page, error) {
	unauthorized := elevatetest.Fault{Kind: elevatetest.Unauthorized}
	p := &page{platforms: s, faults: map[string]*faults{
		atElevate: {follow: s.elevate.Follow, presets: presets(unauthorized)},
		atReports: {follow: s.elevate.FollowReports, presets: presets(unauthorized)},
		// Notified refuses credentials with HTTP 200.
		atNotified: {follow: s.notified.Follow, presets: presets(elevatetest.Fault{
			Kind: elevatetest.Reply, ContentType: "text/xml; charset=utf-8",
			Body: `<?xml version="1.0" encoding="utf-8" ?>` + "\n" +
				`<CallFailed Diag="Invalid API Credentials Supplied!"/>`,
		})},
	}}
	var err error
	if p.template, err = template.ParseFS(web, "web/page.html"); err != nil {
		return nil, err
	}
	if p.css, err = web.ReadFile("web/style.css"); err != nil {
		return nil, err
	}
	return p, p.behave()
}

// handler serves both APIs and the page. The page and the journals are refused
// under a foreign host name unless public is set.
func (p *page) handler(public bool) http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		p.show(w, r, http.StatusOK, problem{})
	})
	pages.HandleFunc("GET /style.css", p.style)
	pages.HandleFunc("GET /journal/elevate.jsonl", journal(p.platforms.elevate.WriteJournal))
	pages.HandleFunc("GET /journal/notified.jsonl", journal(p.platforms.notified.WriteJournal))
	pages.HandleFunc("POST /faults", p.changePreset)
	pages.HandleFunc("POST /script", p.changeScript)
	pages.HandleFunc("POST /reset", p.reset)
	guarded := http.NewCrossOriginProtection().Handler(pages)
	if !public {
		guarded = server.Addressed(guarded)
	}

	all := http.NewServeMux()
	all.Handle("/", guarded)
	learning, events := server.Patient(p.platforms.elevate), server.Patient(p.platforms.notified)
	all.Handle(registrationPath, learning)
	all.Handle(reportPath, learning)
	all.Handle(productPath, learning)
	all.Handle(notifiedPath, events)
	return secured(all)
}

// secured sets the headers of every answer. Product pages set a policy of their
// own.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; "+
			"base-uri 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// problem is a form that was not taken.
type problem struct {
	Platform string
	Text     string
	InScript bool   // the form was the script's
	Script   string // as it was typed
}

func (p *page) changePreset(w http.ResponseWriter, r *http.Request) {
	p.change(w, r, false, func(f *faults) error {
		return f.setPreset(r.PostFormValue("preset"), r.PostFormValue("seed"))
	})
}

func (p *page) changeScript(w http.ResponseWriter, r *http.Request) {
	p.change(w, r, true, func(f *faults) error { return f.setScript(r.PostFormValue("script")) })
}

// change applies a form to the platform that it names, and shows the page again
// with what was typed where it cannot.
func (p *page) change(w http.ResponseWriter, r *http.Request, inScript bool, apply func(*faults) error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "This form cannot be read.", http.StatusBadRequest)
		return
	}
	name := r.PostFormValue("platform")
	f, ok := p.faults[name]
	if !ok {
		http.Error(w, "The form names no platform.", http.StatusBadRequest)
		return
	}
	if err := apply(f); err != nil {
		text := inert(withoutPackage(err), 400)
		p.show(w, r, http.StatusBadRequest, problem{name, text, inScript, r.PostFormValue("script")})
		return
	}
	http.Redirect(w, r, "/#"+name, http.StatusSeeOther)
}

func (p *page) reset(w http.ResponseWriter, r *http.Request) {
	if err := errors.Join(p.platforms.reset(), p.behave()); err != nil {
		failed(w, "the reset", err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// behave ends all faults.
func (p *page) behave() error {
	var errs []error
	for _, f := range p.faults {
		errs = append(errs, f.setPreset(noFaults, ""))
	}
	return errors.Join(errs...)
}

// show writes the page, whole or not at all.
func (p *page) show(w http.ResponseWriter, r *http.Request, status int, wrong problem) {
	v, err := p.view(r.Method == http.MethodGet && r.URL.Query().Get("watch") == "1", wrong)
	var b bytes.Buffer
	if err = errors.Join(err, p.template.Execute(&b, v)); err != nil {
		failed(w, "the page", err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader may be gone
}

func (p *page) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(p.css) // the reader may be gone
}

// journal serves a sandbox's journal, a JSON object in each line.
func journal(write func(io.Writer) error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			failed(w, "a journal", err)
			return
		}
		w.Header().Set("Content-Type", "application/jsonl; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(b.Bytes()) // the reader may be gone
	}
}

func failed(w http.ResponseWriter, what string, err error) {
	slog.Error(what+" failed", "error", err)
	http.Error(w, "Something went wrong.", http.StatusInternalServerError)
}
