package elevate

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"

	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/internal/check"
)

// Config configures a [Client].
type Config struct {
	// AllowLoopbackHTTP permits plain http to a loopback address, for the endpoint and for Product
	// URLs, in sandboxes and tests. Defaults to false: https only.
	AllowLoopbackHTTP bool
	// AllowedHosts are the hosts that a Product URL may be on, each with its port unless it is the
	// scheme's default. They replace the default; sub-domains must be listed. Defaults to the
	// endpoint's host.
	AllowedHosts []string
	// ConfirmRepeats also asks for the confirmation email in a send that may repeat one which Elevate
	// received without answering: the user may get two mails, but not none. It has no effect without
	// SendConfirmation. Defaults to false.
	ConfirmRepeats bool
	// Concurrency is the most calls at once, and the most idle connections that are kept. Defaults to
	// 100.
	Concurrency int
	// Credentials are those that Elevate gave the shop. Required.
	Credentials Credentials
	// Endpoint is the Registration API's URL. Required; https.
	Endpoint string
	// MaxBody is how much of a reply is read, in bytes, from 16 KiB to 1 MiB.
	// Defaults to 64 KiB.
	MaxBody int64
	// Profile is the wire format. Required; see [GuessedProfile]. It is copied.
	Profile *Profile
	// RootCAs verify Elevate's certificate. Defaults to the system's.
	RootCAs *x509.CertPool
	// SendConfirmation asks Elevate to mail the user a link to the product. Each call says yes or no.
	// It says no for a backfilled order, for a product that another order, line or turn may have brought
	// the user before, and in a send that may repeat one which Elevate received without answering, since
	// that could mail twice (see ConfirmRepeats). It says yes after a lost session and after a definite
	// refusal. Defaults to false.
	SendConfirmation bool
	// Version is the version in the User-Agent, "amsbridge/<version>". Defaults to this module's
	// version in the running binary, or "devel".
	Version string
}

// Client registers people at one Elevate site. It is safe for concurrent use, and printing it
// shows no credentials.
type Client struct {
	api          *apiclient.Client
	credentials  Credentials
	endpoint     string
	profile      *Profile
	hosts        []string
	allowHTTP    bool
	confirmation bool
	confirmAgain bool
}

// New returns a client, or an [*amsbridge.InputError] that names the bad field.
// It makes no call.
func New(cfg Config) (*Client, error) {
	bad := refuser("Config")
	if cfg.Profile == nil {
		return nil, bad("Profile", noProfile)
	}
	if err := cfg.Profile.check(refuser("Config.Profile")); err != nil {
		return nil, err
	}
	if problem := cfg.Credentials.problem(cfg.Profile.Auth); problem != "" {
		return nil, bad("Credentials", problem)
	}
	api, err := apiclient.New(apiclient.Config{
		AllowLoopbackHTTP: cfg.AllowLoopbackHTTP, Concurrency: cfg.Concurrency, MaxBody: cfg.MaxBody,
		Package: "elevate", RootCAs: cfg.RootCAs, Secrets: cfg.Credentials.reveal().texts(), Version: cfg.Version,
	})
	if err != nil {
		return nil, err
	}
	if err := api.CheckEndpoint("Config.Endpoint", cfg.Endpoint); err != nil {
		return nil, err
	}
	hosts, err := allowedHosts(cfg)
	if err != nil {
		return nil, err
	}
	return &Client{
		api: api, credentials: cfg.Credentials, endpoint: cfg.Endpoint, profile: cfg.Profile.clone(),
		hosts: hosts, allowHTTP: cfg.AllowLoopbackHTTP, confirmation: cfg.SendConfirmation,
		confirmAgain: cfg.ConfirmRepeats,
	}, nil
}

// CloseIdleConnections closes the connections that no call uses. The client can still be used.
func (c *Client) CloseIdleConnections() { c.api.CloseIdleConnections() }

// refuser returns a function that makes errors about fields of "of", such as "Config".
func refuser(of string) func(field, problem string) error {
	return func(field, problem string) error { return check.Bad("elevate", of+"."+field, problem) }
}

// allowedHosts returns the allowed hosts in the form of [hostOf].
func allowedHosts(cfg Config) ([]string, error) {
	if len(cfg.AllowedHosts) == 0 {
		u, err := url.Parse(cfg.Endpoint)
		if err != nil {
			return nil, refuser("Config")("Endpoint", "is not a URL")
		}
		return []string{hostOf(u)}, nil
	}
	var hosts []string
	for i, h := range cfg.AllowedHosts {
		u, err := url.Parse("https://" + h)
		if err != nil || u.Host != h || u.Hostname() == "" || strings.ContainsAny(h, "*\\") {
			return nil, refuser("Config")(fmt.Sprintf("AllowedHosts[%d]", i), "is not a host, with or without a port")
		}
		hosts = append(hosts, hostOf(u))
	}
	return hosts, nil
}
