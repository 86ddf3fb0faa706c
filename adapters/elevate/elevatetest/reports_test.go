package elevatetest_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

const validReport = `{"api_key":"key","format":"json","labels":false,"resource":"productRegistration",` +
	`"fields":["user.firstname","user.lastname","user.email","transaction_at","product.title","product.remote_product_id"],` +
	`"filters":{"transaction_at":{">=":"2027-01-15 08:00:00"}}}`

func newReportServer(t *testing.T, change func(*elevate.ReportProfile)) *elevatetest.Server {
	t.Helper()
	p := elevate.GuessedReportProfile()
	if change != nil {
		change(p)
	}
	s, err := elevatetest.New(elevatetest.Config{
		Key: "key", Profile: elevate.GuessedProfile(), ReportProfile: p,
		Now:      func() time.Time { return time.Unix(1_800_000_000, 0).UTC() }, // 2027-01-15 08:00:00
		Products: []elevatetest.Product{{RemoteProductID: "COURSE-1", Title: "Safety"}},
	})
	require.NoError(t, err)
	return s
}

func report(s *elevatetest.Server, method, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://learn.example.org/api/reports/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestReportCallsOfTheWrongFormAreRefused(t *testing.T) {
	t.Parallel()
	const asJSON = "application/json"
	with := func(old, changed string) string {
		require.Contains(t, validReport, old)
		return strings.Replace(validReport, old, changed, 1)
	}
	for _, c := range []struct {
		method, contentType, body string
		status                    int
		violation                 string
	}{
		{"GET", asJSON, "", 405, "not POST"},
		{"POST", "text/plain", validReport, 415, "content type"},
		{"POST", asJSON, "", 400, "JSON"},
		{"POST", asJSON, "[]", 400, "the body is not an object"},
		{"POST", asJSON, with("{", `{"format":"json",`), 400, "a field of the body stands there twice"},
		{"POST", asJSON, `"` + strings.Repeat("x", 70<<10) + `"`, 413, "64 KiB"},
		{"POST", asJSON, with(`"api_key":"key",`, ""), 401, "api_key"},
		{"POST", asJSON, with(`"key"`, `"Key"`), 401, "api_key"},
		{"POST", asJSON, with(`"format":"json",`, ""), 422, "format is missing"},
		{"POST", asJSON, with(`"json"`, `"csv"`), 422, "format is not"},
		{"POST", asJSON, with(`false`, `0`), 422, "labels is not"},
		{"POST", asJSON, with(`"labels":false,`, ``), 422, "labels is missing"},
		{"POST", asJSON, with(`"productRegistration"`, `"user"`), 422, "resource is not"},
		{"POST", asJSON, with(`"user.email",`, ``), 422, "fields is not"},
		{"POST", asJSON, with(`,"filters":{"transaction_at":{">=":"2027-01-15 08:00:00"}}`, ``), 422, "filters"},
		{"POST", asJSON, with(`2027-01-15 08:00:00`, `2027-01-15`), 422, "filters"},
		{"POST", asJSON, with(`">="`, `">"`), 422, "filters"},
		{"POST", asJSON, with(`{">="`, `{"<=":"2027-01-16 08:00:00",">="`), 422, "filters"},
		{"POST", asJSON, with(`{"transaction_at"`, `{"user":1,"transaction_at"`), 422, "filters"},
		{"POST", asJSON, with(`{"api_key"`, `{"page":1,"api_key"`), 422, "nobody names the field page"},
	} {
		s := newReportServer(t, nil)
		w := report(s, c.method, c.contentType, c.body)
		require.Equal(t, c.status, w.Code, c.violation)
		require.Contains(t, w.Body.String(), `"error":"`)
		require.Equal(t, c.status == 405, w.Header().Get("Allow") == "POST")
		calls := s.ReportCalls()
		require.Len(t, calls, 1)
		require.Contains(t, strings.Join(calls[0].Violations, "\n"), c.violation)
		require.Equal(t, c.status, calls[0].Status)
	}
}

