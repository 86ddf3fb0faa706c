package amsbridge

import "time"

// Audience is one platform, or one site of a platform, that members walk to.
type Audience struct {
	// Name is what the shop calls it, such as "elevate". Required, unique; at
	// most 255 bytes.
	Name string
	// Audience is the aud claim, by which the receiver knows that the token is
	// meant for it. Required, unique, so that no platform's token serves at
	// another; at most 255 bytes.
	Audience string
	// Key signs, for as long as the program runs. Required, unless Keys are.
	// Several audiences may share one.
	Key SigningKey
	// Keys sign in place of Key, where keys change. Several audiences may share
	// a ring.
	Keys *KeyRing
	// SharedSecret says that the platform verifies by a secret which it shares
	// with the shop, and could sign itself. Without it a secret is refused, and
	// with it all else. No two audiences may share a secret. Defaults to false.
	SharedSecret bool
	// Lifetime is how long a hand-off is valid, in whole seconds, at most
	// [MaxHandOffLifetime]. Defaults to 60 seconds.
	Lifetime time.Duration
	// SessionLifetime is how long a pull session is valid, in whole seconds, at
	// most [MaxSessionLifetime]. Defaults to one hour.
	SessionLifetime time.Duration
	// Claims name the profile claims of a hand-off. Defaults to none: only the
	// user ID is told.
	Claims ProfileClaims
	// ReturnOrigins are the origins that a return target may lie on, each
	// scheme://host with its port unless that is the scheme's own. Targets
	// without an origin ("/courses/7") are always allowed. Defaults to none.
	ReturnOrigins []string
	// DefaultReturn stands in for every target that is not allowed. It must be
	// allowed itself. Defaults to none: the receiver's own front page.
	DefaultReturn string
}

// audience is a checked copy. Its ring prints no key.
type audience struct {
	value             string
	lifetime, session time.Duration
	ring              *KeyRing
	claims            ProfileClaims
	returns           returnPolicy
}

// takenNames are what the audiences before brought.
type takenNames struct {
	values map[string]bool
	keys   map[string]verificationKey
}

// check returns the audience, or the field that is bad and why.
func (a Audience) check(taken takenNames, now func() time.Time) (own audience, field, problem string) {
	own = audience{value: a.Audience, lifetime: a.Lifetime, session: a.SessionLifetime, claims: a.Claims, ring: a.Keys}
	if own.lifetime == 0 {
		own.lifetime = time.Minute
	}
	if own.session == 0 {
		own.session = time.Hour
	}
	claim, claimProblem := a.Claims.problem()
	switch {
	case textProblem(a.Audience, 255) != "":
		return own, "audience", textProblem(a.Audience, 255)
	case taken.values[a.Audience]:
		return own, "audience", "is listed twice"
	case own.lifetime < time.Second, own.lifetime > MaxHandOffLifetime:
		return own, "lifetime", "is not between 1 and 120 seconds"
	case own.session < time.Second, own.session > MaxSessionLifetime:
		return own, "session lifetime", "is not between 1 second and 12 hours"
	case own.lifetime%time.Second != 0:
		return own, "lifetime", "is not in whole seconds"
	case own.session%time.Second != 0:
		return own, "session lifetime", "is not in whole seconds"
	case claimProblem != "":
		return own, claim, claimProblem
	case a.Keys != nil && (a.Key.Private != nil || a.Key.Secret != nil):
		return own, "keys", "are set beside a key"
	}
	if own.returns, field, problem = newReturnPolicy(a.ReturnOrigins, a.DefaultReturn); problem != "" {
		return own, field, problem
	}
	if own.ring == nil {
		key, field, problem := a.Key.check()
		if problem != "" {
			return own, field, problem
		}
		own.ring = newRing(now, []ringKey{{signingKey: key}})
	}
	if field, problem = taken.keyProblem(own.ring, a.SharedSecret); problem != "" {
		return own, field, problem
	}
	taken.values[a.Audience] = true
	return own, "", ""
}

// keyProblem looks at the ring's keys as they are now; a ring never mixes
// secrets with key pairs.
func (t takenNames) keyProblem(ring *KeyRing, shared bool) (field, problem string) {
	keys := ring.snapshot()
	if len(keys) == 0 {
		return "keys", "are empty"
	}
	for _, k := range keys {
		other, known := t.keys[k.id]
		if shared && t.hasSecret(k.public) {
			return "key.secret", "is another audience's"
		}
		switch {
		case known && !other.equal(k.public):
			return "key.id", "is that of another key"
		case k.public.shared() && !shared:
			return "key.secret", "is a shared secret, which the audience is not marked for"
		case !k.public.shared() && shared:
			return "key", "is not a shared secret, which the audience is marked for"
		}
	}
	for _, k := range keys {
		t.keys[k.id] = k.public
	}
	return "", ""
}

// hasSecret tells whether an audience before has the secret, under whatever ID.
func (t takenNames) hasSecret(k verificationKey) bool {
	for _, other := range t.keys {
		if other.equal(k) {
			return true
		}
	}
	return false
}
