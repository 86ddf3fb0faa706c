package apiclient_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/internal/faults"
	"github.com/amsbridge/amsbridge/outbox"
)

const (
	secret  = "s3cr3t/key+1"
	private = "jane.o'brien@example.org"
)

func newClient(t *testing.T, change func(*apiclient.Config)) *apiclient.Client {
	t.Helper()
	cfg := apiclient.Config{AllowLoopbackHTTP: true, Secrets: []string{secret}, Version: "1.2.3"}
	if change != nil {
		change(&cfg)
	}
	c, err := apiclient.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func request(url string) apiclient.Request {
	return apiclient.Request{
		Method: http.MethodPost, URL: strings.TrimSuffix(url, "/") + "/back/door?key=" + secret + "&mail=" + private, Body: []byte("{}"), Private: []string{private},
	}
}

func TestNewNamesTheField(t *testing.T) {
	t.Parallel()
	for field, cfg := range map[string]apiclient.Config{
		"shop: Config.Concurrency":         {Package: "shop", Concurrency: -1},
		"apiclient: ReportsConfig.MaxBody": {Type: "ReportsConfig", MaxBody: 1},
		"apiclient: Config.Version":        {Version: "1\r\nX: y"},
	} {
		_, err := apiclient.New(cfg)
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, field, bad.Package+": "+bad.Field)
	}
}

func TestCheckEndpoint(t *testing.T) {
	t.Parallel()
	lax := newClient(t, nil)
	strict := newClient(t, func(c *apiclient.Config) { c.AllowLoopbackHTTP = false })
	for url, want := range map[string]struct{ strict, lax bool }{
		"https://api.example.org/x?y=1": {true, true},
		"http://127.0.0.1:8080/":        {false, true},
		"http://[::1]/":                 {false, true},
		"http://localhost/":             {false, true},
		"http://api.example.org/":       {},
		"http://127.0.0.1.example.org/": {},
		"http://localhost.example.org/": {},
		"https://user:pw@example.org/":  {},
		"https:///path":                 {},
		"https://example.org/#f":        {},
		"ftp://example.org/":            {},
		"example.org":                   {},
		"https://exa mple.org/":         {},
		"":                              {},
	} {
		require.Equal(t, want.strict, strict.CheckEndpoint("Endpoint", url) == nil, url)
		err := lax.CheckEndpoint("Endpoint", url)
		require.Equal(t, want.lax, err == nil, url)
		if err != nil {
			require.ErrorContains(t, err, "Endpoint")
			require.NotContains(t, err.Error(), "example.org")
		}
	}
}

func TestDoSendsOurHeaders(t *testing.T) {
	t.Parallel()
	var got http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	t.Cleanup(srv.Close)
	req := request(srv.URL)
	req.Key = "key"
	req.Header = http.Header{"Idempotency-Key": {"k"}, "X-Idempotency-Key": {"k"}, "User-Agent": {"x"}}
	reply, err := newClient(t, nil).Do(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, reply.Status)
	require.Equal(t, "amsbridge/1.2.3", got.Get("User-Agent"))
	require.Equal(t, "key", got.Get(apiclient.KeyHeader))
	require.NotContains(t, got, "Idempotency-Key")
	require.NotContains(t, got, "X-Idempotency-Key")
}

// requireFailure checks the outcome, and that no text holds anything private.
func requireFailure(t *testing.T, err error, want outbox.Outcome) {
	t.Helper()
	var d *outbox.DeliveryError
	require.ErrorAs(t, err, &d)
	require.Equal(t, want, d.Outcome, err)
	for e := err; e != nil; e = unwrap(e) {
		for _, bad := range []string{secret, private, "key=", "mail=", "door"} {
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", e, e, e), bad)
		}
	}
}

func unwrap(err error) error {
	u, ok := err.(interface{ Unwrap() error })
	if !ok {
		return nil
	}
	return u.Unwrap()
}

