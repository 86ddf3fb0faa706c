package elevatetest

import (
	"html/template"
	"net/http"

	"github.com/gorilla/mux"
)

const productPath = "/products/"

var page = template.Must(template.New("product").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{{.Title}}</title></head>
<body>
<h1>{{.Title}}</h1>
<p>Remote Product ID: {{.RemoteProductID}}</p>
{{if .Draft}}<p>This product is in Draft.</p>
{{else if .Closed}}<p>This product is closed for registration.</p>
{{end}}<p>This is a sandbox, not Elevate.</p>
</body>
</html>
`))

func (s *Server) serveProduct(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	p, ok := s.products.bySlug[mux.Vars(r)["slug"]]
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	_ = page.Execute(w, p) // the caller may be gone
}

// productURL returns the URL of a product's page, for the caller of r.
func (s *Server) productURL(r *http.Request, p Product) string {
	base := s.cfg.BaseURL
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	return base + productPath + p.Slug
}
