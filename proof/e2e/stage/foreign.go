package stage

import (
	"html/template"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Foreign is somebody else's site: its pages lie under another host name than
// the store's, which to a browser is another site.
type Foreign struct {
	// URL has no slash at its end.
	URL string

	server *http.Server
	mu     sync.Mutex
	pages  map[string]foreignPage
}

type foreignPage struct {
	policy, html string
}

// NewForeign serves the site until Close.
func NewForeign() (*Foreign, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, err
	}
	f := &Foreign{URL: "http://localhost:" + port, pages: map[string]foreignPage{}}
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = f.server.Serve(listener) }() // ends when the server is closed
	return f, nil
}

// Close ends the site.
func (f *Foreign) Close() error { return f.server.Close() }

// ServeHTTP serves the pages that were put up.
func (f *Foreign) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	p, ok := f.pages[r.URL.Path]
	f.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if p.policy != "" {
		w.Header().Set("Content-Security-Policy", p.policy)
	}
	switch {
	case ok:
		_, _ = w.Write([]byte(p.html)) // the reader may be gone
	case r.URL.Path == "/favicon.ico":
		w.WriteHeader(http.StatusNoContent)
	default:
		http.NotFound(w, r)
	}
}

func (f *Foreign) put(path, policy, html string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pages[path] = foreignPage{policy, html}
	return f.URL + path
}

var around = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><head><title>{{.Title}}</title></head><body><main><h1>{{.Title}}</h1>
{{with .Link}}<p><a href="{{.}}">Buy the course</a></p>{{end}}
{{with .Form}}<form method="post" action="{{.Action}}">{{range .Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}<button>Send it again</button></form>{{end}}
</main></body></html>`))

type field struct{ Name, Value string }

type form struct {
	Action string
	Fields []field
}

// Linking puts up a page with the link "Buy the course".
func (f *Foreign) Linking(to string) (string, error) {
	return f.page("/link", map[string]any{"Title": "A blog", "Link": to, "Form": nil})
}

// Thief puts up a page with the button "Send it again", which posts a form that
// was seen before.
func (f *Foreign) Thief(action, body string) (string, error) {
	values, err := url.ParseQuery(body)
	if err != nil {
		return "", err
	}
	again := form{Action: action}
	for name, all := range values {
		for _, value := range all {
			again.Fields = append(again.Fields, field{name, value})
		}
	}
	return f.page("/thief", map[string]any{"Title": "A thief", "Link": "", "Form": again})
}

func (f *Foreign) page(path string, data any) (string, error) {
	var b strings.Builder
	if err := around.Execute(&b, data); err != nil {
		return "", err
	}
	return f.put(path, "", b.String()), nil
}

// Broken puts up two pages that break every rule that the watch keeps. The
// second has a token in its address, and the link "On" sends it along to a page
// of another site.
func (f *Foreign) Broken() (first, second string) {
	first = f.put("/broken", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'", `<!DOCTYPE html>
<html><head><title>Broken</title><style>a{outline:0 !important} .wide{width:3000px}</style></head><body>
<script>alert("forbidden")</script>
<h1>Broken</h1><img src="/missing.png"><p class="wide" style="color:#ddd;background:#fff">Hard to read</p>
<a href="/link">No focus</a><a href="/link" tabindex="-1">No way by keyboard</a></body></html>`)
	// The same server, under the host name that the store has: another site.
	onward := strings.Replace(f.URL, "localhost", "127.0.0.1", 1) + "/link"
	f.put("/link", "", `<!DOCTYPE html><html lang="en"><head><title>On</title></head><body><main><h1>On</h1></main></body></html>`)
	f.put("/leak", "", `<!DOCTYPE html>
<html lang="en"><head><title>Leak</title><meta name="referrer" content="unsafe-url"></head><body><main><h1>Leak</h1>
<a href="`+onward+`">On</a><script>console.error("an error")</script></main></body></html>`)
	const token = "eyJhbGciOiJub25lIn0AAAA.eyJzdWIiOiJub2JvZHkifQ.bm90LWEtc2lnbmF0dXJl" // nobody's
	return first, f.URL + "/leak?token=" + token
}
