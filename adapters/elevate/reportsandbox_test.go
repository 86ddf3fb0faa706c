package elevate_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/outbox"
)

// reportSandbox is a sandbox in which five users were registered, one an hour after since.
func reportSandbox(t *testing.T, p *elevate.ReportProfile) (*elevatetest.Server, elevate.ReportsConfig) {
	t.Helper()
	c := &clock{at: since.Truncate(time.Second)}
	s, err := elevatetest.New(elevatetest.Config{
		Key: "the other API's", ReportKey: key, Profile: elevate.GuessedProfile(), ReportProfile: p, Now: c.now,
		Products: []elevatetest.Product{{RemoteProductID: "COURSE-1", Title: "Safety <1>"}},
	})
	require.NoError(t, err)
	base := serve(t, s.ServeHTTP)
	cfg := config(base + "/api/registration")
	cfg.Credentials = elevate.Key("the other API's")
	client := newClient(t, cfg)
	for i := range 5 {
		_, err := client.Give(t.Context(), grant(func(g *amsbridge.Grant) {
			g.User.ID = amsbridge.UserID(fmt.Sprintf("u-%d", i))
		}))
		require.NoError(t, err)
		c.pass(time.Hour)
	}
	reports := reportsConfig(base + "/api/reports/")
	reports.Profile = p
	return s, reports
}

func TestSandboxReports(t *testing.T) {
	t.Parallel()
	s, cfg := reportSandbox(t, elevate.GuessedReportProfile())
	at := since.Truncate(time.Second).Add(2 * time.Hour)
	rows, err := all(t, newReports(t, cfg).Registrations(t.Context(), at))
	require.NoError(t, err)
	require.Len(t, rows, 3, "those at or after the time")
	require.Equal(t, elevate.ReportedRegistration{
		RemoteProductID: "COURSE-1", ProductTitle: "Safety <1>", FirstName: firstName, LastName: lastName, Email: email,
		TransactionAt: at.UTC(),
	}, rows[0])
	calls := s.ReportCalls()
	require.Len(t, calls, 1)
	require.Equal(t, elevatetest.ReportCall{
		Seq: 1, Time: calls[0].Time, Since: at.UTC(), Page: 1, Rows: 3, Status: 200,
	}, calls[0])
	require.Len(t, s.Journal(), 5, "reports are no calls of the Registration API")

	cfg.APIKey = elevate.Key("the other API's")
	_, err = all(t, newReports(t, cfg).Registrations(t.Context(), at))
	var d *outbox.DeliveryError
	require.ErrorAs(t, err, &d)
	require.Equal(t, outbox.OutcomeUnauthorized, d.Outcome)
	s.Reset()
	require.Empty(t, s.ReportCalls())
}

// What a profile can say, from the client to the sandbox.
func TestSandboxReportsInPages(t *testing.T) {
	t.Parallel()
	for size, pages := range map[int]int{1: 6, 2: 3, 5: 2, 6: 1} {
		p := elevate.GuessedReportProfile()
		p.Rows, p.PageField, p.PageSizeField, p.PageSize = "data.rows", "page.number", "page.size", size
		p.Email, p.RemoteProductID, p.TransactionAt = "contact", "id", "when.at"
		p.TimeLayouts, p.Zone = []string{"02.01.2006 15:04:05"}, time.FixedZone("", -5*3600)
		s, cfg := reportSandbox(t, p)
		rows, err := all(t, newReports(t, cfg).Registrations(t.Context(), since))
		require.NoError(t, err)
		require.Len(t, rows, 5)
		for i, row := range rows {
			require.True(t, row.TransactionAt.Equal(since.Truncate(time.Second).Add(time.Duration(i)*time.Hour)))
		}
		require.Len(t, s.ReportCalls(), pages)
		require.Equal(t, pages, s.ReportCalls()[pages-1].Page)
	}
}

func TestSandboxReportFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault      elevatetest.Fault
		want       outbox.Outcome // none for a report
		retryAfter time.Duration
	}{
		{elevatetest.Fault{Kind: elevatetest.Throttle, RetryAfter: "90"}, outbox.OutcomeThrottled, 90 * time.Second},
		{elevatetest.Fault{Kind: elevatetest.ServerError}, outbox.OutcomeUnavailable, 0},
		{elevatetest.Fault{Kind: elevatetest.Unavailable, RetryAfter: "7"}, outbox.OutcomeUnavailable, 7 * time.Second},
		{elevatetest.Fault{Kind: elevatetest.Unauthorized}, outbox.OutcomeUnauthorized, 0},
		{elevatetest.Fault{Kind: elevatetest.Forbidden}, outbox.OutcomeUnauthorized, 0},
		{elevatetest.Fault{Kind: elevatetest.Garbage}, outbox.OutcomeUnknown, 0},
		{elevatetest.Fault{Kind: elevatetest.LoginPage}, outbox.OutcomeUnknown, 0},
		{elevatetest.Fault{Kind: elevatetest.Redirect}, outbox.OutcomeUnavailable, 0},
		{elevatetest.Fault{Kind: elevatetest.Slow, Delay: time.Millisecond}, outbox.OutcomeNone, 0},
		{elevatetest.Fault{Kind: elevatetest.CutBefore}, outbox.OutcomeUnknown, 0},
		{elevatetest.Fault{Kind: elevatetest.CutAfter}, outbox.OutcomeUnknown, 0},
		{elevatetest.Fault{Kind: elevatetest.Truncate}, outbox.OutcomeUnknown, 0},
	} {
		t.Run(c.fault.Kind.String(), func(t *testing.T) {
			t.Parallel()
			s, cfg := reportSandbox(t, elevate.GuessedReportProfile())
			s.MisbehaveReports(c.fault)
			rows, err := all(t, newReports(t, cfg).Registrations(t.Context(), since))
			require.Len(t, s.ReportCalls(), 1, "the client asks once")
			require.Equal(t, c.fault.Kind, s.ReportCalls()[0].Fault)
			require.Empty(t, s.ReportCalls()[0].Violations)
			if c.want == outbox.OutcomeNone {
				require.NoError(t, err)
				require.Len(t, rows, 5)
				return
			}
			require.Empty(t, rows)
			var d *outbox.DeliveryError
			require.ErrorAs(t, err, &d)
			require.Equal(t, c.want, d.Outcome)
			require.Equal(t, c.retryAfter, d.RetryAfter)
			requireClean(t, fmt.Sprintf("%+v", *d))
		})
	}
}

// A nightly job compares what Elevate reports with the store's own orders. Here
// it asks the sandbox.
func ExampleReports() {
	platform, err := elevatetest.New(elevatetest.Config{
		Key: "key", Profile: elevate.GuessedProfile(), ReportProfile: elevate.GuessedReportProfile(),
		Now:      func() time.Time { return time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC) },
		Products: []elevatetest.Product{{RemoteProductID: "COURSE-1", Title: "Safety"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := httptest.NewServer(platform)
	defer srv.Close()
	client, err := elevate.New(elevate.Config{
		Endpoint: srv.URL + "/api/registration", AllowLoopbackHTTP: true, Credentials: elevate.Key("key"), Profile: elevate.GuessedProfile(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if _, err := client.Give(ctx, amsbridge.Grant{
		Key: "k1", User: amsbridge.User{ID: "u-7", FirstName: "Ada", LastName: "Byron", Email: "ada@example.org"},
		Item: amsbridge.Item{RemoteProductID: "COURSE-1"},
	}); err != nil {
		fmt.Println(err)
		return
	}

	reports, err := elevate.NewReports(elevate.ReportsConfig{
		Endpoint: srv.URL + "/api/reports/", AllowLoopbackHTTP: true, // a real one needs only its Site
		APIKey: elevate.Key("key"), Profile: elevate.GuessedReportProfile(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	lastNight := time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC)
	for row, err := range reports.Registrations(ctx, lastNight) {
		fmt.Println(row.RemoteProductID, row.ProductTitle, row.TransactionAt.Format(time.RFC3339), err)
	}
	for _, err := range reports.Registrations(ctx, lastNight) {
		_, tooSoon := errors.AsType[*elevate.TooSoonError](err)
		fmt.Println("too soon:", tooSoon)
	}
	// Output:
	// COURSE-1 Safety 2026-03-01T10:00:00Z <nil>
	// too soon: true
}
