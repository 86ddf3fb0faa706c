package notified_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/contract"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// states returns the states of findings by subject, and checks that no finding holds a secret or
// personal data.
func states(t *testing.T, all []contract.Finding) (by map[string]contract.State, text string) {
	t.Helper()
	by = map[string]contract.State{}
	for _, f := range all {
		require.NotContains(t, by, f.Subject, "found twice")
		require.NotEmpty(t, f.Text)
		by[f.Subject] = f.State
		text += f.String() + "\n"
	}
	for _, secret := range []string{authCode, credentials, url.QueryEscape(authCode), url.QueryEscape(credentials), "planted", "u-guest", "u-1", "@"} {
		require.NotContains(t, strings.ToLower(text), secret)
	}
	for _, subject := range []string{"adding and removing", "registering"} {
		require.Equal(t, contract.NotChecked, by[subject])
		delete(by, subject)
	}
	return by, text
}

func TestCheckAgainstTheSandbox(t *testing.T) {
	t.Parallel()
	const good, wrong, open = contract.Good, contract.Wrong, contract.NotChecked
	whole := notified.CheckConfig{ShowKey: show, ShowPackageKey: full, AddOnKeys: []int64{10342, 9985}, KnownUser: notified.Person{UserID: "u-1"}}
	with := func(change func(*notified.CheckConfig)) notified.CheckConfig {
		cfg := whole
		change(&cfg)
		return cfg
	}
	reached := func(more map[string]contract.State) map[string]contract.State {
		more["host 127.0.0.1"], more["TLS"] = good, open
		if more["GET or POST"] == "" {
			more["GET or POST"] = open
		}
		return more
	}
	taken := func(more map[string]contract.State) map[string]contract.State {
		more["credentials"], more["GET or POST"] = good, good
		return reached(more)
	}
	const showSubject, packageSubject = "show key 77001", "show package key 77001001"
	for name, c := range map[string]struct {
		change func(*notified.Config, *notifiedtest.Config)
		cfg    notified.CheckConfig
		fault  notifiedtest.Fault
		want   map[string]contract.State
		text   string
	}{
		"all there is to see": {cfg: whole, want: taken(map[string]contract.State{
			showSubject: good, packageSubject: good, "known user": good, "add-on key 9985": good, "add-on key 10342": open,
		}), text: "only adding it shows"},
		"credentials alone": {want: taken(map[string]contract.State{"show key": open}), text: "status"},
		"no known user": {
			cfg: notified.CheckConfig{ShowKey: show, AddOnKeys: []int64{9985}}, want: taken(map[string]contract.State{showSubject: open}),
			text: "name a known user",
		},
		"wrong credentials": {
			change: func(c *notified.Config, _ *notifiedtest.Config) { c.Credentials = "another secret of planted" }, cfg: whole,
			want: reached(map[string]contract.State{"credentials": wrong}), text: "refused",
		},
		"HTTP 401": {
			cfg: whole, fault: notifiedtest.Fault{Kind: notifiedtest.Unauthorized},
			want: reached(map[string]contract.State{"credentials": wrong}), text: "refused",
		},
		"wrong show": {
			cfg:  with(func(c *notified.CheckConfig) { c.ShowKey = 5 }),
			want: taken(map[string]contract.State{"show key 5": wrong}), text: "no such event",
		},
		"another package": {
			cfg: with(func(c *notified.CheckConfig) { c.ShowPackageKey, c.AddOnKeys = day, nil }),
			want: taken(map[string]contract.State{
				showSubject: good, "known user": good, "show package key 77001002": wrong,
			}), text: "for 77001001 instead",
		},
		"unknown user": {
			cfg:  with(func(c *notified.CheckConfig) { c.KnownUser.UserID = "u-nowhere" }),
			want: taken(map[string]contract.State{showSubject: open, "known user": wrong}), text: "does not know them",
		},
		"user without a registration": {
			cfg:  with(func(c *notified.CheckConfig) { c.KnownUser.UserID = "u-guest" }),
			want: taken(map[string]contract.State{showSubject: open, "known user": wrong}), text: "no registration",
		},
		"user who cannot be": {
			cfg:  with(func(c *notified.CheckConfig) { c.KnownUser.UserID = "null" }),
			want: taken(map[string]contract.State{showSubject: open, "known user": wrong}), text: "cannot be asked about: Person.UserID is",
		},
		"another name of K's output": {
			change: func(c *notified.Config, _ *notifiedtest.Config) { c.Names.ShowPackageOutput = "Package" }, cfg: whole,
			want: taken(map[string]contract.State{showSubject: good, "known user": good, "output names": wrong}),
			text: "Names.ShowPackageOutput",
		},
		"another name of A's output": {
			change: func(c *notified.Config, _ *notifiedtest.Config) { c.Names.AddOnOutput = "Item" }, cfg: whole,
			want: taken(map[string]contract.State{showSubject: good, packageSubject: good, "known user": good, "output names": wrong}),
			text: "Names.AddOnOutput",
		},
		"wrong path": {
			change: func(c *notified.Config, _ *notifiedtest.Config) { c.BaseURL = "/scripts/Other.nxp" }, cfg: whole,
			want: reached(map[string]contract.State{"API": wrong}), text: "is BaseURL right?",
		},
		"login page": {
			cfg: whole, fault: notifiedtest.Fault{Kind: notifiedtest.LoginPage},
			want: reached(map[string]contract.State{"API": wrong}), text: "is BaseURL right?",
		},
		"redirect": {
			cfg: whole, fault: notifiedtest.Fault{Kind: notifiedtest.Redirect},
			want: reached(map[string]contract.State{"API": wrong}), text: "is BaseURL right?",
		},
		"busy": {
			cfg: whole, fault: notifiedtest.Fault{Kind: notifiedtest.Throttle},
			want: reached(map[string]contract.State{"credentials": open}), text: "later",
		},
		"down": {
			cfg: whole, fault: notifiedtest.Fault{Kind: notifiedtest.Unavailable},
			want: reached(map[string]contract.State{"credentials": open}), text: "later",
		},
		"cut": {
			cfg: whole, fault: notifiedtest.Fault{Kind: notifiedtest.CutBefore},
			want: map[string]contract.State{"host 127.0.0.1": wrong, "TLS": open}, text: "no whole answer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, c.change)
			seller := newClient(t, notified.Config{BaseURL: e.baseURL})
			_, err := seller.Give(t.Context(), push("k", "u-1", show, 9985))
			require.NoError(t, err)
			before := len(e.sandbox.Journal())
			if c.fault.Kind != notifiedtest.None {
				e.sandbox.MisbehaveBy(func(int) notifiedtest.Fault { return c.fault })
			}
			by, text := states(t, e.client.Check(t.Context(), c.cfg))
			require.Equal(t, c.want, by, text)
			require.Contains(t, text, c.text)
			calls := e.sandbox.Journal()[before:]
			require.LessOrEqual(t, len(calls), 5)
			for _, call := range calls {
				require.Contains(t, []string{"K", "A"}, call.OpCodes, "a check only reads")
				require.False(t, call.Effect)
				require.Empty(t, call.Violations)
			}
		})
	}
}

