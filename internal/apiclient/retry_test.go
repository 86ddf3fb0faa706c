package apiclient_test

import (
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/internal/faults"
	"github.com/amsbridge/amsbridge/outbox"
)

// A connection that fails in the handshake has sent nothing: there is one second try at once, and no
// third.
func TestDoTriesOnceMoreWhenNothingWasSent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cuts  int32
		calls int32
		dials int32
	}{{1, 1, 2}, {2, 0, 2}} {
		var calls, dials atomic.Int32
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != "{}" || r.Header.Get("X") != "x" {
				t.Errorf("%q and %q came, %v", body, r.Header, err)
			}
			calls.Add(1)
		}))
		srv.Config.ErrorLog = quiet()
		srv.Listener = &cutting{Listener: srv.Listener, dials: &dials, cuts: c.cuts}
		srv.StartTLS()
		t.Cleanup(srv.Close)
		client := newClient(t, func(cfg *apiclient.Config) {
			cfg.RootCAs = x509.NewCertPool()
			cfg.RootCAs.AddCert(srv.Certificate())
		})
		req := request(srv.URL)
		req.Header = http.Header{"X": {"x"}}
		_, err := client.Do(t.Context(), req)
		if c.calls == 0 {
			requireFailure(t, err, outbox.OutcomeUnavailable)
		} else {
			require.NoError(t, err)
		}
		require.Equal(t, c.calls, calls.Load())
		require.Equal(t, c.dials, dials.Load())
	}
}

// cutting closes its first connections without reading from them.
type cutting struct {
	net.Listener
	dials *atomic.Int32
	cuts  int32
}

func (l *cutting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil && l.dials.Add(1) <= l.cuts {
		_ = c.Close()
	}
	return c, err
}

func TestDoKeepsConnectionsThroughFailures(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	var plan faults.Plan
	entered := make(chan struct{}, 2)
	release := make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		f := plan.Take()
		if f.Kind == faults.None {
			entered <- struct{}{}
			<-release
		}
		f.Serve(w, r, func(http.ResponseWriter, *http.Request) {})
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	client := newClient(t, nil)
	done := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := client.Do(t.Context(), request(srv.URL))
			done <- err
		}()
	}
	<-entered
	<-entered
	close(release)
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	require.EqualValues(t, 2, opened.Load())
	plan.Next(faults.Fault{Kind: faults.CutAfter})
	_, err := client.Do(t.Context(), request(srv.URL))
	requireFailure(t, err, outbox.OutcomeUnknown)
	_, err = client.Do(t.Context(), request(srv.URL))
	require.NoError(t, err)
	require.EqualValues(t, 2, opened.Load(), "the other idle connection was kept")
}

func TestDoKeepsAConnectionForEachOfItsCalls(t *testing.T) {
	t.Parallel()
	const concurrency = 20 // more than the two idle connections that Go keeps by default
	var opened atomic.Int32
	entered := make(chan struct{}, concurrency)
	release := make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		entered <- struct{}{}
		<-release
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	client := newClient(t, func(cfg *apiclient.Config) { cfg.Concurrency = concurrency })
	for range 5 {
		done := make(chan error, concurrency)
		for range concurrency {
			go func() {
				_, err := client.Do(t.Context(), request(srv.URL))
				done <- err
			}()
		}
		for range concurrency {
			<-entered
		}
		for range concurrency {
			release <- struct{}{}
		}
		for range concurrency {
			require.NoError(t, <-done)
		}
	}
	require.EqualValues(t, concurrency, opened.Load())
}
