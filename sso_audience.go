package amsbridge

import (
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// Audience is one platform, or one site of a platform, that members are handed over to.
type Audience struct {
	// Name is the shop's name for it, such as "elevate". Required, unique; at most 255 bytes.
	Name string
	// Audience is the aud claim, by which the receiver knows that the token is for it. Required;
	// unique, so that no platform's token works at another; at most 255 bytes.
	Audience string
	// Key signs for as long as the program runs. Required, unless Keys is set. Several audiences may
	// share one.
	Key ssokeys.SigningKey
	// Keys signs in place of Key, for keys that change. Several audiences may share a ring of key
	// pairs. One of its keys signs now or later, unless all were revoked. A key that is revoked in a ring of
	// one audience is revoked in those of all.
	Keys *ssokeys.Ring
	// SharedSecret says that the platform verifies with a secret that it shares with the shop, so the
	// platform could sign tokens itself. Without it only key pairs are accepted, with it only secrets.
	// No two audiences may share a secret. Defaults to false.
	SharedSecret bool
	// Lifetime is how long a hand-off is valid, in whole seconds, at most
	// [MaxHandOffLifetime]. Defaults to 60 seconds.
	Lifetime time.Duration
	// SessionLifetime is how long a pull session is valid, in whole seconds, at
	// most [MaxSessionLifetime]. Defaults to one hour.
	SessionLifetime time.Duration
	// Claims name the profile claims of a hand-off. Defaults to none: the token holds only the user ID.
	Claims ProfileClaims
	// ReturnOrigins are the origins of allowed return targets, each scheme://host, with the port unless
	// it is the scheme's default. Targets without an origin ("/courses/7") are always allowed. Defaults
	// to none.
	ReturnOrigins []string
	// DefaultReturn replaces every target that is not allowed. It must be allowed itself. Defaults to
	// none: the receiver shows its own front page.
	DefaultReturn string
}

// audience is a checked copy of an [Audience]. Printing its ring shows no key.
type audience struct {
	value             string
	lifetime, session time.Duration
	ring              *ssokeys.Ring
	claims            ssotoken.Profile
	returns           web.ReturnPolicy
}

// checked returns the audience, or an error that names its bad field.
func (a Audience) checked(s *SSO, keys *audienceKeys) (audience, error) {
	own := audience{
		value: a.Audience, lifetime: a.Lifetime, session: a.SessionLifetime,
		claims: ssotoken.Profile(a.Claims), ring: a.Keys,
	}
	if own.lifetime == 0 {
		own.lifetime = time.Minute
	}
	if own.session == 0 {
		own.session = time.Hour
	}
	claim, claimProblem := own.claims.Problem()
	bad := func(field, problem string) (audience, error) {
		return own, check.Bad("amsbridge", "Audience."+field, problem)
	}
	_, nameTwice := s.audiences[a.Name]
	switch {
	case check.Text(a.Name, 255) != "":
		return bad("Name", check.Text(a.Name, 255))
	case nameTwice:
		return bad("Name", "is listed twice")
	case check.Text(a.Audience, 255) != "":
		return bad("Audience", check.Text(a.Audience, 255))
	case keys.has(a.Audience):
		return bad("Audience", "is listed twice")
	case own.lifetime < time.Second, own.lifetime > MaxHandOffLifetime:
		return bad("Lifetime", "is not between 1 and 120 seconds")
	case own.session < time.Second, own.session > MaxSessionLifetime:
		return bad("SessionLifetime", "is not between 1 second and 12 hours")
	case own.lifetime%time.Second != 0:
		return bad("Lifetime", "is not in whole seconds")
	case own.session%time.Second != 0:
		return bad("SessionLifetime", "is not in whole seconds")
	case claimProblem != "":
		return bad("Claims."+claim, claimProblem)
	case a.Keys != nil && (a.Key.Private != nil || a.Key.Secret != nil):
		return bad("Keys", "are set beside a Key")
	}
	var field, problem string
	if own.returns, field, problem = web.NewReturnPolicy(a.ReturnOrigins, a.DefaultReturn); problem != "" {
		return bad(field, problem)
	}
	if own.ring == nil {
		ring, err := ssokeys.NewRing(ssokeys.RingConfig{Keys: []ssokeys.RingKey{{Key: a.Key}}, Now: s.now})
		if err != nil {
			return own, check.Renamed(err, "amsbridge", "RingConfig.Keys[0]", "Audience")
		}
		own.ring = ring
	}
	if neverSigns(own.ring) {
		return bad("Keys", "hold no key that signs now or later")
	}
	if err := own.ring.Obey(keys.rule(a.Audience, own.ring, a.SharedSecret)); err != nil {
		if a.Keys != nil {
			return bad("Keys", check.Problem(err))
		}
		return own, check.Renamed(err, "amsbridge", "keys[0]", "Audience")
	}
	return own, nil
}

// neverSigns tells whether all keys of a ring have stopped signing by themselves, which is a mistake. A ring
// whose keys were all revoked is not: the shop must still start, and sell.
func neverSigns(ring *ssokeys.Ring) bool {
	never := false
	for _, k := range ring.Keys() {
		switch k.State {
		case ssokeys.Next, ssokeys.Active:
			return false
		case ssokeys.Retiring, ssokeys.Retired:
			never = true
		}
	}
	return never
}
