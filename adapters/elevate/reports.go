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

// ReportsConfig configures [Reports].
type ReportsConfig struct {
	// AllowLoopbackHTTP permits plain http to a loopback address, for sandboxes
	// and tests. Defaults to false: https only.
	AllowLoopbackHTTP bool
	// APIKey is Elevate's api_key, made by [Key]. Required.
	APIKey Credentials
	// Endpoint is the Report API's URL. Defaults to https://{Site}/api/reports/.
	Endpoint string
	// MaxBody is how much of one reply is read, in bytes, from 16 KiB to 1 MiB; a
	// longer one is an error. Defaults to 1 MiB.
	MaxBody int64
	// MaxRows is how many rows one report may have, from 1 to 1,000,000; one more
	// is an error. Defaults to 100,000.
	MaxRows int
	// MinInterval is the shortest time between the starts of two reports. Elevate means them for
	// infrequent pulls, such as nightly ones, and may restrict or block others; its limit is not
	// public. A failed report counts, unless nothing was sent. The time is kept in memory, so a new
	// process does not know it. Negative for none, for tests and for callers that keep their own pace.
	// Defaults to one hour.
	MinInterval time.Duration
	// Now is the clock of MinInterval and Retry-After. Defaults to time.Now.
	Now func() time.Time
	// Profile is the wire format. Required; see [GuessedReportProfile]. It is
	// copied.
	Profile *ReportProfile
	// RootCAs verify Elevate's certificate. Defaults to the system's.
	RootCAs *x509.CertPool
	// Site is Elevate's host, such as "learn.example.org", with a port if it is not the default.
	// Required unless Endpoint is set.
	Site string
	// Timeout bounds each call, including its reply. Defaults to two minutes.
	Timeout time.Duration
	// Version is the version in the User-Agent, "amsbridge/<version>". Defaults to this module's
	// version in the running binary, or "devel".
	Version string
}

// Reports reads from Elevate's Report API who is registered for what, to compare with the shop's own
// orders. It is safe for concurrent use, and printing it shows no credentials.
//
// Public pages say this much: JSON is posted to https://{site}/api/reports/ with api_key, format,
// labels, resource "productRegistration", fields and filters {"transaction_at": {">=": …}}. The rest is
// a [ReportProfile].
//
// The report does not hold the Unique User ID. An e-mail address does not identify a user, so a person
// must judge what was matched by it.
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
	until time.Time // no report before this time
}

// TooSoonError says that a report was not asked for, because the last one is more recent than
// [ReportsConfig].MinInterval, or because Elevate asked to wait by Retry-After. Nothing was sent.
type TooSoonError struct {
	// Wait is how long until the next report is allowed.
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

// CloseIdleConnections closes the connections that no call uses. The client can still be used.
func (r *Reports) CloseIdleConnections() { r.api.CloseIdleConnections() }

// Registrations yields the registrations with a transaction at or after since, as Elevate filters and
// orders them; earlier rows that it sends are passed on. Nothing is sent until the sequence is ranged
// over, and each ranging asks for a new report. It ends with the report, or with the first error, which
// comes with an empty row. Rows before an error were read in full, but are not the whole report.
//
// An error is a [*TooSoonError], an [*amsbridge.InputError] for since, or an [*outbox.DeliveryError] as
// of [Client.Give]. A reply is full of names, so the error holds nothing of it but the text of one
// of the profile's Errors, without the API key and e-mail addresses. Its RetryAfter is what Elevate
// asked for; until then every further report is a TooSoonError. A reply that is not understood is
// "unknown". A report is not retried here.
func (r *Reports) Registrations(ctx context.Context, since time.Time) iter.Seq2[ReportedRegistration, error] {
	return func(yield func(ReportedRegistration, error) bool) {
		if err := r.pull(ctx, since, func(row ReportedRegistration) bool { return yield(row, nil) }); err != nil {
			yield(ReportedRegistration{}, err)
		}
	}
}

// start allows a report now, and none before the time that it returns. Otherwise its error says how
// long to wait.
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

// takeBack undoes a start whose call was not sent.
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
