package apiclient_test

import (
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/outbox"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// quiet drops a test server's log of cut connections.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestClassify(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(cfg *apiclient.Config) { cfg.Now = func() time.Time { return noon } })
	ofEndpoint := outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable, Tentative: true}
	for status, want := range map[int]outbox.DeliveryError{
		301: ofEndpoint, 302: ofEndpoint, 304: ofEndpoint,
		404: ofEndpoint, 405: ofEndpoint, 406: ofEndpoint, 410: ofEndpoint, 415: ofEndpoint, 421: ofEndpoint, 426: ofEndpoint,
		400: {Outcome: outbox.OutcomeRejected}, 409: {Outcome: outbox.OutcomeRejected}, 422: {Outcome: outbox.OutcomeRejected},
		401: {Outcome: outbox.OutcomeUnauthorized},
		403: {Outcome: outbox.OutcomeUnauthorized, Tentative: true},
		408: {Outcome: outbox.OutcomeUnavailable, RetryAfter: time.Minute},
		425: {Outcome: outbox.OutcomeUnavailable, RetryAfter: time.Minute},
		429: {Outcome: outbox.OutcomeThrottled, RetryAfter: time.Minute},
		500: {Outcome: outbox.OutcomeUnavailable, RetryAfter: time.Minute},
		502: {Outcome: outbox.OutcomeUnavailable, RetryAfter: time.Minute},
		503: {Outcome: outbox.OutcomeUnavailable, RetryAfter: time.Minute},
		504: {Outcome: outbox.OutcomeUnknown},
		599: {Outcome: outbox.OutcomeUnavailable, RetryAfter: time.Minute},
		101: {Outcome: outbox.OutcomeUnknown}, 777: {Outcome: outbox.OutcomeUnavailable, RetryAfter: time.Minute},
	} {
		r := &apiclient.Reply{Status: status, Header: http.Header{"Retry-After": {"60"}}, Body: "key " + secret + " of " + private}
		d := c.Classify(r, private)
		require.NotNil(t, d, status)
		require.Equal(t, want.Outcome, d.Outcome, status)
		require.Equal(t, want.Tentative, d.Tentative, status)
		require.Equal(t, want.RetryAfter, d.RetryAfter, status)
		require.Equal(t, r.Code(), d.Code)
		require.NotEmpty(t, d.Reason)
		require.Equal(t, "key [removed] of [removed]", d.Detail)
	}
	for _, status := range []int{200, 201, 204, 299} {
		require.Nil(t, c.Classify(&apiclient.Reply{Status: status}))
	}
}

// A 4xx with a web page is no API's, such as the page of a firewall or of a login.
func TestClassifyTellsAPageFromARefusal(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil)
	for _, r := range []*apiclient.Reply{
		{Status: 400, Body: "\ufeff \n<!DOCTYPE html><p>Not acceptable"},
		{Status: 422, Body: "Blocked", Header: http.Header{"Content-Type": {"Text/HTML"}}},
	} {
		d := c.Classify(r)
		require.Equal(t, outbox.OutcomeUnavailable, d.Outcome)
		require.True(t, d.Tentative)
	}
	for _, r := range []*apiclient.Reply{
		{Status: 400, Body: `{"error":"<p>"}`},
		{Status: 400, Body: "\ufeff " + `{"error":"unknown"}`, Header: http.Header{"Content-Type": {"text/html; charset=UTF-8"}}},
		{Status: 400},
	} {
		require.False(t, c.Classify(r).Tentative)
		require.Equal(t, outbox.OutcomeRejected, c.Classify(r).Outcome)
	}
}

func TestDetailIsShortAndInert(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil)
	d := c.Detail(&apiclient.Reply{Body: "a\x00\x1b[31m\xff" + strings.Repeat("é", 5000)})
	require.LessOrEqual(t, len(d), 4<<10)
	require.NotContains(t, d, "\x00")
	require.NotContains(t, d, "\x1b")

	for _, truncated := range []bool{true, false} { // at the client's limit, and at the limit of a detail
		for shift := range len(secret) {
			cut := &apiclient.Reply{
				Body: strings.Repeat("x", shift) + strings.Repeat(secret, 6000) + secret[:8], Truncated: truncated,
			}
			require.NotContains(t, c.Detail(cut), secret[:2], "the piece that a cut left is not shown")
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"":                                  0,
		"0":                                 0,
		"60":                                time.Minute,
		" 60 ":                              time.Minute,
		"-60":                               0,
		"+60":                               0,
		"1.5":                               0,
		"1e3":                               0,
		"soon":                              0,
		"21600":                             6 * time.Hour,
		"21601":                             6 * time.Hour,
		"99999999999999999999":              6 * time.Hour,
		"9223372036854775807":               6 * time.Hour,
		"Sun, 01 Mar 2026 12:01:00 GMT":     time.Minute,
		"Sunday, 01-Mar-26 12:01:00 GMT":    time.Minute, // RFC 850
		"Sun, 01 Mar 2026 11:00:00 GMT":     0,
		"Sun, 01 Mar 9026 12:00:00 GMT":     6 * time.Hour,
		"Sun, 01 Mar 2026 12:01:00 +0000 x": 0,
		"６０":                                0,
	} {
		require.Equal(t, want, apiclient.RetryAfter(http.Header{"Retry-After": {text}}, noon), text)
	}
	require.Zero(t, apiclient.RetryAfter(nil, noon))
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "60", "-1", "99999999999999999999", "Sun, 01 Mar 2026 12:01:00 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := apiclient.RetryAfter(http.Header{"Retry-After": {text}}, noon)
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, 6*time.Hour)
	})
}
