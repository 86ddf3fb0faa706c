package record

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Request is a request that the browser sent.
type Request struct {
	Method, URL, Referer, Body string
}

// Message is a line of the browser's console or log.
type Message struct {
	// Level is "error", "warning" or another.
	Level, URL, Text string
}

// Recorder keeps what the browsers of one scenario did. It is safe for
// concurrent use.
type Recorder struct {
	mu        sync.Mutex
	requests  []Request
	responses []response
	messages  []Message
	tokens    map[string]bool   // hand-off tokens that were sent
	tickets   map[string]bool   // login tickets that were sent
	expected  map[response]bool // with paths for URLs
	said      []string          // parts of messages that are expected
	findings  []Finding         // found by other means
}

type response struct {
	url    string
	status int
}

// New returns a recorder of nothing.
func New() *Recorder {
	return &Recorder{tokens: map[string]bool{}, tickets: map[string]bool{}, expected: map[response]bool{}}
}

// Request keeps a request. The tokens in its body and its URL are looked for in
// all Referers and URLs, before and after.
func (r *Recorder) Request(q Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, q)
	for _, t := range append(tokens(q.Body), tokens(q.URL)...) {
		r.tokens[t] = true
	}
	if t := ticket(q.URL); t != "" {
		r.tickets[t] = true
	}
}

// Response keeps a response.
func (r *Recorder) Response(url string, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.responses = append(r.responses, response{url, status})
}

// ExpectStatus says that the scenario asks for a page which answers with that
// status, at that path.
func (r *Recorder) ExpectStatus(path string, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expected[response{path, status}] = true
}

// ExpectMessage says that the scenario does what the console reports in these words.
func (r *Recorder) ExpectMessage(part string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, part)
}

// Console keeps a line of the console.
func (r *Recorder) Console(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, m)
}

// Found keeps what was found by other means.
func (r *Recorder) Found(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.Where = address(f.Where)
	r.findings = append(r.findings, f)
}

// ServerLog reads what the shop and the sandboxes wrote to their log: no token,
// no ticket and no e-mail address may stand in it.
func (r *Recorder) ServerLog(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := func(what string) {
		f := Finding{Kind: Log, Where: "a server's log", Text: what + " stands in it"}
		r.findings = append(r.findings, f)
	}
	for t := range r.tokens {
		if holdsPart(text, t) {
			found("a part of a hand-off token")
		}
	}
	for t := range r.tickets {
		if strings.Contains(text, t) {
			found("a login ticket")
		}
	}
	if emailLike.MatchString(text) {
		found("an e-mail address")
	}
}

// HandOffs returns the posted forms that held a token, in their order.
func (r *Recorder) HandOffs() (forms []Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.requests {
		if q.Method == http.MethodPost && len(tokens(q.Body)) > 0 {
			forms = append(forms, q)
		}
	}
	return forms
}

// Referers counts the requests that named a page they came from.
func (r *Recorder) Referers() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.requests {
		if q.Referer != "" {
			n++
		}
	}
	return n
}

// Findings judges all that was kept. The same thing twice is one finding.
func (r *Recorder) Findings() []Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Clone(r.findings)
	for _, q := range r.requests {
		all = append(all, r.leaks(q)...)
	}
	for _, a := range r.responses {
		if a.status >= 400 && !r.isExpected(a) {
			text := fmt.Sprintf("answered %d", a.status)
			all = append(all, Finding{Kind: Response, Where: address(a.url), Text: text})
		}
	}
	for _, m := range r.messages {
		if !slices.ContainsFunc(r.said, func(part string) bool { return strings.Contains(m.Text, part) }) {
			all = append(all, judge(m)...)
		}
	}
	var once []Finding
	for _, f := range all {
		if !slices.Contains(once, f) {
			once = append(once, f)
		}
	}
	return once
}

func (r *Recorder) isExpected(a response) bool {
	u, err := url.Parse(a.url)
	return err == nil && r.expected[response{u.Path, a.status}]
}

// leaks returns what a request tells of tokens and tickets where it must not.
func (r *Recorder) leaks(q Request) (all []Finding) {
	found := func(k Kind, text string) {
		all = append(all, Finding{Kind: k, Where: address(q.URL), Text: text})
	}
	for t := range r.tokens {
		if holdsPart(q.Referer, t) {
			found(Referer, "a part of a hand-off token came in the Referer")
		}
		if holdsPart(q.URL, t) {
			found(URL, "a part of a hand-off token stands in the URL")
		}
	}
	for t := range r.tickets {
		if strings.Contains(q.Referer, t) {
			found(Referer, "a login ticket came in the Referer")
		}
		if strings.Contains(q.URL, t) && ticket(q.URL) != t {
			found(URL, "a login ticket stands in another URL than its own")
		}
	}
	from, err1 := url.Parse(q.Referer)
	to, err2 := url.Parse(q.URL)
	if q.Referer != "" && (err1 != nil || err2 != nil || from.Host != to.Host && from.RawQuery != "") {
		found(Referer, "another site is told the query of the page before")
	}
	return all
}

// badStatus begins the browser's message about a failed request, which is judged
// by its response.
const badStatus = "Failed to load resource: the server responded with a status"

// judge returns what is wrong with a line of the console.
func judge(m Message) []Finding {
	switch {
	case strings.Contains(m.Text, "Content Security Policy"):
		return []Finding{{Kind: CSP, Where: address(m.URL), Text: m.Text}}
	case m.Level == "error" && !strings.HasPrefix(m.Text, badStatus):
		return []Finding{{Kind: Console, Where: address(m.URL), Text: m.Text}}
	}
	return nil
}
