package main

import (
	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/examples/store/platforms"
	"github.com/amsbridge/amsbridge/examples/store/shop"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// Names in the hand-off tokens, which shop and platform agree on.
const (
	shopIssuer      = "https://store.example.org"
	elevateAudience = "https://learn.example.org"
)

// newKeys makes a signing key for as long as the program runs. A real shop keeps
// its keys in files, and changes them by the ring's schedule.
func newKeys() (*ssokeys.Ring, error) {
	key, err := ssokeys.Generate(ssokeys.EdDSA)
	if err != nil {
		return nil, err
	}
	return ssokeys.NewRing(ssokeys.RingConfig{Keys: []ssokeys.RingKey{{Key: key}}})
}

// newSSO signs the hand-offs of signed-in members to Elevate.
func newSSO(keys *ssokeys.Ring, audit amsbridge.SSOAudit) (*amsbridge.SSO, error) {
	return amsbridge.NewSSO(amsbridge.SSOConfig{
		Issuer: shopIssuer, Audit: audit,
		Audiences: []amsbridge.Audience{
			{Name: shop.ToElevate, Audience: elevateAudience, Keys: keys, Claims: platforms.Claims()},
		},
	})
}
