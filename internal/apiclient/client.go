package apiclient

import (
	"cmp"
	"crypto/x509"
	"runtime/debug"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/amsbridge/amsbridge/internal/check"
)

// KeyHeader is the header with the message's key, for matching a platform's log with ours. No platform
// is known to honour it.
const KeyHeader = "Amsbridge-Key"

// Limits of [Config.MaxBody], in bytes.
const (
	minBody = 16 << 10
	maxBody = 1 << 20
)

// Config configures a [Client].
type Config struct {
	// AllowLoopbackHTTP permits plain http to loopback addresses, for sandboxes
	// and tests. Defaults to false: https only.
	AllowLoopbackHTTP bool
	// Concurrency is the most calls at once, and the most idle connections that are kept for reuse.
	// Defaults to 100.
	Concurrency int
	// MaxBody is how much of a reply is read, in bytes, from 16 KiB to 1 MiB.
	// Defaults to 64 KiB.
	MaxBody int64
	// Now is the clock that Retry-After dates are read against. Defaults to
	// time.Now.
	Now func() time.Time
	// Package and Type are the package that users called and its configuration type; errors name them.
	// They default to this package and "Config".
	Package, Type string
	// RootCAs verify the platform's certificate. Defaults to the system's.
	RootCAs *x509.CertPool
	// Secrets are removed from every text, in the encodings in which a platform or an error may echo
	// them. Base64 of a longer text that contains a secret is found only when that text is listed too,
	// as for HTTP basic credentials.
	Secrets []string
	// Version is the version in the User-Agent, "amsbridge/<version>". Defaults to this module's
	// version in the running binary, or "devel".
	Version string
}

// Client makes the calls. It is safe for concurrent use, and printing it shows nothing of its
// configuration.
type Client struct {
	allowHTTP   bool
	maxBody     int64
	now         func() time.Time
	pkg         string
	secrets     func() []needle // a function, so that no printing shows them
	userAgent   string
	reusing     *retryablehttp.Client // for POST and the like
	single      *retryablehttp.Client // for methods that net/http would re-send by itself
	closeUnused func()
}

// New returns a client, or an [*amsbridge.InputError] that names the bad field.
func New(cfg Config) (*Client, error) {
	cfg.Concurrency, cfg.MaxBody = cmp.Or(cfg.Concurrency, 100), cmp.Or(cfg.MaxBody, 64<<10)
	cfg.Package, cfg.Type = cmp.Or(cfg.Package, "apiclient"), cmp.Or(cfg.Type, "Config")
	cfg.Version = cmp.Or(cfg.Version, moduleVersion())
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	bad := func(field, problem string) error { return check.Bad(cfg.Package, cfg.Type+"."+field, problem) }
	switch {
	case cfg.Concurrency < 0 || cfg.Concurrency > 10_000:
		return nil, bad("Concurrency", "is not from 1 to 10,000")
	case cfg.MaxBody < minBody || cfg.MaxBody > maxBody:
		return nil, bad("MaxBody", "is not from 16 KiB to 1 MiB")
	case !cleanHeader(cfg.Version):
		return nil, bad("Version", "has characters that no header may hold")
	}
	c := &Client{
		allowHTTP: cfg.AllowLoopbackHTTP, maxBody: cfg.MaxBody, now: cfg.Now, pkg: cfg.Package,
		userAgent: "amsbridge/" + cfg.Version,
	}
	var secrets []needle
	for _, s := range cfg.Secrets {
		secrets = append(secrets, needlesOf(s, shortSecret)...)
	}
	c.secrets = func() []needle { return secrets }
	c.connect(cfg)
	return c, nil
}

// CloseIdleConnections closes the connections that no call uses. The client can still be used.
func (c *Client) CloseIdleConnections() { c.closeUnused() }

func moduleVersion() string {
	const path = "github.com/amsbridge/amsbridge"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == path && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return "devel"
}
