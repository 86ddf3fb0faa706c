package elevate_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/contract"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

// found returns the findings by subject, and checks that none holds a secret.
func found(t *testing.T, all []contract.Finding) map[string]contract.Finding {
	t.Helper()
	by := map[string]contract.Finding{}
	for _, f := range all {
		require.NotContains(t, by, f.Subject, "found twice")
		require.NotEmpty(t, f.Text)
		by[f.Subject] = f
		requireClean(t, f.String())
	}
	return by
}

// unseen are the subjects that no check can tell anything about.
var unseen = []string{"wire profile", "registration", "confirmation mail"}

func TestCheckOfASandboxThatIsRight(t *testing.T) {
	t.Parallel()
	s, reports := reportSandbox(t, elevate.GuessedReportProfile())
	client := newClient(t, config(strings.TrimSuffix(reports.Endpoint, "/api/reports/")+"/api/registration"))
	before := len(s.Registrations())
	by := found(t, client.Check(t.Context(), elevate.CheckConfig{
		Reports: newReports(t, reports), Window: 300 * 24 * time.Hour, RemoteProductIDs: []string{"COURSE-1", "COURSE-2"},
	}))
	for subject, state := range map[string]contract.State{
		"host 127.0.0.1": contract.Good, "TLS": contract.NotChecked, "endpoint": contract.Good,
		"Report API's key": contract.Good, "report profile": contract.Good,
		"remote product ID COURSE-1": contract.Good, "remote product ID COURSE-2": contract.NotChecked,
		"wire profile": contract.NotChecked, "registration": contract.NotChecked, "confirmation mail": contract.NotChecked,
	} {
		require.Equal(t, state, by[subject].State, by[subject])
		delete(by, subject)
	}
	require.Empty(t, by)
	require.Len(t, s.Registrations(), before, "a check registers nobody")
	require.Len(t, s.ReportCalls(), 1)
}

