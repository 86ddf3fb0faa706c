package ssokeys

import (
	"time"

	"github.com/amsbridge/amsbridge/internal/ssotoken"
)

// State is where a key of a [Ring] stands.
type State string

// The states of a key, in their order.
const (
	// Next: published, so that receivers know it, and not used yet.
	Next State = "next"
	// Active: it signs, unless another active key began later.
	Active State = "active"
	// Retiring: it signs no more; what it signed is still accepted.
	Retiring State = "retiring"
	// Retired: nothing of it is accepted any more.
	Retired State = "retired"
	// Revoked: nothing of it is accepted from the moment it was revoked.
	Revoked State = "revoked"
)

// RetiringFor is how long a key is accepted after it stopped signing: longer
// than any token lives, clocks that differ included.
const RetiringFor = ssotoken.MaxSessionLifetime + 2*ssotoken.MaxSkew

// Status is what may be shown of a key.
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

// signer is the key that signs: of those that are active the one that began last.
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
