package apiclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
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
			Transport:     delivering{t},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     1,
		CheckRetry:   retryUnsent,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// delivering gives each request what its call sends. It hides the transport's
// CloseIdleConnections: retryablehttp calls it after each failed call, which
// would cost all others their connections.
type delivering struct{ transport *http.Transport }

func (d delivering) RoundTrip(r *http.Request) (*http.Response, error) {
	if k, ok := r.Context().Value(callKey{}).(*call); ok {
		k.load(r)
	}
	return d.transport.RoundTrip(r)
}

// retryUnsent allows the quick second try only while nothing was sent.
func retryUnsent(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if err == nil || ctx.Err() != nil {
		return false, nil
	}
	k, ok := ctx.Value(callKey{}).(*call)
	var bad *tls.CertificateVerificationError
	return ok && !k.sent.Load() && !errors.As(err, &bad), nil
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
