package browse

import (
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"

	"github.com/amsbridge/amsbridge/proof/e2e/watch"
)

// hear tells the watch what the browser reports of a tab.
func (p *Person) hear() func(any) {
	w := p.b.cfg.Watch
	var mu sync.Mutex
	var current string
	return func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			var body strings.Builder
			for _, part := range e.Request.PostDataEntries {
				body.Write(part.Bytes)
			}
			w.Sent(watch.Call{Method: e.Request.Method, URL: e.Request.URL, Referer: header(e.Request.Headers, "referer"), Body: body.String()})
		case *network.EventRequestWillBeSentExtraInfo:
			// The headers as they went out, which come without the URL.
			w.Sent(watch.Call{URL: "http://" + header(e.Headers, "host"), Referer: header(e.Headers, "referer")})
		case *network.EventResponseReceived:
			w.Answered(e.Response.URL, int(e.Response.Status))
		case *page.EventFrameNavigated:
			if e.Frame.ParentID == "" {
				current = e.Frame.URL
				p.loads.begin()
			}
		case *page.EventLoadEventFired:
			p.loads.end()
		case *log.EventEntryAdded:
			at := e.Entry.URL
			if at == "" {
				at = current
			}
			w.Said(watch.Entry{Level: string(e.Entry.Level), URL: at, Text: e.Entry.Text})
		case *runtime.EventConsoleAPICalled:
			var text []string
			for _, a := range e.Args {
				text = append(text, string(a.Value)+a.Description)
			}
			w.Said(watch.Entry{Level: string(e.Type), URL: current, Text: strings.Join(text, " ")})
		case *runtime.EventExceptionThrown:
			w.Said(watch.Entry{Level: "error", URL: current, Text: thrown(e.ExceptionDetails)})
		case *audits.EventIssueAdded:
			if e.Issue.Details != nil && e.Issue.Details.ContentSecurityPolicyIssueDetails != nil {
				csp := e.Issue.Details.ContentSecurityPolicyIssueDetails
				w.Found(watch.Finding{Kind: watch.CSP, Where: current, Text: csp.ViolatedDirective + " forbids " + blocked(csp)})
			}
		}
	}
}

// thrown says what a script threw.
func thrown(e *runtime.ExceptionDetails) string {
	if e.Exception != nil && e.Exception.Description != "" {
		return e.Exception.Description
	}
	return e.Text
}

func blocked(csp *audits.ContentSecurityPolicyIssueDetails) string {
	if csp.BlockedURL != "" {
		return csp.BlockedURL
	}
	return string(csp.ContentSecurityPolicyViolationType)
}

func header(all network.Headers, name string) string {
	for key, value := range all {
		if text, ok := value.(string); ok && strings.EqualFold(key, name) {
			return text
		}
	}
	return ""
}

// loads counts the documents of a tab.
type loads struct {
	mu    sync.Mutex
	begun int
	// done is the number of the one that was loaded last.
	done int
	more chan struct{}
}

func newLoads() *loads { return &loads{more: make(chan struct{})} }

// begin notes that a document has taken the place of the one before.
func (l *loads) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun++
}

// end notes that it has loaded.
func (l *loads) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = l.begun
	close(l.more)
	l.more = make(chan struct{})
}

// now returns both numbers, and a channel that is closed when more was loaded.
func (l *loads) now() (begun, done int, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun, l.done, l.more
}
