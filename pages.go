package amsbridge

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the template
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
)

//go:embed pages/page.html
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

// submitScript spares a click where scripts run; the button serves where not.
const submitScript = `document.getElementById("form").submit()`

// PageConfig says how the pages look that members see for a moment: on the way
// to a platform, while a registration is not finished, before a cart changes.
// They work without JavaScript.
type PageConfig struct {
	// Lang is the language of the pages' texts, which are English. Defaults to
	// "en".
	Lang string
	// Stylesheet is the path of a style sheet of the shop's own, such as
	// "/shop.css"; the Content-Security-Policy allows those of the same origin.
	// Defaults to none.
	Stylesheet string
	// Template writes whole pages in the shop's own look. It is executed with a
	// [Page], whose Style and Script are the only ones inline that the
	// Content-Security-Policy allows. It allows no images: a logo is inline SVG.
	// Defaults to a plain page.
	Template *template.Template
}

// Page is what a page's template is given.
type Page struct {
	// Name says which page it is: "handoff", "waiting", "problem", "signout",
	// "cart", "onward".
	Name string
	// Lang and Stylesheet are those of the [PageConfig].
	Lang, Stylesheet string
	Title            string
	// Text is a list of paragraphs.
	Text []string
	// Refresh is after how many seconds the page loads itself again, or zero. It
	// goes as a header.
	Refresh int
	// Next is where the page goes on by itself, at once: a path of this site, or
	// empty.
	Next string
	// Form is sent by its button, or nil.
	Form *PageForm
	// Links lead on.
	Links []PageLink
	// Style is the default style. Script is empty, or sends the form.
	Style  template.CSS
	Script template.JS
}

// PageForm is a form of hidden fields and a button, sent by POST.
type PageForm struct {
	Action string
	Fields []PageField
	Button string
}

// PageField is a hidden field.
type PageField struct{ Name, Value string }

// PageLink is a link of a page.
type PageLink struct{ URL, Text string }

// pages writes pages.
type pages struct {
	cfg                  PageConfig
	template             *template.Template
	styleHash, scriptSum string
}

// newPages returns the pages, or an [*InputError] that names the bad field.
func newPages(cfg PageConfig) (*pages, error) {
	if cfg.Lang == "" {
		cfg.Lang = "en"
	}
	u, err := url.Parse(cfg.Stylesheet)
	switch {
	case textProblem(cfg.Lang, 35) != "":
		return nil, check.Bad("amsbridge", "pages.lang", textProblem(cfg.Lang, 35))
	case cfg.Stylesheet != "" && (err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(cfg.Stylesheet, "/")):
		return nil, check.Bad("amsbridge", "pages.stylesheet", "is not a path of the same origin")
	}
	p := &pages{cfg: cfg, template: cfg.Template, styleHash: cspHash(pageStyle), scriptSum: cspHash(submitScript)}
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

// write writes a page, whole or not at all. A form with autoSubmit sends
// itself where scripts run.
func (p *pages) write(w http.ResponseWriter, status int, page Page, autoSubmit bool) {
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
	closed(h)
	if page.Refresh > 0 { // a header, since readers are told of a meta element's
		h.Set("Refresh", strconv.Itoa(page.Refresh))
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader may be gone
}

// formTarget is the source that a form may be sent to.
func formTarget(action string) string {
	u, err := url.Parse(action)
	if err != nil || u.Host == "" {
		return "'self'"
	}
	return u.Scheme + "://" + u.Host
}

// closed sets what every answer has that is meant for one person alone.
func closed(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("X-Robots-Tag", "noindex")
}