func TestCheckOfAHostThatIsNotThere(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, base := range []string{gone.URL, "https://notified.invalid/scripts/Server.nxp"} {
		client := newClient(t, notified.Config{BaseURL: base + "/api", UseGET: true})
		by, text := states(t, client.Check(t.Context(), notified.CheckConfig{ShowKey: show}))
		u, err := url.Parse(base)
		require.NoError(t, err)
		require.Equal(t, map[string]contract.State{"host " + u.Hostname(): contract.Wrong, "TLS": contract.NotChecked}, by, text)
	}
}

// It is unknown whether the platform checks the show before the user: an unknown show is found in
// either order.
func TestCheckWhereTheShowIsLookedAtFirst(t *testing.T) {
	t.Parallel()
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		_, _ = io.WriteString(w, `<APIResults APICallResult="0" APICallDiagnostic="OK" OpCodesProcessed="1" OpCodesInError="1">`+
			`<OpCodeResult OpCode="K" Status="51" Message="Event Not Found!"/></APIResults>`)
	}))
	t.Cleanup(srv.Close)
	client := newClient(t, notified.Config{BaseURL: srv.URL + "/api"})
	by, text := states(t, client.Check(t.Context(), notified.CheckConfig{ShowKey: show, KnownUser: notified.Person{UserID: "u-1"}}))
	require.Equal(t, contract.Good, by["credentials"], text)
	require.Equal(t, contract.Wrong, by["show key 77001"], text)
	require.Equal(t, 3, calls, "each way, and the known user is not asked about in vain")
}

