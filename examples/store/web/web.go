// Package web writes the example's pages: those of the shop, and those of the
// platforms beside it. All of them work without JavaScript.
package web

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed base.css
var base embed.FS

// Site is the templates and assets of one site.
type Site struct {
	templates *template.Template
	css       []byte
	assets    fs.FS
}

// New reads a site from a folder: its templates from pages/*.html, its pictures
// and style sheets from assets. The style sheets that are named come after the
// base, in their order.
func New(files fs.FS, styles ...string) (*Site, error) {
	t, err := template.ParseFS(files, "pages/*.html")
	if err != nil {
		return nil, err
	}
	s := &Site{templates: t}
	if s.assets, err = fs.Sub(files, "assets"); err != nil {
		return nil, err
	}
	if s.css, err = base.ReadFile("base.css"); err != nil {
		return nil, err
	}
	for _, name := range styles {
		more, err := fs.ReadFile(s.assets, name)
		if err != nil {
			return nil, err
		}
		s.css = append(s.css, more...)
	}
	return s, nil
}

// Template returns one of the templates, for who writes the page themselves.
func (s *Site) Template(name string) *template.Template { return s.templates.Lookup(name) }

// Show writes a page, whole or not at all. All texts in it are inert.
func (s *Site) Show(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := s.templates.ExecuteTemplate(&b, name, data); err != nil {
		slog.Error("a page failed", "page", name, "error", err)
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(inert(b.Bytes())) // the reader may be gone
}

// Style serves the style sheet.
func (s *Site) Style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(s.css) // the reader may be gone
}

// Asset serves the picture that the path's last part names.
func (s *Site) Asset(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	body, err := fs.ReadFile(s.assets, name)
	if err != nil || path.Ext(name) != ".svg" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(".svg"))
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(body) // the reader may be gone
}

// Watch has the browser load the page again after so many seconds, where the
// reader asked for that.
func Watch(w http.ResponseWriter, seconds int) { w.Header().Set("Refresh", strconv.Itoa(seconds)) }

// Secured sets the headers of every answer, those of the router itself included.
// Origins are where forms may lead besides this one, redirects included.
func Secured(next http.Handler, origins ...string) http.Handler {
	policy := "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action " +
		strings.Join(append([]string{"'self'"}, origins...), " ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