func TestDoFailsBeforeAnythingWasSent(t *testing.T) {
	t.Parallel()
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		_, err := newClient(t, nil).Do(t.Context(), request("http://127.0.0.1:1/"))
		requireFailure(t, err, outbox.OutcomeUnavailable)
	})
	t.Run("bad TLS", func(t *testing.T) {
		t.Parallel()
		var calls atomic.Int32
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
		srv.EnableHTTP2 = true
		srv.Config.ErrorLog = quiet()
		var dials atomic.Int32
		srv.Listener = &cutting{Listener: srv.Listener, dials: &dials}
		srv.StartTLS()
		t.Cleanup(srv.Close)
		_, err := newClient(t, nil).Do(t.Context(), request(srv.URL))
		requireFailure(t, err, outbox.OutcomeUnavailable)
		require.ErrorContains(t, err, "certificate")
		require.EqualValues(t, 1, dials.Load(), "a bad certificate stays bad")
		require.Zero(t, calls.Load())

		trusting := newClient(t, func(c *apiclient.Config) {
			c.RootCAs = x509.NewCertPool()
			c.RootCAs.AddCert(srv.Certificate())
		})
		_, err = trusting.Do(t.Context(), request(srv.URL))
		require.NoError(t, err)
	})
	t.Run("context ended", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := newClient(t, nil).Do(ctx, request("http://127.0.0.1:1/"))
		requireFailure(t, err, outbox.OutcomeUnavailable)
		require.ErrorIs(t, err, context.Canceled)
	})
	t.Run("plain http elsewhere", func(t *testing.T) {
		t.Parallel()
		_, err := newClient(t, nil).Do(t.Context(), request("http://api.example.org/"))
		requireFailure(t, err, outbox.OutcomeRejected)
	})
	t.Run("a header that breaks lines", func(t *testing.T) {
		t.Parallel()
		req := request("http://127.0.0.1:1/")
		req.Header = http.Header{"X": {"a\r\nB: " + secret}}
		_, err := newClient(t, nil).Do(t.Context(), req)
		requireFailure(t, err, outbox.OutcomeRejected)
	})
}

func TestDoByFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault   faults.Fault
		outcome outbox.Outcome // none for a reply
		status  int
	}{
		{faults.Fault{Kind: faults.CutBefore}, outbox.OutcomeUnknown, 0},
		{faults.Fault{Kind: faults.CutAfter}, outbox.OutcomeUnknown, 0},
		{faults.Fault{Kind: faults.Truncate}, outbox.OutcomeUnknown, 0},
		{faults.Fault{Kind: faults.HoldAfter}, outbox.OutcomeUnknown, 0},
		{faults.Fault{Kind: faults.Throttle, RetryAfter: "3600"}, outbox.OutcomeNone, 429},
		{faults.Fault{Kind: faults.Unavailable, RetryAfter: "3600"}, outbox.OutcomeNone, 503},
		{faults.Fault{Kind: faults.ServerError}, outbox.OutcomeNone, 500},
		{faults.Fault{Kind: faults.Redirect}, outbox.OutcomeNone, 302},
	} {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			t.Run(c.fault.Kind.String()+" "+method, func(t *testing.T) {
				t.Parallel()
				var calls atomic.Int32
				var plan faults.Plan
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					calls.Add(1)
					_, _ = io.Copy(io.Discard, r.Body)
					plan.Take().Serve(w, r, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "an answer") })
				}))
				t.Cleanup(srv.Close)
				client, req := newClient(t, nil), request(srv.URL)
				req.Method = method
				// The first call leaves an idle connection: only on such a one does net/http re-send a
				// GET by itself.
				_, err := client.Do(t.Context(), req)
				require.NoError(t, err)
				plan.Next(c.fault)
				ctx := t.Context()
				if c.fault.Kind == faults.HoldAfter {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
					defer cancel()
				}
				reply, err := client.Do(ctx, req)
				require.EqualValues(t, 2, calls.Load(), "never sent again by the client")
				if c.outcome != outbox.OutcomeNone {
					requireFailure(t, err, c.outcome)
					return
				}
				require.NoError(t, err)
				require.Equal(t, c.status, reply.Status)
			})
		}
	}
}

func TestDoBoundsBodies(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			w.Header().Set("Content-Length", "10")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "half")
			return
		}
		if r.Method == http.MethodPatch {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = w.Write(body)
			return
		}
		for range 1 << 10 {
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<10))
		}
	}))
	t.Cleanup(srv.Close)
	client := newClient(t, nil)
	reply, err := client.Do(t.Context(), request(srv.URL))
	require.NoError(t, err)
	require.Len(t, reply.Body, 64<<10)
	require.True(t, reply.Truncated)
	for _, n := range []int{0, 1, 4 << 10, 10_000, 64 << 10} {
		whole := request(srv.URL)
		whole.Method, whole.Body = http.MethodPatch, bytes.Repeat([]byte("x"), n)
		reply, err := client.Do(t.Context(), whole)
		require.NoError(t, err)
		require.Len(t, reply.Body, n)
		require.False(t, reply.Truncated)
	}
	cut := request(srv.URL)
	cut.Method = http.MethodPut
	reply, err = client.Do(t.Context(), cut)
	require.NoError(t, err, "the status is an answer, though its text broke off")
	require.Equal(t, "half", reply.Body)
	require.True(t, reply.Truncated)
}

func TestClientShowsNoSecret(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		require.NotContains(t, fmt.Sprintf(verb, c), secret)
		require.NotContains(t, fmt.Sprintf(verb, *c), secret)
	}
}
