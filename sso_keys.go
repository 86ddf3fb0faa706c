package amsbridge

import (
	"fmt"
	"sync"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// audienceKeys are the current keys of an SSO's audiences. Its rule is checked at each change of a
// ring: no two audiences share a secret, and no ID stands for two keys.
type audienceKeys struct {
	mu   sync.Mutex
	held map[string]heldKeys // by the audience claim
	void bool                // set when the SSO was refused: its rings then obey no rule
}

// heldKeys are the keys of one audience.
type heldKeys struct {
	ring *ssokeys.Ring
	keys []ssokeys.VerificationKey
}

// drop releases the rings of an SSO whose configuration was refused.
func (a *audienceKeys) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held, a.void = nil, true
}

func (a *audienceKeys) has(audience string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.held[audience]
	return ok
}

// rule returns the rule that the ring of an audience obeys. shared is the audience's SharedSecret.
func (a *audienceKeys) rule(audience string, ring *ssokeys.Ring, shared bool) ssokeys.Rule {
	return func(keys []ssokeys.VerificationKey) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		switch {
		case a.void:
			return nil
		case len(keys) == 0:
			return check.Bad("amsbridge", "keys", "are empty")
		}
		for i, k := range keys {
			field, problem := "Key.Secret", ""
			switch secret := k.Secret != nil; {
			case secret && !shared:
				problem = "is a shared secret, which the audience is not marked for"
			case !secret && shared:
				field, problem = "Key", "is not a shared secret, which the audience is marked for"
			default:
				field, problem = a.conflict(audience, ring, k)
			}
			if problem != "" {
				return check.Bad("amsbridge", fmt.Sprintf("keys[%d].%s", i, field), problem)
			}
		}
		a.held[audience] = heldKeys{ring: ring, keys: keys}
		return nil
	}
}

// conflict says in what a key conflicts with the keys of another audience.
func (a *audienceKeys) conflict(
	audience string, ring *ssokeys.Ring, k ssokeys.VerificationKey,
) (field, problem string) {
	for name, other := range a.held {
		if name == audience || other.ring == ring && k.Secret == nil {
			continue // audiences may share a ring of key pairs
		}
		for _, o := range other.keys {
			switch same := o.Equal(k); {
			case same && k.Secret != nil:
				return "Key.Secret", "is another audience's"
			case o.ID == k.ID && !same:
				return "Key.ID", "is that of another key"
			}
		}
	}
	return "", ""
}
