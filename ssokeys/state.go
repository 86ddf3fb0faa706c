package ssokeys

import (
	"time"

	"github.com/amsbridge/amsbridge/internal/ssotoken"
)

// State is the state of a key in a [Ring].
type State string

// The states of a key, in order.
const (
	// Next: published, so that receivers know it, but it does not sign yet.
	Next State = "next"
	// Active: it signs, unless another active key began later.
	Active State = "active"
	// Retiring: it no longer signs; its tokens are still accepted.
	Retiring State = "retiring"
	// Retired: its tokens are no longer accepted.
	Retired State = "retired"
	// Revoked: none of its tokens is accepted, from the moment of the revocation.
	Revoked State = "revoked"
)

// RetiringFor is how long a key is accepted after it stopped signing: longer than any token is valid,
// differing clocks included.
const RetiringFor = ssotoken.MaxSessionLifetime + 2*ssotoken.MaxSkew

// Status is the part of a key that may be shown.
type Status struct {
	ID        string
	Algorithm Algorithm
	State     State
	// Signs is set for the one key that signs now.
	Signs bool
}

func (k ringKey) state(now time.Time) State {
	switch {
	case k.revoked:
		return Revoked
	case now.Before(k.from):
		return Next
	case k.retire.IsZero() || now.Before(k.retire):
		return Active
	case now.Before(k.retire.Add(RetiringFor)):
		return Retiring
	}
	return Retired
}

// signer returns the key that signs: of the active keys, the one that became active last.
func signer(keys []ringKey, now time.Time) (signingKey, error) {
	var best *ringKey
	for i, k := range keys {
		if k.state(now) == Active && (best == nil || k.from.After(best.from)) {
			best = &keys[i]
		}
	}
	if best == nil {
		return signingKey{}, ErrNoActive
	}
	return best.signingKey, nil
}
