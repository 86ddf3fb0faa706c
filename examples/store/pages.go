package main

import (
	"bytes"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
)

//go:embed web
var web embed.FS

// pages are the templates, for the shop and the sandboxes.
type pages struct {
	templates *template.Template
	css       []byte
}

// page is what every template is given.
type page struct {
	Title string
	// Refresh has the browser load the page again after so many seconds. Zero
	// for not at all.
	Refresh int
	// Shop is set on the shop's own pages, for the menu.
	Shop *menu
	Body any
}

// menu is the head of the shop's pages.
type menu struct {
	Member   string // empty while nobody is signed in
	InCart   int
	Elevate  string
	Notified string
}

func newPages() (*pages, error) {
	t, err := template.ParseFS(web, "web/*.html")
	if err != nil {
		return nil, err
	}
	css, err := web.ReadFile("web/style.css")
	return &pages{t, css}, err
}

// show writes a page, whole or not at all.
func (p *pages) show(w http.ResponseWriter, status int, name string, data page) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		slog.Error("a page failed", "page", name, "error", err)
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader may be gone
}

// problem shows one sentence.
func (p *pages) problem(w http.ResponseWriter, status int, text string) {
	p.show(w, status, "problem.html", page{Title: http.StatusText(status), Body: text})
}

func (p *pages) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(p.css) // the reader may be gone
}

// secured sets the headers of every answer, those of the router itself
// included. formTargets are the origins, besides this one, that forms may be
// sent to.
func secured(next http.Handler, formTargets ...string) http.Handler {
	policy := "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
	for _, origin := range formTargets {
		policy += " " + origin
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
