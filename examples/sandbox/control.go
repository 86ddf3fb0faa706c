package main

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io"
	"log/slog"
	"net/http"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

//go:embed web
var web embed.FS

// maxForm is the longest form that is read, in bytes: a whole script, each of
// its characters escaped.
const maxForm = 3*(256<<10) + 1<<10

// control is the page from which both platforms are watched and broken.
type control struct {
	platforms *sandboxes
	weather   map[string]*weather // by platform
	template  *template.Template
	css       []byte
}

// The platforms, as forms and addresses name them.
const (
	atElevate  = "elevate"
	atNotified = "notified"
	atReports  = "reports" // Elevate's Report API, which has weather of its own
)

func newControl(s *sandboxes) (*control, error) {
	c := &control{platforms: s, weather: map[string]*weather{
		atElevate: {follow: s.learning.Follow, presets: presets(elevatetest.Fault{Kind: elevatetest.Unauthorized})},
		atReports: {follow: s.learning.FollowReports, presets: presets(elevatetest.Fault{Kind: elevatetest.Unauthorized})},
		// Notified refuses credentials with HTTP 200.
		atNotified: {follow: s.events.Follow, presets: presets(elevatetest.Fault{
			Kind: elevatetest.Reply, ContentType: "text/xml; charset=utf-8",
			Body: `<?xml version="1.0" encoding="utf-8" ?>` + "\n" + `<CallFailed Diag="Invalid API Credentials Supplied!"/>`,
		})},
	}}
	var err error
	if c.template, err = template.ParseFS(web, "web/page.html"); err != nil {
		return nil, err
	}
	if c.css, err = web.ReadFile("web/style.css"); err != nil {
		return nil, err
	}
	return c, c.behave()
}

// handler serves both APIs and the page. The page and the journals are refused
// under a foreign host name unless public is set.
func (c *control) handler(public bool) http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { c.show(w, r, http.StatusOK, problem{}) })
	pages.HandleFunc("GET /style.css", c.style)
	pages.HandleFunc("GET /journal/elevate.jsonl", journal(c.platforms.learning.WriteJournal))
	pages.HandleFunc("GET /journal/notified.jsonl", journal(c.platforms.events.WriteJournal))
	pages.HandleFunc("POST /weather", c.changeWeather)
	pages.HandleFunc("POST /script", c.changeScript)
	pages.HandleFunc("POST /reset", c.reset)
	guarded := http.NewCrossOriginProtection().Handler(pages)
	if !public {
		guarded = addressed(guarded)
	}

	all := http.NewServeMux()
	all.Handle("/", guarded)
	all.Handle(registrationPath, c.platforms.learning)
	all.Handle(reportPath, c.platforms.learning)
	all.Handle(productPath, c.platforms.learning)
	all.Handle(notifiedPath, c.platforms.events)
	return secured(all)
}

// secured sets the headers of every answer. Product pages set a policy of their
// own.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
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

func (c *control) changeWeather(w http.ResponseWriter, r *http.Request) {
	c.change(w, r, false, func(at *weather) error { return at.setPreset(r.PostFormValue("weather"), r.PostFormValue("seed")) })
}

func (c *control) changeScript(w http.ResponseWriter, r *http.Request) {
	c.change(w, r, true, func(at *weather) error { return at.setScript(r.PostFormValue("script")) })
}

// change applies a form to the platform that it names, and shows the page again
// with what was typed where it cannot.
func (c *control) change(w http.ResponseWriter, r *http.Request, inScript bool, apply func(*weather) error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "This form cannot be read.", http.StatusBadRequest)
		return
	}
	name := r.PostFormValue("platform")
	at, ok := c.weather[name]
	if !ok {
		http.Error(w, "The form names no platform.", http.StatusBadRequest)
		return
	}
	if err := apply(at); err != nil {
		c.show(w, r, http.StatusBadRequest, problem{name, inert(plain(err), 400), inScript, r.PostFormValue("script")})
		return
	}
	http.Redirect(w, r, "/#"+name, http.StatusSeeOther)
}

// plain is an error without the package's name before it.
func plain(err error) string {
	if wrong, ok := errors.AsType[*amsbridge.InputError](err); ok {
		return wrong.Field + " " + wrong.Problem
	}
	return err.Error()
}

func (c *control) reset(w http.ResponseWriter, r *http.Request) {
	if err := errors.Join(c.platforms.reset(), c.behave()); err != nil {
		failed(w, "the reset", err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// behave makes the weather fine.
func (c *control) behave() error {
	var errs []error
	for _, at := range c.weather {
		errs = append(errs, at.setPreset("fine", ""))
	}
	return errors.Join(errs...)
}

// show writes the page, whole or not at all.
func (c *control) show(w http.ResponseWriter, r *http.Request, status int, wrong problem) {
	v, err := c.view(r.Method == http.MethodGet && r.URL.Query().Get("watch") == "1", wrong)
	var b bytes.Buffer
	if err = errors.Join(err, c.template.Execute(&b, v)); err != nil {
		failed(w, "the page", err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader may be gone
}

func (c *control) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(c.css) // the reader may be gone
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
