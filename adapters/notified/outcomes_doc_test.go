package notified

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/outcometest"
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

// scene is a row of docs/outcomes-notified.md: what is given or taken, and the calls for it in order.
type scene struct {
	turns   []turn
	config  func(*Config)
	pkg     int64 // package to register for first
	take    bool
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
				client := s.serve(t, f)
				call := client.Give
				if s.take {
					call = client.Take
				}
				result, err := call(t.Context(), s.grant())
				r.RequireEnding(t, result, "", err)
				if f == FormatXML { // the outcome is the same in the others
					r.RequireConsequence(t, result, err)
				}
			})
		}
	})
}

// grant returns the scene's grant, of two add-ons.
func (s scene) grant() amsbridge.Grant {
	g := amsbridge.Grant{
		Key: "k-1", OrderID: "o-1", LineID: "1",
		User: amsbridge.User{ID: "u-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"},
		Item: amsbridge.Item{ShowKey: 77001, ShowPackageKey: s.pkg, AddOnKeys: []int64{9985, 10342}},
	}
	if s.noKeys {
		g.Item.AddOnKeys = nil
	}
	if s.noEmail {
		g.User.Email = ""
	}
	return g
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
