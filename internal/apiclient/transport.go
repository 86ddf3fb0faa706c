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
		DisableCompression:     true, // replies are small, and so a compression bomb stays small too
		MaxResponseHeaderBytes: 64 << 10,
	}
	// net/http re-sends such a request by itself when a reused connection dies, even after the request
	// was written. A connection that is used only once is never reused.
	once := pooled.Clone()
	once.DisableKeepAlives = true
	c.reusing, c.single = retrying(pooled), retrying(once)
	c.closeUnused = pooled.CloseIdleConnections
}

func retrying(t *http.Transport) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     onlyRoundTrips{t},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     1,
		CheckRetry:   retryUnsent,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// onlyRoundTrips hides the transport's CloseIdleConnections. retryablehttp calls it after each failed
// call, which would close the connections of all others.
type onlyRoundTrips struct{ http.RoundTripper }

// sentKey is the context key of an [*atomic.Bool] that tells whether the call's request may have been
// sent.
type sentKey struct{}

// watch returns a request's context in which net/http updates sent.
func watch(ctx context.Context, sent *atomic.Bool) context.Context {
	return httptrace.WithClientTrace(context.WithValue(ctx, sentKey{}, sent), &httptrace.ClientTrace{
		// net/http asks for another connection only when the reused one was dead before anything was
		// written.
		GetConn: func(string) { sent.Store(false) },
		// From here on bytes may be sent. WroteHeaders comes too late, since a long URL is flushed
		// before it.
		GotConn: func(httptrace.GotConnInfo) { sent.Store(true) },
	})
}

// retryUnsent allows the immediate second try only while nothing was sent.
func retryUnsent(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if err == nil || ctx.Err() != nil {
		return false, nil
	}
	sent, ok := ctx.Value(sentKey{}).(*atomic.Bool)
	var bad *tls.CertificateVerificationError
	return ok && !sent.Load() && !errors.As(err, &bad), nil
}

// resendable tells whether net/http may send requests of this method twice by itself.
func resendable(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}