func TestReportsListRegistrations(t *testing.T) {
	t.Parallel()
	s := newReportServer(t, nil)
	require.Equal(t, 200, call(s, "POST", "application/json", valid).Code)
	require.Equal(t, 200, call(s, "POST", "application/json", strings.Replace(valid, "Byron", "Lovelace", 1)).Code)
	w := report(s, "POST", "application/json", validReport)
	require.Equal(t, 200, w.Code)
	require.JSONEq(t, `[{"user":{"firstname":"Ada","lastname":"Lovelace","email":"ada@example.org"},`+
		`"product":{"title":"Safety","remote_product_id":"COURSE-1"},"transaction_at":"2027-01-15 08:00:00"}]`, w.Body.String())
	w = report(s, "POST", "application/json", strings.Replace(validReport, "08:00:00", "08:00:01", 1))
	require.JSONEq(t, `[]`, w.Body.String())
	require.NotContains(t, fmt.Sprintf("%+v", s.ReportCalls()), "@")
	r := httptest.NewRequest("POST", "/api/reports/?api_key=key", strings.NewReader(validReport))
	r.Header.Set("Content-Type", "application/json")
	w = httptest.NewRecorder()
	s.ServeHTTP(w, r)
	require.Equal(t, 400, w.Code)
	require.Contains(t, w.Body.String(), "has a query")
}

func TestReportsInPagesWantTheirFields(t *testing.T) {
	t.Parallel()
	s := newReportServer(t, func(p *elevate.ReportProfile) {
		p.PageField, p.PageSizeField, p.PageSize, p.Rows = "page", "size", 10, "rows"
	})
	for more, status := range map[string]int{
		`"page":1,"size":10,`: 200, `"page":99,"size":10,`: 200, ``: 422, `"page":1,`: 422, `"page":0,"size":10,`: 422,
		`"page":"1","size":10,`: 422, `"page":1,"size":11,`: 422, `"page":1.5,"size":10,`: 422, `"page":1e9,"size":10,`: 422,
	} {
		w := report(s, "POST", "application/json", strings.Replace(validReport, "{", "{"+more, 1))
		require.Equal(t, status, w.Code, more)
		require.Equal(t, status == 200, w.Body.String() == `{"rows":[]}`)
	}
}

func TestFollowReports(t *testing.T) {
	t.Parallel()
	s := newReportServer(t, nil)
	require.NoError(t, s.FollowReports(elevatetest.Script{Calls: map[int]elevatetest.Fault{2: {Kind: elevatetest.Throttle, RetryAfter: "7"}}}))
	s.MisbehaveReports(elevatetest.Fault{Kind: elevatetest.ServerError})
	require.Equal(t, 500, report(s, "POST", "application/json", validReport).Code, "what is queued goes first")
	w := report(s, "POST", "application/json", validReport)
	require.Equal(t, 429, w.Code)
	require.Equal(t, "7", w.Header().Get("Retry-After"))
	require.Equal(t, 200, report(s, "POST", "application/json", validReport).Code)
	require.Equal(t, 200, call(s, "POST", "application/json", valid).Code, "registrations have a script of their own")

	require.NoError(t, s.FollowReports(elevatetest.Script{Seed: 1, Rate: 0.5, Faults: []elevatetest.Fault{{Kind: elevatetest.Unavailable}}}))
	codes := map[int]int{}
	for range 100 {
		codes[report(s, "POST", "application/json", validReport).Code]++
	}
	require.InDelta(t, 50, codes[503], 20, "the rate strikes some of the calls")
	require.Equal(t, 100, codes[503]+codes[200])

	for field, script := range map[string]elevatetest.Script{
		"script.rate":  {Rate: 2},
		"script.users": {Users: map[string][]elevatetest.Fault{"U-1": nil}},
	} {
		var bad *amsbridge.InputError
		require.ErrorAs(t, s.FollowReports(script), &bad)
		require.Equal(t, field, bad.Field)
	}
	require.NoError(t, s.FollowReports(elevatetest.Script{}))
	require.Equal(t, 200, report(s, "POST", "application/json", validReport).Code)
}

func TestReportsAreServedOnlyWhenOpened(t *testing.T) {
	t.Parallel()
	require.Equal(t, 404, report(newServer(t), "POST", "application/json", validReport).Code)
	for field, change := range map[string]func(*elevatetest.Config){
		"Config.ReportProfile.Name": func(c *elevatetest.Config) { c.ReportProfile = &elevate.ReportProfile{} },
		"Config.Path":               func(c *elevatetest.Config) { c.Path = "/api/reports/" },
		"Config.ReportKey": func(c *elevatetest.Config) {
			c.Profile.Auth, c.Key, c.UserName, c.Password = elevate.AuthBasic, "", "u", "p"
		},
	} {
		cfg := elevatetest.Config{Key: "key", Profile: elevate.GuessedProfile(), ReportProfile: elevate.GuessedReportProfile()}
		change(&cfg)
		_, err := elevatetest.New(cfg)
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad, field)
		require.Equal(t, field, bad.Field)
	}
}
