package notified

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/outcometest"
	"github.com/amsbridge/amsbridge/outbox"
)

// answered is the platform's answer to a call.
type answered struct {
	reply  *reply // written in each format
	body   string // instead of a reply
	half   bool   // only half of the reply's bytes
	cut    bool   // the connection is cut after what was written
	status int    // 0 means 200
}

// turn is an expected call, and its answer.
type turn struct {
	codes string
	answered
}

// scene is a row of docs/outcomes-notified.md: a push, and its delivery's calls in order.
type scene struct {
	turns   []turn
	config  func(*Config)
	pkg     int64 // package to register for first
	removal bool
	noKeys  bool
	noEmail bool
	absent  bool // nobody listens
}

// api returns the reply to a call of one opcode.
func api(code, status, message string, rows ...row) answered {
	r := &reply{result: "0", diagnostic: "OK", processed: "1", inError: "0", ops: []opResult{{code: code, status: status, message: message, rows: rows}}}
	if status != "0" {
		r.inError = "1"
	}
	return answered{reply: r}
}

func called(a answered) turn { return turn{a.reply.ops[0].code, a} }

func counting(n string) row { return row{{"AddOnsAdded", n}} }

// TestDocumentedOutcomes plays every row of the docs in each format against a client, and gives the
// client's outcome to a sender.
func TestDocumentedOutcomes(t *testing.T) {
	t.Parallel()
	outcometest.Each(t, "../../docs/outcomes-notified.md", outcomeRows, func(t *testing.T, r outcometest.Row, s scene) {
		for _, f := range formats {
			t.Run(string(f), func(t *testing.T) {
				t.Parallel()
				result, err := s.serve(t, f).Deliver(t.Context(), s.message("u-1"))
				r.RequireEnding(t, result, "", err)
				r.RequireConsequence(t, result, err, s.message)
			})
		}
	})
}

// message returns the scene's message, with two add-ons.
func (s scene) message(user string) outbox.Message {
	addOns, first := `"keys":[9985,10342]`, ""
	if s.noKeys {
		addOns = `"keys":[]`
	}
	if s.pkg != 0 {
		first = fmt.Sprintf(`"show_package_key":%d,`, s.pkg)
	}
	m := outbox.Message{
		Destination: "notified", Key: "k-" + user, Kind: amsbridge.KindAddOns, Version: 1, Person: user, Subject: "o-1", Items: []string{"1"},
		Facts:   fmt.Appendf(nil, `{"user_id":%q,"show_key":77001,%s"add_ons":[{"line_id":"1",%s}]}`, user, first, addOns),
		Profile: []byte(`{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.org"}`), Attempt: 1,
	}
	if s.noEmail {
		m.Profile = []byte(`{"first_name":"Ada","last_name":"Lovelace"}`)
	}
	if s.removal {
		m.Kind = amsbridge.KindRemoveAddOns
	}
	return m
}

// serve returns a client of a platform with these answers. It fails the test unless exactly these calls
// come.
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
	cfg := Config{AuthCode: "auth-1", Credentials: "cred-1", BaseURL: srv.URL + "/api", AllowLoopbackHTTP: true, OutputFormat: f}
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
