package watch

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Call is a request that the browser sent.
type Call struct {
	Method, URL, Referer, Body string
}

// Entry is a line of the browser's console or log.
type Entry struct {
	// Level is "error", "warning" or another.
	Level, URL, Text string
}

// Watch is what one scene's browsers did. It is safe for concurrent use.
type Watch struct {
	mu      sync.Mutex
	calls   []Call
	tokens  map[string]bool
	tickets map[string]bool
	posts   []Call
	entries []Entry
	answers []answer
	meant   map[meant]bool
	other   []Finding
}

type answer struct {
	url    string
	status int
}

type meant struct {
	path   string
	status int
}

// New returns a watch that has seen nothing.
func New() *Watch {
	return &Watch{tokens: map[string]bool{}, tickets: map[string]bool{}, meant: map[meant]bool{}}
}

// Sent notes a request. The tokens in its body and its URL are looked for in all
// Referers and URLs, before and after.
func (w *Watch) Sent(c Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, c)
	inBody := tokens(c.Body)
	for _, t := range append(inBody, tokens(c.URL)...) {
		w.tokens[t] = true
	}
	if t := ticket(c.URL); t != "" {
		w.tickets[t] = true
	}
	if c.Method == http.MethodPost && len(inBody) > 0 {
		w.posts = append(w.posts, c)
	}
}

// Answered notes a response.
func (w *Watch) Answered(url string, status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, answer{url, status})
}

// Said notes a line of the console.
func (w *Watch) Said(e Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = append(w.entries, e)
}

// Found notes what was found by other means.
func (w *Watch) Found(f Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.Where = address(f.Where)
	w.other = append(w.other, f)
}

// Meant says that the scene asks for a page which answers with that status, at
// that path.
func (w *Watch) Meant(path string, status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.meant[meant{path, status}] = true
}

// Logged reads what the shop and the sandboxes wrote to their log: no token, no
// ticket and no e-mail address may stand in it.
func (w *Watch) Logged(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := func(what string) {
		w.other = append(w.other, Finding{Kind: Log, Where: "the store's log", Text: what + " stands in it"})
	}
	for t := range w.tokens {
		if holdsPart(text, t) {
			found("a part of a hand-off token")
		}
	}
	for t := range w.tickets {
		if strings.Contains(text, t) {
			found("a login ticket")
		}
	}
	if mailLike.MatchString(text) {
		found("an e-mail address")
	}
}

// HandOffs returns the posted forms that held a token, in their order.
func (w *Watch) HandOffs() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Call(nil), w.posts...)
}

// Referers counts the requests that named a page they came from.
func (w *Watch) Referers() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.calls {
		if c.Referer != "" {
			n++
		}
	}
	return n
}

// Findings judges all that was noted. The same thing twice is one finding.
func (w *Watch) Findings() []Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := append([]Finding(nil), w.other...)
	for _, c := range w.calls {
		all = append(all, w.leaks(c)...)
	}
	for _, a := range w.answers {
		if a.status >= 400 && !w.isMeant(a.url, a.status) {
			all = append(all, Finding{Kind: Request, Where: address(a.url), Text: fmt.Sprintf("answered %d", a.status)})
		}
	}
	for _, e := range w.entries {
		if f, bad := w.judge(e); bad {
			all = append(all, f)
		}
	}
	return unique(all)
}

func (w *Watch) leaks(c Call) (found []Finding) {
	for t := range w.tokens {
		if holdsPart(c.Referer, t) {
			found = append(found, Finding{Kind: Referer, Where: address(c.URL), Text: "a part of a hand-off token came in the Referer"})
		}
		if holdsPart(c.URL, t) {
			found = append(found, Finding{Kind: URL, Where: address(c.URL), Text: "a part of a hand-off token stands in the URL"})
		}
	}
	for t := range w.tickets {
		if strings.Contains(c.Referer, t) {
			found = append(found, Finding{Kind: Referer, Where: address(c.URL), Text: "a login ticket came in the Referer"})
		}
		if strings.Contains(c.URL, t) && ticket(c.URL) != t {
			found = append(found, Finding{Kind: URL, Where: address(c.URL), Text: "a login ticket stands in another URL than its own"})
		}
	}
	from, err1 := url.Parse(c.Referer)
	to, err2 := url.Parse(c.URL)
	if c.Referer != "" && (err1 != nil || err2 != nil || from.Host != to.Host && from.RawQuery != "") {
		found = append(found, Finding{Kind: Referer, Where: address(c.URL), Text: "another site is told the query of the page before"})
	}
	return found
}

// judge tells whether a line of the console is an error. Failed requests are
// judged by their answers.
func (w *Watch) judge(e Entry) (Finding, bool) {
	switch {
	case strings.Contains(e.Text, "Content Security Policy"):
		return Finding{Kind: CSP, Where: address(e.URL), Text: e.Text}, true
	case e.Level != "error" || strings.HasPrefix(e.Text, "Failed to load resource: the server responded with a status"):
		return Finding{}, false
	}
	return Finding{Kind: Console, Where: address(e.URL), Text: e.Text}, true
}

func (w *Watch) isMeant(at string, status int) bool {
	u, err := url.Parse(at)
	return err == nil && w.meant[meant{u.Path, status}]
}

func unique(all []Finding) []Finding {
	seen := map[Finding]bool{}
	var once []Finding
	for _, f := range all {
		if !seen[f] {
			seen[f], once = true, append(once, f)
		}
	}
	return once
}
