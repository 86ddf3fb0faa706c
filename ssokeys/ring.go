package ssokeys

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
)

// ErrNoActive is returned when a token is to be signed and no key of the ring is active.
var ErrNoActive = errors.New("ssokeys: no key is active")

// Ring holds the keys of one audience or of several, and changes them while in use. By its times alone,
// a key is first next, then active, then retiring, then retired. A Ring signs for an amsbridge.SSO and
// is a [Source]. It is safe for concurrent use, and printing it shows no key.
type Ring struct {
	now func() time.Time

	mu sync.RWMutex
	// keys returns the keys; a function holds them, so that no printing shows them. It is nil in a Ring
	// that NewRing did not make, which has no keys.
	keys func() []ringKey
	// revoked are all keys that were ever revoked here or in a related ring, also those that are no longer in
	// the ring: from the fingerprint to the ID, which is empty for a key that was revoked elsewhere.
	revoked   map[string]string
	rules     []Rule
	relatives []*Ring
}

// RingKey is a key and its times.
type RingKey struct {
	Key SigningKey
	// ActiveFrom is when the key begins to sign. Until then it is next. Leave receivers time to fetch
	// it: longer than they cache a key set. Defaults to at once.
	ActiveFrom time.Time
	// RetireAt is when the key stops signing. Its tokens are accepted for [RetiringFor] longer.
	// Defaults to never.
	RetireAt time.Time
	// Revoked refuses all tokens that the key ever signed. It cannot be undone: what is revoked is the key,
	// under whatever ID it comes back.
	Revoked bool
}

// ringKey is a checked copy of a [RingKey].
type ringKey struct {
	signingKey
	from, retire time.Time
	revoked      bool
}

// RingConfig configures [NewRing].
type RingConfig struct {
	// Keys are the ring's keys: 1 to 100.
	Keys []RingKey
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// NewRing checks the keys and copies them. It returns an *amsbridge.InputError that
// names the first bad field.
func NewRing(cfg RingConfig) (*Ring, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &Ring{now: cfg.Now, revoked: map[string]string{}}
	if err := r.Replace(cfg.Keys); err != nil {
		return nil, check.Renamed(err, "ssokeys", "keys", "RingConfig.Keys")
	}
	return r, nil
}

// Format writes the IDs and states of the keys and nothing else, whatever the verb.
func (r *Ring) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "Ring%v", r.Keys()) }

// Keys returns the status of each key, in the order in which they were given.
func (r *Ring) Keys() []Status {
	now := r.clock()
	keys := r.snapshot()
	signs, err := signer(keys, now)
	out := make([]Status, len(keys))
	for i, k := range keys {
		out[i] = Status{
			ID: k.public.ID, Algorithm: k.public.Algorithm(), State: k.state(now),
			Signs: err == nil && k.public.ID == signs.public.ID,
		}
	}
	return out
}

// VerificationKey returns a key that is active or retiring, or that is next and so close to its time
// that another process may have begun to sign with it.
func (r *Ring) VerificationKey(_ context.Context, id string) (VerificationKey, error) {
	now := r.clock()
	for _, k := range r.snapshot() {
		if k.public.ID != id {
			continue
		}
		state := k.state(now)
		soon := state == Next && !now.Before(k.from.Add(-2*ssotoken.MaxSkew))
		if state == Active || state == Retiring || soon {
			return k.public.Checked()
		}
	}
	return VerificationKey{}, ErrUnknown
}

// Sign writes a token of the given typ header with the key that signs now. It returns [ErrNoActive]
// where there is none, and an error without anything of the claims where the key cannot sign. It checks
// and audits nothing: an SSO signs with it, and whoever else holds the ring can sign anything.
func (r *Ring) Sign(typ string, claims map[string]any) (string, error) {
	key, err := signer(r.snapshot(), r.clock())
	if err != nil {
		return "", err
	}
	token, err := key.sign(typ, claims)
	if err != nil {
		return "", errors.New("ssokeys: the key cannot sign") // the cause may hold claims
	}
	return token, nil
}

// snapshot returns the keys; the caller must not change them.
func (r *Ring) snapshot() []ringKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.held()
}

func (r *Ring) held() []ringKey {
	if r.keys == nil {
		return nil
	}
	return r.keys()
}

func (r *Ring) clock() time.Time {
	if r.now == nil {
		return time.Now()
	}
	return r.now()
}
