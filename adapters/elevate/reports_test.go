package elevate_test

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
)

var since = time.Date(2026, 3, 1, 4, 5, 6, 700, time.FixedZone("", 3600))

// goldenReport is the whole request of the guessed profile. It changes only
// when the guess does.
const goldenReport = `POST /api/reports/ HTTP/1.1
Host: elevate.example.org
Accept: application/json
Content-Length: 270
Content-Type: application/json
User-Agent: amsbridge/1.2.3

{"api_key":"planted+key/4711",` +
	`"fields":["user.firstname","user.lastname","user.email","transaction_at","product.title","product.remote_product_id"],` +
	`"filters":{"transaction_at":{">=":"2026-03-01 03:05:06"}},"format":"json","labels":false,"resource":"productRegistration"}`

const oneRow = `[{"user":{"firstname":"Quintessa","lastname":"O'Malley-Ångström","email":"quintessa.o'malley@example.org"},` +
	`"product":{"title":"Safety","remote_product_id":"COURSE-1"},"transaction_at":"2026-03-01 10:00:00"}]`

func reportsConfig(endpoint string) elevate.ReportsConfig {
	return elevate.ReportsConfig{
		AllowLoopbackHTTP: true, APIKey: elevate.Key(key), Endpoint: endpoint, MinInterval: -1,
		Profile: elevate.GuessedReportProfile(), Version: "1.2.3",
	}
}

func newReports(t *testing.T, cfg elevate.ReportsConfig) *elevate.Reports {
	t.Helper()
	r, err := elevate.NewReports(cfg)
	require.NoError(t, err)
	t.Cleanup(r.CloseIdleConnections)
	return r
}

// all reads a report to its end or its first error, which it returns last.
func all(t *testing.T, seq iter.Seq2[elevate.ReportedRegistration, error]) (rows []elevate.ReportedRegistration, failed error) {
	t.Helper()
	for row, err := range seq {
		require.NoError(t, failed, "an error ends it")
		if err != nil {
			require.Empty(t, row)
			failed = err
			continue
		}
		rows = append(rows, row)
	}
	return rows, failed
}

