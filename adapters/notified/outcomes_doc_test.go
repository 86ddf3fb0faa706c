package notified

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// answered is how the platform answers a call.
type answered struct {
	reply  *reply // written in each format
	body   string // instead of a reply
	half   bool   // of the reply's bytes
	cut    bool   // the connection, behind what was written
	status int    // 200 where zero
}

// turn is a call that must come, and its answer.
type turn struct {
	codes string
	answered
}

// scene is a row of docs/outcomes-notified.md: a push, and the calls of its
// delivery in order.
type scene struct {
	turns   []turn
	config  func(*Config)
	pkg     int64 // to register for first
	removal bool
	noKeys  bool
	noEmail bool
	absent  bool // nobody listens
}

// api is a reply to a call of one opcode.
func api(code, status, message string, rows ...row) answered {
	r := &reply{result: "0", diagnostic: "OK", processed: "1", inError: "0", ops: []opResult{{code: code, status: status, message: message, rows: rows}}}
	if status != "0" {
		r.inError = "1"
	}
	return answered{reply: r}
}

func called(a answered) turn { return turn{a.reply.ops[0].code, a} }

func counting(n string) row { return row{{"AddOnsAdded", n}} }

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

func (r outcomeRow) play(t *testing.T, f OutputFormat, s scene) {
	result, err := s.serve(t, f).Deliver(t.Context(), s.message("u-1"))
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
		reads = fmt.Sprintf("%s (%s)", outcome, result.Code)
		if result.Receipt != nil {
			reads += fmt.Sprintf(", receipt %s", result.Receipt)
		}
	}
	require.Equal(t, r.outcome, outcome.String())
	if start, open := strings.CutSuffix(r.reads, "…"); open {
		require.True(t, strings.HasPrefix(reads, start), reads)
	} else {
		require.Equal(t, r.reads, reads)
	}
}

// serve returns a client of a platform that answers so, and fails the test
// unless just these calls come.
func (s scene) serve(t *testing.T, f OutputFormat) *Client {
	t.Helper()
	var came atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(came.Add(1))
		if n > len(s.turns) || r.FormValue("OpCodeList") != s.turns[n-1].codes {
			t.Errorf("call %d is of %s", n, r.FormValue("OpCodeList"))
			return
		}
		s.turns[n-1].write(w, f)
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { require.Len(t, s.turns, int(came.Load()), "calls") })
	cfg := Config{AuthCode: "auth-1", Credentials: "cred-1", BaseURL: srv.URL, AllowLoopbackHTTP: true, OutputFormat: f}
	if s.config != nil {
		s.config(&cfg)
	}
	client, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	if s.absent {
		srv.Close()
	}
	return client
}

func (a answered) write(w http.ResponseWriter, f OutputFormat) {
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
}