func TestCheckListsProductsWhereNoneAreNamed(t *testing.T) {
	t.Parallel()
	rows := make([]string, 30)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"user":{"firstname":"a","lastname":"b","email":"c"},"transaction_at":"2026-03-01 10:00:00","product":{"title":"t","remote_product_id":"P-%02d"}}`, i)
	}
	rows[0] = strings.ReplaceAll(rows[0], `"P-00"`, `null`)
	rows[1] = strings.ReplaceAll(rows[1], `P-01`, `A `+email+` `+key)
	reports := reportsConfig(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "["+strings.Join(rows, ",")+"]")
	}))
	by := found(t, newClient(t, config(serve(t, func(http.ResponseWriter, *http.Request) {}))).Check(t.Context(), elevate.CheckConfig{Reports: newReports(t, reports)}))
	require.Equal(t, contract.NotChecked, by["remote product IDs"].State)
	require.Equal(t, contract.Good, by["remote product ID P-02"].State)
	require.NotContains(t, by, "remote product ID P-29")
	require.Len(t, by, 2+1+2+20+len(unseen))
}

// Each row is an endpoint with one mistake, or none.
func TestCheckOfTheEndpoint(t *testing.T) {
	t.Parallel()
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			sent, _ := io.ReadAll(r.Body)
			if r.Method != http.MethodGet || len(sent) > 0 || r.Header.Get("Authorization") != "" || strings.Contains(fmt.Sprint(r.Header), key) {
				t.Errorf("%s with %s and a body of %d bytes", r.Method, r.Header, len(sent))
			}
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Location", "https://evil.example/?"+key)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for _, c := range []struct {
		handler http.HandlerFunc
		state   contract.State
		text    string
	}{
		{answer(405, "", ""), contract.Good, "another method"},
		{answer(401, "", key), contract.Good, "wants credentials"},
		{answer(403, "", ""), contract.Good, "wants credentials"},
		{answer(400, "text/html", html200), contract.Good, "refuses an empty call"},
		{answer(422, "", ""), contract.Good, "refuses an empty call"},
		{answer(404, "text/html", html200), contract.Wrong, "is the path right?"},
		{answer(410, "", ""), contract.Wrong, "is the path right?"},
		{answer(301, "", ""), contract.Wrong, "redirects are not followed"},
		{answer(308, "", ""), contract.Wrong, "redirects are not followed"},
		{answer(200, "text/html; charset=utf-8", "Sign in, "+email), contract.Wrong, "a web page"},
		{answer(200, "text/plain", "\n"+html200), contract.Wrong, "a web page"},
		{answer(200, "application/json", `{"success":true}`), contract.NotChecked, "only a registration shows"},
		{answer(204, "", ""), contract.NotChecked, "only a registration shows"},
		{answer(429, "", ""), contract.NotChecked, "try again later"},
		{answer(500, "", ""), contract.NotChecked, "try again later"},
		{answer(503, "text/html", html200), contract.NotChecked, "try again later"},
	} {
		cfg := config(serve(t, c.handler))
		cfg.Profile.Auth, cfg.Profile.AuthField = elevate.AuthBearer, ""
		by := found(t, newClient(t, cfg).Check(t.Context(), elevate.CheckConfig{}))
		require.Equal(t, c.state, by["endpoint"].State, by["endpoint"])
		require.Contains(t, by["endpoint"].Text, c.text)
		require.Equal(t, contract.Good, by["host 127.0.0.1"].State)
		require.Equal(t, contract.NotChecked, by["Report API's key"].State)
		for _, subject := range unseen {
			require.Equal(t, contract.NotChecked, by[subject].State)
		}
	}
}

func TestCheckOfTheHost(t *testing.T) {
	t.Parallel()
	fine := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) }
	secure := httptest.NewTLSServer(http.HandlerFunc(fine))
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	for name, c := range map[string]struct {
		endpoint  string
		roots     *x509.CertPool
		host, tls contract.State
		text      string
	}{
		"all good":            {secure.URL, roots, contract.Good, contract.Good, "verifies"},
		"certificate unknown": {secure.URL, nil, contract.Good, contract.Wrong, "does not prove who it is"},
		"no TLS at all":       {"https" + strings.TrimPrefix(serve(t, fine), "http"), nil, contract.Good, contract.Wrong, "does not prove who it is"},
		"nobody listens":      {nobody, nil, contract.Wrong, contract.NotChecked, "not reached"},
		"no such host":        {"https://elevate.invalid/api", nil, contract.Wrong, contract.NotChecked, "not reached"}, // RFC 6761 section 6.4
		"connection cut": {
			serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), nil, contract.Wrong, contract.NotChecked, "sandboxes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(c.endpoint + "?token=" + key)
			cfg.RootCAs = c.roots
			all := newClient(t, cfg).Check(t.Context(), elevate.CheckConfig{})
			by := found(t, all)
			require.Equal(t, c.host, all[0].State, all[0])
			require.Equal(t, c.tls, by["TLS"].State, by["TLS"])
			require.Contains(t, by["TLS"].Text, c.text)
			_, asked := by["endpoint"]
			require.Equal(t, c.host == contract.Good && c.tls != contract.Wrong, asked)
			if name == "no such host" {
				require.Contains(t, all[0].Text, "does not resolve")
			}
		})
	}
}

func TestCheckThatIsCalledOff(t *testing.T) {
	t.Parallel()
	_, reports := reportSandbox(t, elevate.GuessedReportProfile())
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for subject, f := range found(t, newClient(t, config(reports.Endpoint)).Check(ctx, elevate.CheckConfig{Reports: newReports(t, reports)})) {
		require.Equal(t, contract.NotChecked, f.State, subject)
	}
	// A caller who gives up before a slow host answers gets another finding.
	endpoint := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	late, end := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer end()
	require.Equal(t, contract.Wrong, found(t, newClient(t, config(endpoint)).Check(late, elevate.CheckConfig{}))["host 127.0.0.1"].State)
}

func TestCheckOfTheReportAPI(t *testing.T) {
	t.Parallel()
	const reportKey, wire = "Report API's key", "report profile"
	for name, c := range map[string]struct {
		change  func(*elevatetest.Server, *elevate.ReportsConfig)
		subject string
		state   contract.State
		text    string
	}{
		"another key": {func(_ *elevatetest.Server, cfg *elevate.ReportsConfig) {
			cfg.APIKey = elevate.Key("another")
		}, reportKey, contract.Wrong, "refused"},
		"no such address": {func(_ *elevatetest.Server, cfg *elevate.ReportsConfig) { cfg.Endpoint += "x" }, wire, contract.Wrong, "404"},
		"busy": {func(s *elevatetest.Server, _ *elevate.ReportsConfig) {
			s.MisbehaveReports(elevatetest.Fault{Kind: elevatetest.Throttle})
		}, reportKey, contract.NotChecked, "later"},
		"down": {func(s *elevatetest.Server, _ *elevate.ReportsConfig) {
			s.MisbehaveReports(elevatetest.Fault{Kind: elevatetest.Unavailable})
		}, reportKey, contract.NotChecked, "later"},
		"login page": {func(s *elevatetest.Server, _ *elevate.ReportsConfig) {
			s.MisbehaveReports(elevatetest.Fault{Kind: elevatetest.LoginPage})
		}, wire, contract.Wrong, "not JSON"},
		"another column": {func(_ *elevatetest.Server, cfg *elevate.ReportsConfig) {
			p := *cfg.Profile
			p.Email = "mail"
			cfg.Profile = &p
		}, wire, contract.Wrong, "profile's Email"},
		"not reached": {func(_ *elevatetest.Server, cfg *elevate.ReportsConfig) {
			cfg.Endpoint = "http://127.0.0.1:1/"
		}, "Report API", contract.Wrong, "not reached"},
		"nothing lately": {func(_ *elevatetest.Server, cfg *elevate.ReportsConfig) {
			cfg.Now = func() time.Time { return since.Add(999 * time.Hour) }
		}, wire, contract.NotChecked, "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, cfg := reportSandbox(t, elevate.GuessedReportProfile())
			client := newClient(t, config(strings.TrimSuffix(cfg.Endpoint, "/api/reports/")+"/api/registration"))
			cfg.Now = func() time.Time { return since.Add(10 * time.Hour) }
			c.change(s, &cfg)
			by := found(t, client.Check(t.Context(), elevate.CheckConfig{Reports: newReports(t, cfg)}))
			require.Equal(t, c.state, by[c.subject].State, by)
			require.Contains(t, by[c.subject].Text, c.text)
		})
	}
	t.Run("too soon", func(t *testing.T) {
		t.Parallel()
		s, cfg := reportSandbox(t, elevate.GuessedReportProfile())
		cfg.MinInterval = time.Hour
		reports := newReports(t, cfg)
		client := newClient(t, config(cfg.Endpoint))
		for _, state := range []contract.State{contract.Good, contract.NotChecked} {
			require.Equal(t, state, found(t, client.Check(t.Context(), elevate.CheckConfig{Reports: reports, Window: 1000 * time.Hour}))[reportKey].State)
		}
		reported := 0
		for _, call := range s.ReportCalls() {
			if call.Status == http.StatusOK {
				reported++
			}
		}
		require.Equal(t, 1, reported)
	})
}
