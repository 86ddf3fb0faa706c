package notified_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
	"github.com/amsbridge/amsbridge/internal/outcometest"
	"github.com/amsbridge/amsbridge/outbox"
)

// A wrong path, host, module, account or show costs three calls, parks nobody's order, and the pause says what to
// check.
func TestAWrongEndpointPausesTheDestination(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	for name, c := range map[string]struct {
		base   string // instead of the sandbox's
		answer http.HandlerFunc
		want   string
	}{
		"path": {base: strings.Replace(e.baseURL, "Server", "Srv", 1), want: "unavailable (404): there is no such API; is the endpoint's URL right?"},
		"host, a web site": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "<!DOCTYPE html><title>Welcome")
			},
			want: "unknown (200): what answers is not the opcode API: is Config.BaseURL right?",
		},
		"host that has moved": {
			answer: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
			},
			want: "unavailable (302): redirects are not followed; is the endpoint's URL right?",
		},
		"another API": {
			answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"error":"unknown method"}`) },
			want:   "unknown (200): what answers is not the opcode API: is Config.BaseURL right?",
		},
		"LASCmd": {
			answer: func(w http.ResponseWriter, r *http.Request) {
				r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "50500", "50599", 1)
				e.sandbox.ServeHTTP(w, r)
			},
			want: "unknown (CallFailed): Notified refuses the whole call: are Config.BaseURL, the account and the show key right?: Invalid LASCmd!",
		},
		"show key, by the call's result": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `<APIResults APICallResult="9" APICallDiagnostic="Invalid Show Key Specified!" OpCodesProcessed="0" OpCodesInError="1"/>`)
			},
			want: "unavailable (APICallResult 9): Notified refuses the whole call: are Config.BaseURL, the account and the show key right?: Invalid Show Key Specified!",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.answer != nil {
				srv := httptest.NewServer(c.answer)
				t.Cleanup(srv.Close)
				c.base = srv.URL + "/scripts/Server.nxp"
			}
			client := newClient(t, notified.Config{BaseURL: c.base})
			var calls atomic.Int32
			sold := outcometest.Sell(t, outcometest.Users(10), func(ctx context.Context, user string) (outbox.Result, error) {
				calls.Add(1)
				return client.Give(ctx, push("k-"+user, user, show, 9985))
			})
			require.Equal(t, outcometest.Sold{Paused: c.want, Pending: 10}, sold)
			require.EqualValues(t, 3, calls.Load())
		})
	}
}

// A firewall's page for one odd name stops nobody else, however often it is met.
func TestOneOddNameStopsNobodyElse(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	for _, status := range []int{200, 404, 406} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.Header.Get("Amsbridge-Key"), "odd") {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "<html>Request blocked")
				return
			}
			e.sandbox.ServeHTTP(w, r)
		}))
		t.Cleanup(srv.Close)
		client := newClient(t, notified.Config{BaseURL: srv.URL + "/scripts/Server.nxp"})
		users := []string{"odd-1", "u-1", "odd-2", "odd-3", "u-3", "odd-4", "u-4"}
		for _, user := range []string{"u-1", "u-3", "u-4"} {
			require.NoError(t, e.sandbox.AddUser(area, notifiedtest.User{ID: user}))
			require.NoError(t, e.sandbox.Register(user, show, "full"))
		}
		sold := outcometest.Sell(t, users, func(ctx context.Context, user string) (outbox.Result, error) {
			return client.Give(ctx, push("k-"+user, user, show, 9985))
		})
		require.Equal(t, outcometest.Sold{Delivered: 3, Pending: 4}, sold, status)
	}
}

// What the platform echoes of one member, in a refusal of the whole call, is no word of the platform's about our
// credentials: it pauses nothing for the others, even where the echo is cut.
func TestAMembersIDIsNoWordAboutCredentials(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	for _, c := range []struct{ user, diagnostic string }{
		{"jane.authorized", "Invalid value: jane.authorized"},
		{"jane.authorized", "Invalid value: jane.authoriz"},
		{"jane.authorized", "Invalid value jane%2Eauthorized!"},
		{"u-authentic-77", "Invalid value: u-authentic-77"},
		{"credential", "Invalid value: credential"},
		{"credential-7", "Invalid value: 'credential-7'."},
		{"u-77", "User u-77 is not authorized"},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Amsbridge-Key") == "k-"+c.user {
				_, _ = io.WriteString(w, `<CallFailed Diag="`+c.diagnostic+`"/>`)
				return
			}
			e.sandbox.ServeHTTP(w, r)
		}))
		t.Cleanup(srv.Close)
		client := newClient(t, notified.Config{BaseURL: srv.URL + "/scripts/Server.nxp"})
		sold := outcometest.Sell(t, []string{"u-1", c.user, "u-1b", "u-1c"}, func(ctx context.Context, user string) (outbox.Result, error) {
			if user != c.user {
				return client.Give(ctx, push("k-"+user, "u-1", show, 9985))
			}
			return client.Give(ctx, push("k-"+user, user, show, 9985))
		})
		require.Equal(t, outcometest.Sold{Delivered: 3, Pending: 1}, sold, c.diagnostic)
	}
}

// Words that are the platform's own say it at once, as they always did.
func TestWordsAboutCredentialsPauseAtOnce(t *testing.T) {
	t.Parallel()
	for _, diagnostic := range []string{
		"Invalid API Credentials Supplied!", "Invalid APIUserAuthCode.", "bad auth code", "(Unauthorized)", "Not authorised", "Authentication failed", "Authorization: denied",
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `<CallFailed Diag="`+diagnostic+`"/>`)
		}))
		t.Cleanup(srv.Close)
		client := newClient(t, notified.Config{BaseURL: srv.URL + "/scripts/Server.nxp"})
		_, err := client.Give(t.Context(), push("k", "u-1", show, 9985))
		d := failure(t, err)
		require.Equal(t, outbox.OutcomeUnauthorized, d.Outcome, diagnostic)
		require.False(t, d.Tentative, diagnostic)
	}
}

// White space around a status, in XML and in H, changes nothing.
func TestAStatusIsReadWithoutWhiteSpace(t *testing.T) {
	t.Parallel()
	for _, status := range []string{" 0", "0 "} {
		for _, body := range []string{
			`<APIResults APICallResult="0"><OpCodeResult OpCode="M" Status="` + status + `" Message="OK"><ResultRow><AddOnsAdded>1</AddOnsAdded></ResultRow></OpCodeResult></APIResults>`,
			"APICallResult=0&OpCode=M&Status=" + strings.ReplaceAll(status, " ", "+") + "&Message=OK&AddOnsAdded=1",
		} {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
			t.Cleanup(srv.Close)
			client := newClient(t, notified.Config{BaseURL: srv.URL + "/scripts/Server.nxp"})
			_, err := client.Give(t.Context(), push("k", "u-1", show, 9985))
			require.NoError(t, err, body)
		}
	}
}