func TestNewReportsNamesTheField(t *testing.T) {
	t.Parallel()
	profile := func(change func(*elevate.ReportProfile)) func(*elevate.ReportsConfig) {
		return func(c *elevate.ReportsConfig) { change(c.Profile) }
	}
	for _, c := range []struct {
		field  string
		change func(*elevate.ReportsConfig)
	}{
		{"ReportsConfig.Profile", func(c *elevate.ReportsConfig) { c.Profile = nil }},
		{"ReportsConfig.Profile.Name", profile(func(p *elevate.ReportProfile) { p.Name = "" })},
		{"ReportsConfig.Profile.Format", profile(func(p *elevate.ReportProfile) { p.Format = nil })},
		{"ReportsConfig.Profile.Labels", profile(func(p *elevate.ReportProfile) { p.Labels = json.RawMessage("yes") })},
		{"ReportsConfig.Profile.Fields", profile(func(p *elevate.ReportProfile) { p.Fields = json.RawMessage("[") })},
		{"ReportsConfig.Profile.Email", profile(func(p *elevate.ReportProfile) { p.Email = "user." })},
		{"ReportsConfig.Profile.TransactionAt", profile(func(p *elevate.ReportProfile) { p.TransactionAt = "" })},
		{"ReportsConfig.Profile.Errors[0]", profile(func(p *elevate.ReportProfile) { p.Errors = []string{""} })},
		{"ReportsConfig.Profile.Rows", profile(func(p *elevate.ReportProfile) { p.Rows = "." })},
		{"ReportsConfig.Profile.PageField", profile(func(p *elevate.ReportProfile) { p.PageSize = 10 })},
		{"ReportsConfig.Profile.PageField", profile(func(p *elevate.ReportProfile) { p.PageField, p.PageSize = "fields", 10 })},
		{"ReportsConfig.Profile.PageField", profile(func(p *elevate.ReportProfile) { p.PageField, p.PageSize = "filters.page", 10 })},
		{"ReportsConfig.Profile.PageSizeField", profile(func(p *elevate.ReportProfile) { p.PageField, p.PageSizeField, p.PageSize = "n", "n", 10 })},
		{"ReportsConfig.Profile.PageSizeField", profile(func(p *elevate.ReportProfile) { p.PageField, p.PageSizeField, p.PageSize = "n", "n.", 10 })},
		{"ReportsConfig.Profile.PageSize", profile(func(p *elevate.ReportProfile) { p.PageField = "page" })},
		{"ReportsConfig.Profile.TimeLayouts", profile(func(p *elevate.ReportProfile) { p.TimeLayouts = nil })},
		{"ReportsConfig.Profile.TimeLayouts[1]", profile(func(p *elevate.ReportProfile) { p.TimeLayouts[1] = time.DateOnly })},
		{"ReportsConfig.APIKey", func(c *elevate.ReportsConfig) { c.APIKey = elevate.Credentials{} }},
		{"ReportsConfig.APIKey", func(c *elevate.ReportsConfig) { c.APIKey = elevate.UserPassword("u", key) }},
		{"ReportsConfig.Site", func(c *elevate.ReportsConfig) { c.Endpoint = "" }},
		{"ReportsConfig.Site", func(c *elevate.ReportsConfig) { c.Endpoint, c.Site = "", "learn.example.org/x" }},
		{"ReportsConfig.Site", func(c *elevate.ReportsConfig) { c.Endpoint, c.Site = "", "a@learn.example.org" }},
		{"ReportsConfig.Site", func(c *elevate.ReportsConfig) { c.Site = "learn.example.org" }},
		{"ReportsConfig.Endpoint", func(c *elevate.ReportsConfig) { c.Endpoint = "http://learn.example.org/api/reports/" }},
		{"ReportsConfig.Endpoint", func(c *elevate.ReportsConfig) { c.AllowLoopbackHTTP = false }},
		{"ReportsConfig.MaxBody", func(c *elevate.ReportsConfig) { c.MaxBody = 1 }},
		{"ReportsConfig.MaxRows", func(c *elevate.ReportsConfig) { c.MaxRows = -1 }},
		{"ReportsConfig.Timeout", func(c *elevate.ReportsConfig) { c.Timeout = -1 }},
	} {
		cfg := reportsConfig("http://127.0.0.1:1/api/reports/")
		c.change(&cfg)
		_, err := elevate.NewReports(cfg)
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad, c.field)
		require.Equal(t, "elevate", bad.Package)
		require.Equal(t, c.field, bad.Field)
		require.NotContains(t, err.Error(), key)
	}
	cfg := reportsConfig("")
	cfg.Site = "learn.example.org"
	r := newReports(t, cfg)
	require.Contains(t, fmt.Sprintf("%+v", r), "https://learn.example.org/api/reports/")
	require.NotContains(t, fmt.Sprintf("%+v %#v %#v", r, r, cfg), key)
}

func TestGoldenReportRequest(t *testing.T) {
	t.Parallel()
	var got []byte
	cfg := reportsConfig(serve(t, func(w http.ResponseWriter, r *http.Request) {
		r.Host = "elevate.example.org"
		got, _ = httputil.DumpRequest(r, true)
		_, _ = io.WriteString(w, oneRow)
	}) + "/api/reports/")
	client := newReports(t, cfg)
	cfg.Profile.Fields[2], cfg.Profile.TimeLayouts[0] = 'X', "" // the client has a copy of its own
	rows, err := all(t, client.Registrations(t.Context(), since))
	require.NoError(t, err)
	require.Equal(t, goldenReport, strings.ReplaceAll(string(got), "\r\n", "\n"))
	require.Equal(t, []elevate.ReportedRegistration{{
		RemoteProductID: "COURSE-1", ProductTitle: "Safety", FirstName: firstName, LastName: lastName, Email: email,
		TransactionAt: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
	}}, rows)
}

func TestReportsAskNothingWithoutATime(t *testing.T) {
	t.Parallel()
	client := newReports(t, reportsConfig(serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })))
	for _, at := range []time.Time{{}, time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		_, err := all(t, client.Registrations(t.Context(), at))
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, "since", bad.Field)
	}
}
