package servers

import (
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
)

// ForeignSite is somebody else's site: its pages lie under another host name
// than the store's, which to a browser is another site.
type ForeignSite struct {
	server *httptest.Server
	mu     sync.Mutex
	pages  map[string]string // HTML by path
}

// NewForeignSite serves the site until Close.
func NewForeignSite() *ForeignSite {
	f := &ForeignSite{pages: map[string]string{}}
	f.server = httptest.NewServer(f)
	return f
}

// Close ends the site.
func (f *ForeignSite) Close() { f.server.Close() }

// ServeHTTP serves the pages that were published.
func (f *ForeignSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	html, ok := f.pages[r.URL.Path]
	f.mu.Unlock()
	switch {
	case ok:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, html) // the reader may be gone
	case r.URL.Path == "/favicon.ico":
		w.WriteHeader(http.StatusNoContent)
	default:
		http.NotFound(w, r)
	}
}

// url is a page's address under the foreign host name.
func (f *ForeignSite) url(path string) string {
	return strings.Replace(f.server.URL, "127.0.0.1", "localhost", 1) + path
}

func (f *ForeignSite) publish(path, html string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pages[path] = html
	return f.url(path)
}

// LinkTo publishes a page with the link "Buy the course".
func (f *ForeignSite) LinkTo(address string) string {
	return f.publish("/link", `<!DOCTYPE html>
<html lang="en"><head><title>A blog</title></head><body><main><h1>A blog</h1>
<p><a href="`+template.HTMLEscapeString(address)+`">Buy the course</a></p></main></body></html>`)
}

var replayPage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><head><title>A thief</title></head><body><main><h1>A thief</h1>
<form method="post" action="{{.Action}}">
{{range $name, $values := .Fields}}{{range $values}}
<input type="hidden" name="{{$name}}" value="{{.}}">
{{end}}{{end}}
<button>Send it again</button></form></main></body></html>`))

// Replay publishes a page with the button "Send it again", which posts a form
// that was seen before.
func (f *ForeignSite) Replay(action, body string) (string, error) {
	fields, err := url.ParseQuery(body)
	if err != nil {
		return "", err
	}
	var page strings.Builder
	err = replayPage.Execute(&page, map[string]any{"Action": action, "Fields": fields})
	return f.publish("/replay", page.String()), err
}

// Broken publishes two pages that break every rule which the recorder knows. The
// second has a token in its address, and the link "On" sends it along to a page
// of another site.
func (f *ForeignSite) Broken() (first, second string) {
	first = f.publish("/broken", `<!DOCTYPE html>
<html><head>
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src 'self'">
<title>Broken</title><style>a{outline:0 !important} .wide{width:3000px}</style></head><body>
<script>alert("forbidden")</script>
<h1>Broken</h1><img src="/missing.png"><p class="wide" style="color:#ddd;background:#fff">Hard to read</p>
<a href="/on">No focus</a><a href="/on" tabindex="-1">No way by keyboard</a></body></html>`)
	f.publish("/on", `<!DOCTYPE html>
<html lang="en"><head><title>On</title></head><body><main><h1>On</h1></main></body></html>`)
	f.publish("/leak", `<!DOCTYPE html>
<html lang="en"><head><title>Leak</title><meta name="referrer" content="unsafe-url"></head>
<body><main><h1>Leak</h1>
<a href="`+f.server.URL+`/on">On</a><script>console.error("an error")</script></main></body></html>`)
	const token = "eyJhbGciOiJub25lIn0AAAA.eyJzdWIiOiJub2JvZHkifQ.bm90LWEtc2lnbmF0dXJl" // nobody's
	return first, f.url("/leak?token=" + token)
}
