// Package platforms plays Elevate and Notified: a sandbox of each platform's
// API, and the few pages that members and staff would see there. In real life
// the vendors run them. What the pages look like, and how Elevate takes members
// in, is made up; how Notified does is from public code.
package platforms

import (
	"embed"
	"errors"
	"log/slog"

	"github.com/amsbridge/amsbridge/ssokeys"
)

//go:embed pages assets
var files embed.FS

// Config says where the sandboxes listen, and whom Elevate believes.
type Config struct {
	// ElevateAddr and NotifiedAddr are where they listen; a free port is taken
	// where one is in use.
	ElevateAddr, NotifiedAddr string
	// Issuer, Audience and Keys are what Elevate was told of the shop's
	// hand-offs. In real life Keys is ssokeys.NewRemote on the shop's JWKS.
	Issuer, Audience string
	Keys             ssokeys.Source
	// Origins are the shop's, whose pages alone may hand members over.
	Origins []string
	// Log takes what the platforms refuse.
	Log *slog.Logger
}

// Access is what the platforms' vendors would give the shop.
type Access struct {
	ElevateEndpoint, ElevateKey                            string
	NotifiedBaseURL, NotifiedAuthCode, NotifiedCredentials string
}

// Platforms are the two sandboxes.
type Platforms struct {
	Access   Access
	Elevate  *Elevate
	Notified *Notified
}

// Start serves both sandboxes until Close.
func Start(cfg Config) (*Platforms, error) {
	p := &Platforms{}
	var err error
	if p.Elevate, err = startElevate(cfg, &p.Access); err != nil {
		return nil, err
	}
	if p.Notified, err = startNotified(cfg, &p.Access); err != nil {
		return nil, errors.Join(err, p.Elevate.server.Close())
	}
	return p, nil
}

// Close ends both, with what they were serving.
func (p *Platforms) Close() error {
	return errors.Join(p.Elevate.server.Close(), p.Notified.server.Close())
}
