package notified

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// answered is how the platform answers in a row of docs/outcomes-notified.md.
type answered struct {
	reply  *reply // written in each format
	body   string // instead of a reply
	half   bool   // of the reply's bytes
	cut    bool   // the connection, behind what was written
	status int    // 200 where zero
	absent bool   // nobody listens
	repeat bool
}

// api is a reply with one opcode's result.
func api(status, message string, rows ...row) *reply {
	r := &reply{result: "0", diagnostic: "OK", processed: "1", inError: "0", ops: []opResult{{code: "M", status: status, message: message, rows: rows}}}
	if status != "0" {
		r.inError = "1"
	}
	return r
}

func counting(n string) row { return row{{"AddOnsAdded", n}} }

// but changes a reply that says that both add-ons were added.
func but(change func(*reply)) *reply {
	r := api("0", "OK", counting("2"))
	change(r)
	return r
}

var outcomeRows = map[string]answered{
	"Status 0, both added": {reply: api("0", "OK", counting("2"))},
	"Status 0, one added, after a send that may have arrived":   {reply: api("0", "OK", counting("1")), repeat: true},
	"Status 0, one added, at the first send":                    {reply: api("0", "OK", counting("1"))},
	"Status 0, three added, after a send that may have arrived": {reply: api("0", "OK", counting("3")), repeat: true},
	"Status 0, no count": {reply: api("0", "OK")},
	"Status 71":          {reply: api("71", "User Not Found!")},
	"Status 72":          {reply: api("72", "User Not Registered!")},
	"Status 51":          {reply: api("51", "Event Not Found!")},
	"Status 76":          {reply: api("76", "Display Item Missing!")},
	"Any other status":   {reply: api("12345", "Something New!")},
	"CallFailed, with a word about credentials":                         {reply: &reply{failed: true, diagnostic: "Invalid API Credentials Supplied!"}},
	"CallFailed, with other words":                                      {reply: &reply{failed: true, diagnostic: "Database down"}},
	"APICallResult not 0, no opcode run, with a word about credentials": {reply: &reply{result: "3", diagnostic: "Invalid API Credentials", processed: "0", inError: "0"}},
	"APICallResult not 0, no opcode run, with other words":              {reply: &reply{result: "7", diagnostic: "Bad Call!", processed: "0", inError: "0"}},
	"Status 0, APICallResult not 0":                                     {reply: but(func(r *reply) { r.result = "7" })},
	"Status 0, none processed":                                          {reply: but(func(r *reply) { r.processed = "0" })},
	"Status 0, one opcode in error":                                     {reply: but(func(r *reply) { r.inError = "1" })},
	"No APICallResult":                                                  {reply: but(func(r *reply) { r.result = "" })},
	"No status":                                                         {reply: but(func(r *reply) { r.ops[0].status = "" })},
	"No opcode run, APICallResult 0":                                    {reply: but(func(r *reply) { r.ops, r.processed = nil, "0" })},
	"Another opcode":                                                    {reply: but(func(r *reply) { r.ops[0].code = "I" })},
	"Another opcode, then M":                                            {reply: but(func(r *reply) { r.ops = append([]opResult{{code: "I", status: "0"}}, r.ops...) })},
	"A login page, status 200":                                          {body: "<!DOCTYPE html><html><body>Sign in</body></html>"},
	"Nothing, status 200":                                               {},
	"More than MaxBody, status 200":                                     {body: strings.Repeat(" ", 64<<10+1)},
	"Half of it, the connection still good":                             {reply: api("0", "OK", counting("2")), half: true},
	"Half of it, then the connection cut":                               {reply: api("0", "OK", counting("2")), half: true, cut: true},
	"HTTP 401":                                                          {status: 401},
	"HTTP 403":                                                          {status: 403},
	"HTTP 429":                                                          {status: 429},
	"HTTP 408, 425, 500, 502 or 503":                                    {status: 503},
	"HTTP 504":                                                          {status: 504},
	"Any other HTTP 4xx":                                                {status: 404},
	"HTTP 3xx":                                                          {status: 302},
	"No answer, the connection cut":                                     {cut: true},
	"No connection":                                                     {absent: true},
}

// outcomeRow is a row of the docs.
type outcomeRow struct{ reply, outcome, happens, reads string }

func documentedRows(t *testing.T) []outcomeRow {
	t.Helper()
	doc, err := os.ReadFile("../../docs/outcomes-notified.md")
	require.NoError(t, err)
	var rows []outcomeRow
	for line := range strings.Lines(string(doc)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| Reply |") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		require.Len(t, cells, 4, line)
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, outcomeRow{cells[0], cells[1], cells[2], strings.Trim(cells[3], "`")})
	}
	return rows
}

// TestDocumentedOutcomes plays every row of the docs against a client.
func TestDocumentedOutcomes(t *testing.T) {
	t.Parallel()
	rows, seen := documentedRows(t), map[string]bool{}
	for _, r := range rows {
		require.False(t, seen[r.reply], "%q is there twice", r.reply)
		seen[r.reply] = true
		require.Contains(t, outcomeRows, r.reply, "a row that no test plays")
		for _, f := range formats {
			t.Run(r.reply+", "+string(f), func(t *testing.T) {
				t.Parallel()
				r.play(t, f, outcomeRows[r.reply])
			})
		}
	}
	for name := range outcomeRows {
		require.True(t, seen[name], "%q is not in the docs", name)
	}
}

func (r outcomeRow) play(t *testing.T, f OutputFormat, a answered) {
	result, err := a.serve(t, f).Deliver(t.Context(), a.message("u-1"))
	outcome, reads := outbox.OutcomeDelivered, ""
	var d *outbox.DeliveryError
	switch {
	case errors.As(err, &d):
		outcome, reads = d.Outcome, d.Error()
	case result.AlreadyDone:
		outcome = outbox.OutcomeAlreadyDone
		fallthrough
	default:
		require.NoError(t, err)
		reads = fmt.Sprintf("%s (%s), receipt %s", outcome, result.Code, result.Receipt)
	}
	require.Equal(t, r.outcome, outcome.String())
	if start, open := strings.CutSuffix(r.reads, "…"); open {
		require.True(t, strings.HasPrefix(reads, start), reads)
	} else {
		require.Equal(t, r.reads, reads)
	}
}

// serve returns a client of a platform that answers so.
func (a answered) serve(t *testing.T, f OutputFormat) *Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		body := a.body
		if a.reply != nil {
			body = write(f, *a.reply)
		}
		if a.half {
			body = body[:len(body)/2]
		}
		if a.status != 0 {
			w.WriteHeader(a.status)
		}
		_, _ = io.WriteString(w, body)
		if a.cut {
			if body != "" {
				_ = http.NewResponseController(w).Flush()
			}
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(srv.Close)
	client, err := New(Config{AuthCode: "auth-1", Credentials: "cred-1", BaseURL: srv.URL, AllowLoopbackHTTP: true, OutputFormat: f})
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	if a.absent {
		srv.Close()
	}
	return client
}
