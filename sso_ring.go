package amsbridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// KeyState is where a key of a [KeyRing] stands.
type KeyState string

// The states of a key, in their order.
const (
	// KeyNext: published, so that receivers know it, and not used yet.
	KeyNext KeyState = "next"
	// KeyActive: it signs, unless another active key began later.
	KeyActive KeyState = "active"
	// KeyRetiring: it signs no more; what it signed is still accepted.
	KeyRetiring KeyState = "retiring"
	// KeyRetired: nothing of it is accepted any more.
	KeyRetired KeyState = "retired"
	// KeyRevoked: nothing of it is accepted from the moment it was revoked.
	KeyRevoked KeyState = "revoked"
)

// RingKey is a key and its times.
type RingKey struct {
	Key SigningKey
	// ActiveFrom is when it begins to sign. Until then it is next. Give the
	// receivers time to fetch it: longer than they cache a key set. Defaults to
	// at once.
	ActiveFrom time.Time
	// RetireAt is when it stops signing. What it signed is accepted for
	// [RetiringFor] longer. Defaults to never.
	RetireAt time.Time
	// Revoked refuses all that it ever signed. It cannot be undone.
	Revoked bool
}

// RetiringFor is how long a key is accepted after it stopped signing: longer
// than any token lives, clocks that differ included.
const RetiringFor = MaxSessionLifetime + 2*maxSkew

// maxSkew is how far clocks may differ at most.
const maxSkew = time.Minute

var (
	// ErrUnknownKey is returned by a [KeySource] that has no such key, or none
	// that is accepted now.
	ErrUnknownKey = errors.New("amsbridge: no such key")
	// ErrNoActiveKey is returned where a token shall be signed and no key of the
	// ring is active.
	ErrNoActiveKey = errors.New("amsbridge: no key is active")
)

// KeySource finds the keys of an issuer.
type KeySource interface {
	// VerificationKey returns the key of that ID, [ErrUnknownKey] where there is
	// none that is accepted now, or another error where that cannot be said: the
	// token is then refused as well. It is called for each token, with whatever a
	// stranger wrote as kid, and must be safe for concurrent use.
	VerificationKey(ctx context.Context, id string) (VerificationKey, error)
}

// KeyRing holds the keys of an audience, or of several, and changes them while
// in use: a key begins as next, becomes active, retires, and is dropped, by its
// times alone. It signs for an [SSO] and is a [KeySource]. It is safe for
// concurrent use, and printing it shows no key.
type KeyRing struct {
	now func() time.Time

	mu sync.RWMutex
	// keys are held in a function only, where no formatting finds them. It is nil
	// in a ring that NewKeyRing did not make, which has none.
	keys func() []ringKey
	// revoked are the IDs that ever were, those of keys that are gone included.
	revoked map[string]bool
}

type ringKey struct {
	signingKey
	from, retire time.Time
	revoked      bool
}

// KeyRingConfig configures [NewKeyRing].
type KeyRingConfig struct {
	// Keys are at least one and at most 100.
	Keys []RingKey
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// NewKeyRing checks the keys and copies them. It returns an [*InputError] that
// names the first bad field.
func NewKeyRing(cfg KeyRingConfig) (*KeyRing, error) {
	r := newRing(cfg.Now, nil)
	if err := r.Replace(cfg.Keys); err != nil {
		return nil, err
	}
	return r, nil
}

func newRing(now func() time.Time, keys []ringKey) *KeyRing {
	if now == nil {
		now = time.Now
	}
	return &KeyRing{now: now, keys: func() []ringKey { return keys }, revoked: map[string]bool{}}
}

// Format writes the IDs and states and nothing of the keys, whatever the verb.
func (r *KeyRing) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "KeyRing%v", r.Keys()) }

