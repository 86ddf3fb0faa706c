package ssokeys

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/web"
)

// RemoteConfig configures [NewRemote].
type RemoteConfig struct {
	// URL is where the issuer publishes its JWK set: https, without userinfo and fragment. Required.
	URL string
	// InsecureLoopback allows http to localhost, 127.0.0.1 and [::1]. Defaults to
	// false.
	InsecureLoopback bool
	// RootCAs verify the issuer's certificate. Defaults to the system's.
	RootCAs *x509.CertPool
	// Transport sends the requests; set it without RootCAs. Redirects are never followed. Defaults to
	// HTTP over TLS 1.2 and up, through the environment's proxy.
	Transport http.RoundTripper
	// Timeout bounds a fetch, at most a minute. Defaults to 5 seconds.
	Timeout time.Duration
	// RefetchAfter is the shortest time between two fetches, whatever key IDs strangers send: 1 second
	// to a minute. After a failed fetch it is a tenth of that. Defaults to 30 seconds.
	RefetchAfter time.Duration
	// MaxStale is how long keys are still accepted after the last successful fetch while fetches fail:
	// 1 hour to 30 days. After that all are refused. Defaults to 24 hours.
	MaxStale time.Duration
	// Report is called with each error of a fetch, or of a key in a set. The error holds nothing of the
	// URL or of the answer. Defaults to the log, at Warn.
	Report func(error)
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Remote is a [Source] of the keys that an issuer publishes, as [JWKS] does. It first fetches when it
// is first asked. It keeps the set for the answer's max-age, but at least 1 minute and at most 1 hour,
// and 5 minutes where there is no max-age. In the last quarter of that time it fetches in the
// background. After it, and for an unknown ID, callers wait for the fetch. There is one fetch at a
// time.
//
// It is not promised that a key which the issuer revoked is refused before the next fetch. While the
// issuer does not answer, revoked keys are accepted for as long as MaxStale.
//
// It takes the public keys that [ParseVerification] accepts, each with an ID of its own. It leaves out
// and reports all others: shared secrets and private keys, keys whose use is not sig, and both keys
// where two have one ID. A set of more than 256 KiB or 100 keys is refused whole. No token makes it
// call another URL: jku, jwk, x5u and x5c are refused by the verifier.
//
// It is safe for concurrent use and needs no closing: it holds no connection between two fetches.
type Remote struct {
	url     string
	client  *http.Client
	timeout time.Duration
	refetch time.Duration
	stale   time.Duration
	report  func(error)
	now     func() time.Time

	mu       sync.Mutex
	keys     map[string]VerificationKey // nil before the first fetch; a map is never changed
	fetched  time.Time                  // when the fetch that brought the keys began
	lifetime time.Duration
	tried    time.Time // when the last fetch began
	err      error     // error of the last fetch
	flight   chan struct{}
}

// NewRemote checks the configuration and fetches nothing yet. It returns an *amsbridge.InputError that
// names the first bad field.
func NewRemote(cfg RemoteConfig) (*Remote, error) {
	r := &Remote{
		url: cfg.URL, timeout: cfg.Timeout, refetch: cfg.RefetchAfter, stale: cfg.MaxStale,
		report: cfg.Report, now: cfg.Now,
	}
	if r.timeout == 0 {
		r.timeout = 5 * time.Second
	}
	if r.refetch == 0 {
		r.refetch = 30 * time.Second
	}
	if r.stale == 0 {
		r.stale = 24 * time.Hour
	}
	if r.report == nil {
		r.report = func(err error) { slog.Warn("ssokeys: remote keys", slog.String("error", err.Error())) }
	}
	if r.now == nil {
		r.now = time.Now
	}
	switch {
	case cfg.urlProblem() != "":
		return nil, check.Bad("ssokeys", "RemoteConfig.URL", cfg.urlProblem())
	case cfg.Transport != nil && cfg.RootCAs != nil:
		return nil, check.Bad("ssokeys", "RemoteConfig.RootCAs", "are set beside a transport")
	case r.timeout < 0, r.timeout > time.Minute:
		return nil, check.Bad("ssokeys", "RemoteConfig.Timeout", "is not between 0 and 1 minute")
	case r.refetch < time.Second, r.refetch > time.Minute:
		return nil, check.Bad("ssokeys", "RemoteConfig.RefetchAfter", "is not between 1 second and 1 minute")
	case r.stale < maxSetLifetime, r.stale > 30*24*time.Hour:
		return nil, check.Bad("ssokeys", "RemoteConfig.MaxStale", "is not between 1 hour and 30 days")
	}
	transport := cfg.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.RootCAs},
			ForceAttemptHTTP2:      true,
			DisableKeepAlives:      true, // fetches are minutes apart
			DisableCompression:     true, // so that a compression bomb stays small
			MaxResponseHeaderBytes: 64 << 10,
		}
	}
	r.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return r, nil
}

