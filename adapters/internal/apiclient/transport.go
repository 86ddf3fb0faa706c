package apiclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

func (c *Client) connect(cfg Config) {
	pooled := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.RootCAs},
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           cfg.Concurrency,
		MaxIdleConnsPerHost:    cfg.Concurrency,
		IdleConnTimeout:        90 * time.Second,
		DisableCompression:     true, // replies are small, and a bomb then stays small too
		MaxResponseHeaderBytes: 64 << 10,
	}
	// net/http re-sends such a request on its own when a reused connection
	// dies, even after it was written; a connection used once is never reused.
	once := pooled.Clone()
	once.DisableKeepAlives = true
	c.reusing, c.single = retrying(pooled), retrying(once)
	c.closeUnused = pooled.CloseIdleConnections
}

func retrying(t *http.Transport) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     keepIdle{t},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     1,
		CheckRetry:   retryUnsent,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// keepIdle hides the transport's CloseIdleConnections: retryablehttp calls it
// after each failed call, which would cost all others their connections.
type keepIdle struct{ transport *http.Transport }

func (k keepIdle) RoundTrip(r *http.Request) (*http.Response, error) { return k.transport.RoundTrip(r) }

// trace tells whether a request may have been sent. It is the context of the
// request too, so that the retry policy finds it.
type trace struct {
	context.Context //nolint:containedctx // it adds a value to one
	sent            atomic.Bool
	hooks           httptrace.ClientTrace
}

type traceKey struct{}

func (t *trace) watch(ctx context.Context) context.Context {
	t.Context = ctx
	// net/http asks for another connection only when the one that it reused was
	// dead before anything was written.
	t.hooks.GetConn = func(string) { t.sent.Store(false) }
	// From here on bytes may leave: WroteHeaders comes too late, since a long URL
	// is flushed before it.
	t.hooks.GotConn = func(httptrace.GotConnInfo) { t.sent.Store(true) }
	return httptrace.WithClientTrace(t, &t.hooks)
}

// Value returns the trace itself for its key.
func (t *trace) Value(key any) any {
	if key == (traceKey{}) {
		return t
	}
	return t.Context.Value(key)
}

// retryUnsent allows the quick second try only while nothing was sent.
func retryUnsent(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if err == nil || ctx.Err() != nil {
		return false, nil
	}
	t, ok := ctx.Value(traceKey{}).(*trace)
	var bad *tls.CertificateVerificationError
	return ok && !t.sent.Load() && !errors.As(err, &bad), nil
}

// resendable tells whether net/http takes the method for one that it may send
// twice.
func resendable(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}
