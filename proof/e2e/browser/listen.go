package browser

import (
	"strings"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/amsbridge/amsbridge/proof/e2e/record"
)

// listener tells the recorder what the browser reports of a tab. One goroutine
// calls it, with one event after the other.
func listener(r *record.Recorder) func(any) {
	var current string // the address of the page that is shown
	return func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			var body strings.Builder
			for _, part := range e.Request.PostDataEntries {
				body.Write(part.Bytes)
			}
			r.Request(record.Request{
				Method: e.Request.Method, URL: e.Request.URL, Body: body.String(),
				Referer: header(e.Request.Headers, "referer"),
			})
		case *network.EventRequestWillBeSentExtraInfo:
			// The headers as they went out, which come without the URL.
			to := "http://" + header(e.Headers, "host")
			r.Request(record.Request{URL: to, Referer: header(e.Headers, "referer")})
		case *network.EventResponseReceived:
			r.Response(e.Response.URL, int(e.Response.Status))
		case *page.EventFrameNavigated:
			if e.Frame.ParentID == "" {
				current = e.Frame.URL
			}
		case *log.EventEntryAdded:
			at := e.Entry.URL
			if at == "" {
				at = current
			}
			r.Console(record.Message{Level: string(e.Entry.Level), URL: at, Text: e.Entry.Text})
		case *runtime.EventConsoleAPICalled:
			var text []string
			for _, a := range e.Args {
				text = append(text, string(a.Value)+a.Description)
			}
			r.Console(record.Message{Level: string(e.Type), URL: current, Text: strings.Join(text, " ")})
		case *runtime.EventExceptionThrown:
			thrown := chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}
			r.Console(record.Message{Level: "error", URL: current, Text: thrown.Error()})
		case *audits.EventIssueAdded:
			if e.Issue.Details == nil || e.Issue.Details.ContentSecurityPolicyIssueDetails == nil {
				return
			}
			csp := e.Issue.Details.ContentSecurityPolicyIssueDetails
			blocked := csp.BlockedURL
			if blocked == "" {
				blocked = string(csp.ContentSecurityPolicyViolationType)
			}
			text := csp.ViolatedDirective + " forbids " + blocked
			r.Found(record.Finding{Kind: record.CSP, Where: current, Text: text})
		}
	}
}

func header(all network.Headers, name string) string {
	for key, value := range all {
		if text, ok := value.(string); ok && strings.EqualFold(key, name) {
			return text
		}
	}
	return ""
}