func (c RemoteConfig) urlProblem() string {
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return "is missing"
	case err != nil || web.Origin(u) == "" || u.Fragment != "":
		return "is not an https URL without user and fragment"
	case u.Scheme != "https" && !c.InsecureLoopback:
		return "is not https; http is for loopback, and only where the configuration says so"
	}
	return ""
}

// Format writes the number of keys, whatever the verb.
func (r *Remote) Format(f fmt.State, _ rune) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = fmt.Fprintf(f, "Remote(%d keys)", len(r.keys))
}

// VerificationKey returns the key of that ID. It returns [ErrUnknown] where the set of the last fetch
// has no such key. It returns another error where no fetch has succeeded for MaxStale, where the last
// one failed and the ID is not known, and where ctx ends first.
func (r *Remote) VerificationKey(ctx context.Context, id string) (VerificationKey, error) {
	r.mu.Lock()
	flight := r.fetchIfNeeded(ctx, id)
	if flight == nil {
		defer r.mu.Unlock()
		return r.held(id)
	}
	r.mu.Unlock()
	select {
	case <-flight:
	case <-ctx.Done():
		return VerificationKey{}, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held(id)
}

// fetchIfNeeded starts a fetch if one is due, and returns the one to wait for, or nil. A known key
// waits only when its set is too old and the last fetch did not fail.
func (r *Remote) fetchIfNeeded(ctx context.Context, id string) chan struct{} {
	now := r.now()
	age := now.Sub(r.fetched)
	_, known := r.keys[id]
	pause := r.refetch
	if r.err != nil {
		pause /= 10
	}
	if r.flight == nil && (!known || age >= r.lifetime*3/4) && now.Sub(r.tried) >= pause {
		r.fetch(ctx, now)
	}
	if known && (age < r.lifetime || r.err != nil && age < r.stale) {
		return nil
	}
	return r.flight
}

// held answers from the current set.
func (r *Remote) held(id string) (VerificationKey, error) {
	k, known := r.keys[id]
	switch old := r.now().Sub(r.fetched) >= r.stale; {
	case known && !old:
		return k, nil
	case r.err != nil:
		return VerificationKey{}, r.err
	case old:
		return VerificationKey{}, errors.New("ssokeys: the key set is too old")
	}
	return VerificationKey{}, ErrUnknown
}

// fetch starts a fetch. It does not end with the caller's context, since others wait for it too.
func (r *Remote) fetch(ctx context.Context, now time.Time) {
	done := make(chan struct{})
	r.flight, r.tried = done, now
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout)
	go func() {
		defer cancel()
		set, err := fetchKeySet(ctx, r.client, r.url)
		r.mu.Lock()
		if r.err = err; err == nil {
			r.keys, r.fetched, r.lifetime = set.keys, now, set.lifetime
		}
		r.flight = nil
		r.mu.Unlock()
		close(done)
		if err != nil {
			r.report(err)
		}
		for _, err := range set.refused {
			r.report(err)
		}
	}()
}
