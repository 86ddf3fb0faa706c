package notified_test

import (
	"cmp"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
	"github.com/amsbridge/amsbridge/outbox"
)

const (
	authCode    = "planted-auth & code;+%2"
	credentials = "planted-credentials=\u00fc/?"
	area        = "Alpine Society"
	email       = "planted.person@members.example"
)

// The keys of the env's show and its packages.
const (
	show = 77001
	full = show*1000 + 1
	day  = show*1000 + 2
)

// env is a sandbox behind an HTTP server, and a client of it.
type env struct {
	sandbox *notifiedtest.Server
	client  *notified.Client
	baseURL string // the sandbox's base URL
}

// sandboxPath is the path that the sandbox serves.
const sandboxPath = "/scripts/Server.nxp"

// newEnv returns an env of one show, with both configurations changed by change. A BaseURL that it sets
// is a path.
func newEnv(t testing.TB, change func(*notified.Config, *notifiedtest.Config)) env {
	t.Helper()
	sandboxConfig := notifiedtest.Config{
		Accounts: []notifiedtest.Account{{AuthCode: authCode, Credentials: credentials, Area: area}},
		Shows: []notifiedtest.Show{{Key: show, Area: area, Packages: []notifiedtest.Package{
			{Name: "full", AddOns: []notifiedtest.AddOn{{Key: 9985}, {Key: 10342}, {Key: 10400, RefersTo: "day"}}},
			{Name: "day", AddOns: []notifiedtest.AddOn{{Key: 20001}}},
		}}},
	}
	cfg := notified.Config{Concurrency: 4}
	if change != nil {
		change(&cfg, &sandboxConfig)
	}
	sandbox, err := notifiedtest.New(sandboxConfig)
	require.NoError(t, err)
	for id, pkg := range map[string]string{"u-1": "full", "u-guest": "", oddID: "full"} {
		require.NoError(t, sandbox.AddUser(area, notifiedtest.User{ID: id, Email: email}))
		if pkg != "" {
			require.NoError(t, sandbox.Register(id, show, pkg))
		}
	}
	srv := httptest.NewServer(sandbox)
	t.Cleanup(srv.Close)
	cfg.BaseURL = srv.URL + cmp.Or(cfg.BaseURL, sandboxPath)
	return env{sandbox, newClient(t, cfg), srv.URL + sandboxPath}
}

// newClient returns a client of a platform on this machine, with the credentials of the env's sandbox
// unless the configuration has others.
func newClient(t testing.TB, cfg notified.Config) *notified.Client {
	t.Helper()
	cfg.AuthCode, cfg.Credentials = cmp.Or(cfg.AuthCode, authCode), cmp.Or(cfg.Credentials, credentials)
	cfg.AllowLoopbackHTTP = true
	client, err := notified.New(cfg)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// oddID holds everything that a careless encoder would lose.
const oddID = "o'dd & id; 50%/+=#?\u00e9\U0001f393\"<x>"

// push returns a grant of add-ons.
func push(key, user string, showKey int64, addOns ...int64) amsbridge.Grant {
	return amsbridge.Grant{
		Key: key, OrderID: "o-1", LineID: "l-1",
		User: amsbridge.User{ID: amsbridge.UserID(user), FirstName: "Planted-First", LastName: "Planted-Last", Email: email},
		Item: amsbridge.Item{ShowKey: showKey, AddOnKeys: addOns},
	}
}

// first returns the grant of an item that brings the registration too, by that package.
func first(g amsbridge.Grant, pkg int64) amsbridge.Grant {
	g.Item.ShowPackageKey = pkg
	return g
}

func failure(t testing.TB, err error) *outbox.DeliveryError {
	t.Helper()
	var d *outbox.DeliveryError
	require.ErrorAs(t, err, &d)
	return d
}

// ways are the forms in which a call may be sent.
var ways = map[string]func(*notified.Config, *notifiedtest.Config){
	"POST":                        nil,
	"POST, LASCmd in the form":    func(c *notified.Config, _ *notifiedtest.Config) { c.LASCmdInForm = true },
	"GET":                         func(c *notified.Config, _ *notifiedtest.Config) { c.UseGET = true },
	"POST, H":                     func(c *notified.Config, _ *notifiedtest.Config) { c.OutputFormat = notified.FormatPairs },
	"POST, T":                     func(c *notified.Config, _ *notifiedtest.Config) { c.OutputFormat = notified.FormatText },
	"POST, curly quotes in reply": func(_ *notified.Config, s *notifiedtest.Config) { s.CurlyQuotes = true },
}

// inEveryWay runs a test once for each of the ways, each in its own env.
func inEveryWay(t *testing.T, play func(t *testing.T, way string, e env)) {
	t.Helper()
	for way, change := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			play(t, way, newEnv(t, change))
		})
	}
}

// calledOf returns the opcodes of all calls, and checks that no call violated the vendor's text.
func calledOf(s *notifiedtest.Server) string {
	var codes []string
	for _, c := range s.Journal() {
		codes = append(codes, strings.Join(append([]string{c.OpCodes}, c.Violations...), "!"))
	}
	return strings.Join(codes, " ")
}