// Another module of the platform refuses the whole call for a show that it does not know: that says nothing against
// the credentials, and with the show key that the check makes up nothing at all.
func TestCheckWhereTheWholeCallIsRefusedForItsShow(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<APIResults APICallResult="9" APICallDiagnostic="Invalid Show Key Specified!" OpCodesProcessed="0" OpCodesInError="1"/>`)
	}))
	t.Cleanup(srv.Close)
	client := newClient(t, notified.Config{BaseURL: srv.URL})
	by, text := states(t, client.Check(t.Context(), notified.CheckConfig{ShowKey: show}))
	require.Equal(t, contract.Good, by["credentials"], text)
	require.Equal(t, contract.Good, by["GET or POST"], text)
	require.Equal(t, contract.Wrong, by["show key 77001"], text)
	by, text = states(t, client.Check(t.Context(), notified.CheckConfig{}))
	require.Equal(t, contract.Good, by["credentials"], text)
	require.NotContains(t, text, "wrong:")
}

// What a POST needs is unknown: the check asks in each way, and says which to set.
func TestCheckSaysWhichWayWorks(t *testing.T) {
	t.Parallel()
	const credentialsRefused = `<APIResults APICallResult="9" APICallDiagnostic="Invalid API Credentials Supplied!"/>`
	for name, c := range map[string]struct {
		change func(*notified.Config)
		takes  func(*http.Request) bool
		state  contract.State
		text   string
	}{
		"all": {takes: func(*http.Request) bool { return true }, state: contract.Good, text: "answered too: GET, and POST with LASCmd in the form"},
		"GET alone, and a POST looks like wrong credentials": {
			takes: func(r *http.Request) bool { return r.Method == http.MethodGet }, state: contract.Wrong, text: "set Config.UseGET; answered too: GET",
		},
		"the form alone": {
			takes: func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.RawQuery == "" }, state: contract.Wrong, text: "set Config.LASCmdInForm",
		},
		"POST alone, and GET is set": {
			change: func(c *notified.Config) { c.UseGET = true },
			takes:  func(r *http.Request) bool { return r.Method == http.MethodPost }, state: contract.Wrong, text: "set neither Config.UseGET nor",
		},
		"GET alone, as it is set": {
			change: func(c *notified.Config) { c.UseGET = true },
			takes:  func(r *http.Request) bool { return r.Method == http.MethodGet }, state: contract.Good, text: "not answered: POST with LASCmd in the URL, and POST",
		},
		"none": {takes: func(*http.Request) bool { return false }, state: contract.NotChecked, text: "no way is answered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.FormValue("OpCodeList") != "K" {
					t.Error("a check only reads")
				}
				if !c.takes(r) {
					_, _ = io.WriteString(w, credentialsRefused)
					return
				}
				_, _ = io.WriteString(w, `<APIResults APICallResult="0"><OpCodeResult OpCode="K" Status="71" Message="User Not Found!"/></APIResults>`)
			}))
			t.Cleanup(srv.Close)
			cfg := notified.Config{BaseURL: srv.URL + "/api"}
			if c.change != nil {
				c.change(&cfg)
			}
			by, text := states(t, newClient(t, cfg).Check(t.Context(), notified.CheckConfig{}))
			require.Equal(t, c.state, by["GET or POST"], text)
			require.Contains(t, text, c.text)
			if c.state == contract.NotChecked {
				require.Equal(t, contract.Wrong, by["credentials"])
			} else {
				require.Equal(t, contract.Good, by["credentials"])
			}
		})
	}
}

// The known user may be given by e-mail address, where the client looks people up by it.
func TestCheckByEmail(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *notified.Config, _ *notifiedtest.Config) { c.LookupByEmail = true })
	require.NoError(t, e.sandbox.AddUser(area, notifiedtest.User{ID: "u-mail", Email: "planted.one@members.example"}))
	require.NoError(t, e.sandbox.Register("u-mail", show, "full"))
	by, text := states(t, e.client.Check(context.Background(), notified.CheckConfig{
		ShowKey: show, KnownUser: notified.Person{Email: "planted.one@members.example"},
	}))
	require.Equal(t, contract.Good, by["known user"], text)
}

func ExampleClient_Check() {
	sandbox, err := notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{{AuthCode: "code", Credentials: "secret", Area: "acme"}},
		Shows:    []notifiedtest.Show{{Key: 4711, Area: "acme", Packages: []notifiedtest.Package{{Name: "full"}}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := httptest.NewServer(sandbox)
	defer srv.Close()
	client, err := notified.New(notified.Config{
		AuthCode: "code", Credentials: "an old one", BaseURL: srv.URL + "/scripts/Server.nxp", AllowLoopbackHTTP: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range client.Check(context.Background(), notified.CheckConfig{ShowKey: 4711}) {
		if f.State != contract.NotChecked {
			fmt.Println(f)
		}
	}
	// Output:
	// good: host 127.0.0.1: it resolves, and something answers there
	// wrong: credentials: they are refused; are they complete, and does the account lie in this data centre? unauthorized (APICallResult 90103): Notified refuses our credentials: Invalid API Credentials Supplied!
}
