// Package render writes the pages that members see for a moment, each with a Content-Security-Policy
// that allows only what the page itself holds.
package render

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the template
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/pages"
)

//go:embed page.html
var pageTemplate string

// pageStyle follows the reader's light or dark setting. Colours have a contrast
// of at least 7 to 1.
const pageStyle = `:root{color-scheme:light dark}` +
	`body{margin:0;font:1.125rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff}` +
	`main{max-width:34rem;margin:0 auto;padding:2rem 1rem;overflow-wrap:anywhere}` +
	`h1{font-size:1.5rem;line-height:1.25}` +
	`button{font:inherit;padding:.6rem 1.2rem;border:2px solid #0b4884;border-radius:.4rem;color:#fff;background:#0b4884;cursor:pointer}` +
	`a{color:#0b4884}` +
	`:focus-visible{outline:3px solid #b35900;outline-offset:2px}` +
	`@media (prefers-color-scheme:dark){body{color:#f0f0f0;background:#16181c}a{color:#9ecbff}` +
	`button{color:#0d1117;background:#9ecbff;border-color:#9ecbff}:focus-visible{outline-color:#ffb86b}}`

// submitScript submits the form where scripts run; elsewhere the member uses the button.
const submitScript = `document.getElementById("form").submit()`

// Renderer writes pages. It is safe for concurrent use.
type Renderer struct {
	cfg                  pages.Config
	template             *template.Template
	styleHash, scriptSum string
}

// New returns a renderer, or an error in the name of the package speaker that names the bad field of
// its Config.Pages.
func New(speaker string, cfg pages.Config) (*Renderer, error) {
	if cfg.Lang == "" {
		cfg.Lang = "en"
	}
	u, err := url.Parse(cfg.Stylesheet)
	switch {
	case check.Text(cfg.Lang, 35) != "":
		return nil, check.Bad(speaker, "Config.Pages.Lang", check.Text(cfg.Lang, 35))
	case cfg.Stylesheet != "" && (err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(cfg.Stylesheet, "/")):
		return nil, check.Bad(speaker, "Config.Pages.Stylesheet", "is not a path of the same origin")
	}
	p := &Renderer{cfg: cfg, template: cfg.Template, styleHash: cspHash(pageStyle), scriptSum: cspHash(submitScript)}
	if p.template == nil {
		if p.template, err = template.New("page").Parse(pageTemplate); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func cspHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Write writes a page, whole or not at all. With a form, which a person submits to ourselves, the browser tells
// our origin to ourselves alone: browsers without Fetch Metadata prove by nothing else that the form is ours.
func (p *Renderer) Write(w http.ResponseWriter, status int, page pages.Page) {
	referrer := "no-referrer"
	if page.Form != nil {
		referrer = "same-origin"
	}
	p.write(w, status, page, false, referrer)
}

// WriteForm writes a page whose form is submitted by a script. With tellOrigin the browser tells the form's
// receiver our origin, and nothing more of the page's URL: under no-referrer it would say "Origin: null"
// (Fetch, "append a request Origin header").
func (p *Renderer) WriteForm(w http.ResponseWriter, page pages.Page, tellOrigin bool) {
	referrer := "no-referrer"
	if tellOrigin {
		referrer = "strict-origin"
	}
	p.write(w, http.StatusOK, page, true, referrer)
}

func (p *Renderer) write(w http.ResponseWriter, status int, page pages.Page, autoSubmit bool, referrer string) {
	page.Lang, page.Stylesheet, page.Style = p.cfg.Lang, p.cfg.Stylesheet, pageStyle
	policy := "default-src 'none'; style-src " + p.styleHash
	if page.Stylesheet != "" {
		policy += " 'self'"
	}
	action := "'none'"
	if page.Form != nil {
		action = formTarget(page.Form.Action)
		if autoSubmit {
			page.Script = submitScript
			policy += "; script-src " + p.scriptSum
		}
	}
	policy += "; form-action " + action + "; base-uri 'none'; frame-ancestors 'none'"
	var b bytes.Buffer
	if err := p.template.Execute(&b, page); err != nil {
		slog.Error("amsbridge: a page's template failed", "page", page.Name, "error", err)
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	web.Private(h)
	h.Set("Referrer-Policy", referrer)
	if page.Refresh > 0 { // a header: screen readers announce a meta element's refresh
		h.Set("Refresh", strconv.Itoa(page.Refresh))
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader may be gone
}

// formTarget returns the form-action source of a form's URL.
func formTarget(action string) string {
	u, err := url.Parse(action)
	if err != nil || u.Host == "" {
		return "'self'"
	}
	return u.Scheme + "://" + u.Host
}
