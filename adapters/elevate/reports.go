package elevate

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"iter"
	"net/url"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/outbox"
)

// ReportsConfig sets up [Reports].
type ReportsConfig struct {
	// AllowLoopbackHTTP permits plain http to a loopback address, for sandboxes
	// and tests. Defaults to false: https only.
	AllowLoopbackHTTP bool
	// APIKey is Elevate's, made by [Key]. Required.
	APIKey Credentials
	// Endpoint is the Report API's URL. Defaults to https://{Site}/api/reports/.
	Endpoint string
	// MaxBody is how much of one reply is read, in bytes, from 16 KiB to 1 MiB; a
	// longer one is an error. Defaults to 1 MiB.
	MaxBody int64
	// MaxRows is how many rows one report may have, from 1 to 1,000,000; one more
	// is an error. Defaults to 100,000.
	MaxRows int
	// MinInterval is the time between the starts of two reports. Elevate means
	// them for infrequent pulls, such as nightly ones, and may restrict or block
	// others; where that begins is not public. A report that failed counts, unless
	// nothing was sent. It is kept in memory, so a new process begins anew.
	// Negative for none: tests, and callers that keep count themselves. Defaults
	// to one hour.
	MinInterval time.Duration
	// Now is the clock of MinInterval and Retry-After. Defaults to time.Now.
	Now func() time.Time
	// Profile is the wire format. Required; see [GuessedReportProfile]. It is
	// copied.
	Profile *ReportProfile
	// RootCAs verify Elevate's certificate. Defaults to the system's.
	RootCAs *x509.CertPool
	// Site is Elevate's host, such as "learn.example.org", with its port if it
	// has one of its own. Required unless Endpoint is given.
	Site string
	// Timeout bounds each call, reply included. Defaults to two minutes.
	Timeout time.Duration
	// Version is the User-Agent's, "amsbridge/<version>". Defaults to this
	// module's version in the running binary, or "devel".
	Version string
}

// Reports reads from Elevate's Report API who is registered for what, for the
// reconciliation with the store's own orders. It is safe for concurrent use,
// and shows no credentials when printed.
//
// Public pages tell this much: JSON is posted to https://{site}/api/reports/
// with api_key, format, labels, resource "productRegistration", fields and
// filters {"transaction_at": {">=": …}}. The rest is a [ReportProfile].
//
// The report does not hold the Unique User ID. An e-mail address does not
// identify a user, so what is matched by it is for a person to judge.
type Reports struct {
	api      *apiclient.Client
	key      Credentials
	endpoint string
	profile  *ReportProfile
	maxRows  int
	interval time.Duration
	timeout  time.Duration
	now      func() time.Time

	mu    sync.Mutex
	until time.Time // no report before
}

// TooSoonError is a report that was not asked for, since the last one is more
// recent than [ReportsConfig].MinInterval, or Elevate asked by Retry-After to
// wait. Nothing was sent.
type TooSoonError struct {
	// Wait is how long it is until a report may be asked for.
	Wait time.Duration
}

// Error says how long to wait.
func (e *TooSoonError) Error() string {
	return fmt.Sprintf("elevate: too soon for another report, wait %s", e.Wait)
}

