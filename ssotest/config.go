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

// Verifier is what is attacked: it returns what an accepted token says, and an
// error for one that it refuses. It is called from many goroutines.
type Verifier func(ctx context.Context, token string) (Accepted, error)

// Accepted is what a verifier read from a token that it accepted.
type Accepted struct {
	// UserID is the member who is let in.
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
	// Sessions are those of [amsbridge.SSO.Session].
	Sessions Kind = "session"
)

// Feature is a thing that a verifier may do or lack.
type Feature string

// The features. A verifier that lacks one leaves its part to somebody else, who
// must then be tested otherwise.
const (
	// Replay: a token is accepted once, from however many callers.
	Replay Feature = "replay"
	// KeyStates: keys change while the verifier runs; see [Setup.KeySource].
	KeyStates Feature = "key states"
	// ReturnTargets: only allowed targets are returned.
	ReturnTargets Feature = "return targets"
	// LiveSessions: each validation asks whether the session still lasts.
	LiveSessions Feature = "live sessions"
	// Clock: the time is [Setup.Now]. A verifier on the system's own clock is not
	// tried at the exact second of its limits.
	Clock Feature = "clock"
)

var features = []Feature{Replay, KeyStates, ReturnTargets, LiveSessions, Clock}

// Setup is what a verifier is built from.
type Setup struct {
	// Issuer and Audience are the only ones that it accepts.
	Issuer, Audience string
	// Keys are those that are accepted as it is built.
	Keys []ssokeys.VerificationKey
	// KeySource has the same keys, and follows their changes.
	KeySource ssokeys.Source
	// JWKS returns the public ones as a JWK Set (RFC 7517), at this moment. Call it
	// again to follow their changes.
	JWKS func() ([]byte, error)
	// Skew is how far the issuer's clock may be off, either way.
	Skew time.Duration
	// ReturnOrigins are the origins that a return target may lie on, beside those
	// without one.
	ReturnOrigins []string
	// Alive tells whether a session lasts; of [Sessions] alone.
	Alive ssoverify.Alive
	// Now is the clock.
	Now func() time.Time
}

// Config configures [Run] and [Check].
type Config struct {
	// New builds the verifier anew for each case. Required.
	New func(Setup) (Verifier, error)
	// Kind is what it accepts. Defaults to [HandOffs].
	Kind Kind
	// Algorithms are those of the issuer's keys. The first signs wherever a case
	// is not about algorithms. Defaults to ES256, EdDSA and RS256.
	Algorithms []ssokeys.Algorithm
	// Skew is the verifier's, in whole seconds, from 2 seconds to a minute.
	// Defaults to 30 seconds.
	Skew time.Duration
	// Lacks says aloud what the verifier does not do. The cases of these features
	// are not tried, and each says so. Defaults to nothing.
	Lacks []Feature
}

// filled returns the configuration with its defaults, or what is wrong.
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