// Replace puts other keys in the place of all, at once: a signature or a
// verification under way uses the old ones or the new. It returns an
// [*InputError], and changes nothing, for keys that [NewKeyRing] refuses, for an
// ID that stands for another key, for a key that was ever revoked in this ring
// and is there without Revoked, and for secrets in the place of key pairs, or the
// other way round.
func (r *KeyRing) Replace(keys []RingKey) error {
	if len(keys) == 0 || len(keys) > 100 {
		return check.Bad("amsbridge", "keys", "are not 1 to 100")
	}
	fresh := make([]ringKey, 0, len(keys))
	for i, k := range keys {
		own, field, problem := k.Key.check()
		at := func(id string) bool {
			return slices.ContainsFunc(fresh, func(o ringKey) bool { return o.id == id })
		}
		switch {
		case problem != "":
		case at(own.id):
			field, problem = "key.id", "is listed twice"
		case i > 0 && own.public.shared() != fresh[0].public.shared():
			field, problem = "key", "is a shared secret beside key pairs"
		case !k.RetireAt.IsZero() && !k.RetireAt.After(k.ActiveFrom):
			field, problem = "retire at", "is not after active from"
		}
		if problem != "" {
			return check.Bad("amsbridge", fieldOf("keys", i, field), problem)
		}
		fresh = append(fresh, ringKey{own, k.ActiveFrom, k.RetireAt, k.Revoked})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.revoked == nil {
		r.revoked = map[string]bool{}
	}
	for i, k := range fresh {
		if field, problem := r.conflict(k); problem != "" {
			return check.Bad("amsbridge", fieldOf("keys", i, field), problem)
		}
	}
	for _, k := range fresh {
		if k.revoked {
			r.revoked[k.id] = true
		}
	}
	r.keys = func() []ringKey { return fresh }
	return nil
}

// conflict says what in the ring forbids a key.
func (r *KeyRing) conflict(k ringKey) (field, problem string) {
	for _, old := range r.held() {
		switch {
		case old.public.shared() != k.public.shared():
			return "key", "is not of the ring's kind: key pairs, or shared secrets"
		case old.id == k.id && !old.public.equal(k.public):
			return "key.id", "is that of another key"
		}
	}
	if r.revoked[k.id] && !k.revoked {
		return "revoked", "cannot be undone"
	}
	return "", ""
}

// Revoke refuses all that a key signed, from now on, in this process. Other
// processes must be told too, and receivers that fetch a key set learn of it
// when they fetch again. It returns [ErrUnknownKey] for an ID that is not in the
// ring.
func (r *KeyRing) Revoke(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := slices.Clone(r.held())
	i := slices.IndexFunc(keys, func(k ringKey) bool { return k.id == id })
	if i < 0 {
		return ErrUnknownKey
	}
	keys[i].revoked = true
	r.revoked[id] = true
	r.keys = func() []ringKey { return keys }
	return nil
}

// KeyStatus is what may be shown of a key.
type KeyStatus struct {
	ID        string
	Algorithm Algorithm
	State     KeyState
	// Signs is set for the one key that signs now.
	Signs bool
}

// Keys returns where each key stands, in the order in which they were given.
func (r *KeyRing) Keys() []KeyStatus {
	now := r.clock()
	keys := r.snapshot()
	signs, err := signer(keys, now)
	out := make([]KeyStatus, len(keys))
	for i, k := range keys {
		out[i] = KeyStatus{k.id, Algorithm(k.method.Alg()), k.state(now), err == nil && k.id == signs.id}
	}
	return out
}

// VerificationKey returns a key that is active or retiring, or next and so near
// to its time that another clock may have begun to sign with it.
func (r *KeyRing) VerificationKey(ctx context.Context, id string) (VerificationKey, error) {
	k, err := r.accepted(ctx, id)
	if err != nil {
		return VerificationKey{}, err
	}
	return k.exported(), nil
}

func (r *KeyRing) accepted(_ context.Context, id string) (verificationKey, error) {
	now := r.clock()
	for _, k := range r.snapshot() {
		if k.id != id {
			continue
		}
		switch k.state(now) {
		case KeyActive, KeyRetiring:
			return k.public, nil
		case KeyNext:
			if !now.Before(k.from.Add(-2 * maxSkew)) {
				return k.public, nil
			}
		}
	}
	return verificationKey{}, ErrUnknownKey
}

// snapshot is never written to.
func (r *KeyRing) snapshot() []ringKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.held()
}

func (r *KeyRing) held() []ringKey {
	if r.keys == nil {
		return nil
	}
	return r.keys()
}

func (r *KeyRing) everRevoked() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Collect(maps.Keys(r.revoked))
}

func (r *KeyRing) clock() time.Time {
	if r.now == nil {
		return time.Now()
	}
	return r.now()
}

func (r *KeyRing) signer() (signingKey, error) { return signer(r.snapshot(), r.clock()) }

// signer is the active key that began last.
func signer(keys []ringKey, now time.Time) (signingKey, error) {
	var best *ringKey
	for i, k := range keys {
		if k.state(now) == KeyActive && (best == nil || k.from.After(best.from)) {
			best = &keys[i]
		}
	}
	if best == nil {
		return signingKey{}, ErrNoActiveKey
	}
	return best.signingKey, nil
}

func (k ringKey) state(now time.Time) KeyState {
	switch {
	case k.revoked:
		return KeyRevoked
	case now.Before(k.from):
		return KeyNext
	case k.retire.IsZero() || now.Before(k.retire):
		return KeyActive
	case now.Before(k.retire.Add(RetiringFor)):
		return KeyRetiring
	}
	return KeyRetired
}