// NewReports returns a client, or an [*amsbridge.InputError] that names the bad
// field. It makes no call.
func NewReports(cfg ReportsConfig) (*Reports, error) {
	bad := refuser("ReportsConfig")
	if cfg.Profile == nil {
		return nil, bad("Profile",
			"is missing; fill in a ReportProfile, or name GuessedReportProfile() to use our guess")
	}
	if err := cfg.Profile.check(refuser("ReportsConfig.Profile")); err != nil {
		return nil, err
	}
	if cfg.APIKey.problem(AuthBody) != "" {
		return nil, bad("APIKey", "is not a key of visible ASCII")
	}
	cfg = cfg.withDefaults()
	switch u, err := url.Parse("https://" + cfg.Site); {
	case cfg.Endpoint == "" && (err != nil || cfg.Site == "" || u.Host != cfg.Site || u.Hostname() == ""):
		return nil, bad("Site", "is not a host, with or without a port")
	case cfg.Endpoint != "" && cfg.Site != "":
		return nil, bad("Site", "is given beside Endpoint")
	case cfg.MaxRows < 1 || cfg.MaxRows > 1_000_000:
		return nil, bad("MaxRows", "is not from 1 to 1,000,000")
	case cfg.Timeout < 0:
		return nil, bad("Timeout", "is negative")
	case cfg.Endpoint == "":
		cfg.Endpoint = "https://" + cfg.Site + "/api/reports/"
	}
	api, err := apiclient.New(apiclient.Config{
		AllowLoopbackHTTP: cfg.AllowLoopbackHTTP, Concurrency: 1, MaxBody: cfg.MaxBody, Now: cfg.Now,
		Package: "elevate", Type: "ReportsConfig", RootCAs: cfg.RootCAs,
		Secrets: cfg.APIKey.reveal().texts(), Version: cfg.Version,
	})
	if err != nil {
		return nil, err
	}
	if err := api.CheckEndpoint("ReportsConfig.Endpoint", cfg.Endpoint); err != nil {
		return nil, err
	}
	return &Reports{
		api: api, key: cfg.APIKey, endpoint: cfg.Endpoint, profile: cfg.Profile.clone(),
		maxRows: cfg.MaxRows, interval: cfg.MinInterval, timeout: cfg.Timeout, now: cfg.Now,
	}, nil
}

func (cfg ReportsConfig) withDefaults() ReportsConfig {
	cfg.MaxBody, cfg.MaxRows = cmp.Or(cfg.MaxBody, 1<<20), cmp.Or(cfg.MaxRows, 100_000)
	cfg.MinInterval, cfg.Timeout = cmp.Or(cfg.MinInterval, time.Hour), cmp.Or(cfg.Timeout, 2*time.Minute)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// CloseIdleConnections closes the connections that no call uses. The client
// stays usable.
func (r *Reports) CloseIdleConnections() { r.api.CloseIdleConnections() }

// Registrations yields the registrations whose transaction was at since or
// later, as Elevate filters and orders them: rows from before since are passed
// on if it sends some. Nothing is sent until the sequence is ranged over, and
// each ranging asks for a report of its own. It ends with the report or with the
// first error, which comes with an empty row; rows before it were read in full,
// but are not the whole report.
//
// An error is a [*TooSoonError], an [*amsbridge.InputError] for since, or an
// [*outbox.DeliveryError] as of [Client.Deliver]. It holds nothing of a reply,
// which is full of names, but for the text of one of the profile's Errors,
// without the API key and e-mail addresses. Its RetryAfter is what Elevate asked
// for, and until then every further report is a TooSoonError. What is not
// understood is "unknown". A report is not retried here.
func (r *Reports) Registrations(ctx context.Context, since time.Time) iter.Seq2[ReportedRegistration, error] {
	return func(yield func(ReportedRegistration, error) bool) {
		if err := r.pull(ctx, since, func(row ReportedRegistration) bool { return yield(row, nil) }); err != nil {
			yield(ReportedRegistration{}, err)
		}
	}
}

// start allows a report now and none before the time that it returns, or says
// how long to wait.
func (r *Reports) start() (until time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if wait := r.until.Sub(now); wait > 0 {
		return time.Time{}, &TooSoonError{Wait: wait}
	}
	r.until = now.Add(max(0, r.interval))
	return r.until, nil
}

// takeBack forgets a start of which Elevate saw nothing.
func (r *Reports) takeBack(until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until.Equal(until) {
		r.until = time.Time{}
	}
}

// wait puts off the next report for as long as Elevate asked.
func (r *Reports) wait(d *outbox.DeliveryError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if until := r.now().Add(d.RetryAfter); d.RetryAfter > 0 && until.After(r.until) {
		r.until = until
	}
}
