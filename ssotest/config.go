package ssotest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// Verifier is the verifier under attack. It returns what an accepted token says, or an error for one
// that it refuses. It is called from many goroutines.
type Verifier func(ctx context.Context, token string) (Accepted, error)

// Accepted is what a verifier read from a token that it accepted.
type Accepted struct {
	// UserID is the member who would be signed in.
	UserID string
	// ReturnTo is the page that the member is sent to, or empty.
	ReturnTo string
}

// Kind is a kind of token.
type Kind string

// The kinds.
const (
	// HandOffs are the tokens of [amsbridge.SSO.HandOff].
	HandOffs Kind = "hand-off"
	// Sessions are the tokens of [amsbridge.SSO.Session].
	Sessions Kind = "session"
)

// Feature is something that a verifier may have or lack.
type Feature string

// The features. A verifier that lacks one leaves it to another part of its service, which must be
// tested separately.
const (
	// Replay: a token is accepted once, however many callers present it.
	Replay Feature = "replay"
	// KeyStates: the verifier follows changes of keys while it runs; see [Setup.KeySource].
	KeyStates Feature = "key states"
	// ReturnTargets: only allowed targets are returned.
	ReturnTargets Feature = "return targets"
	// LiveSessions: each validation asks whether the session still lasts.
	LiveSessions Feature = "live sessions"
	// Clock: the verifier's time is [Setup.Now]. One that uses the system's clock is not tested at the
	// exact second of its limits.
	Clock Feature = "clock"
)

var features = []Feature{Replay, KeyStates, ReturnTargets, LiveSessions, Clock}

// Setup is what a verifier is built from.
type Setup struct {
	// Issuer and Audience are the only accepted ones.
	Issuer, Audience string
	// Keys are the accepted keys at the time when the verifier is built.
	Keys []ssokeys.VerificationKey
	// KeySource has the same keys, and follows their changes.
	KeySource ssokeys.Source
	// JWKS returns the current public keys as a JWK Set (RFC 7517). Call it again to follow their
	// changes.
	JWKS func() ([]byte, error)
	// Skew is how far the issuer's clock may be off, either way.
	Skew time.Duration
	// ReturnOrigins are the origins of allowed return targets, besides targets without an origin.
	ReturnOrigins []string
	// Alive tells whether a session lasts. It is set only for [Sessions].
	Alive ssoverify.Alive
	// Now is the clock.
	Now func() time.Time
}

// Config configures [Run] and [Check].
type Config struct {
	// New builds a new verifier for each case. Required.
	New func(Setup) (Verifier, error)
	// Kind is the kind of token that it accepts. Defaults to [HandOffs].
	Kind Kind
	// Algorithms are those of the issuer's keys. The first one signs where a case is not about
	// algorithms. Defaults to ES256, EdDSA and RS256.
	Algorithms []ssokeys.Algorithm
	// Skew is the verifier's skew, in whole seconds, from 2 seconds to a minute. Defaults to 30
	// seconds.
	Skew time.Duration
	// Lacks names the features that the verifier does not have. Their cases are not tried, and their
	// results say so. Defaults to none.
	Lacks []Feature
}

// filled returns the configuration with its defaults, or an error.
func (cfg Config) filled() (Config, error) {
	if cfg.Kind == "" {
		cfg.Kind = HandOffs
	}
	if len(cfg.Algorithms) == 0 {
		cfg.Algorithms = []ssokeys.Algorithm{ssokeys.ES256, ssokeys.EdDSA, ssokeys.RS256}
	}
	if cfg.Skew == 0 {
		cfg.Skew = 30 * time.Second
	}
	switch {
	case cfg.New == nil:
		return cfg, check.Bad("ssotest", "Config.New", "is missing")
	case cfg.Kind != HandOffs && cfg.Kind != Sessions:
		return cfg, check.Bad("ssotest", "Config.Kind", "is neither HandOffs nor Sessions")
	case cfg.Skew < 2*time.Second || cfg.Skew > time.Minute || cfg.Skew%time.Second != 0:
		return cfg, check.Bad("ssotest", "Config.Skew", "is not from 2 to 60 whole seconds")
	}
	for i, f := range cfg.Lacks {
		if !slices.Contains(features, f) {
			return cfg, check.Bad("ssotest", fmt.Sprintf("Config.Lacks[%d]", i), "is no feature")
		}
	}
	return cfg, nil
}
