package ssokeys

import (
	"maps"
	"slices"
)

// Revoke refuses all tokens that a key signed, from now on, in this process: in this ring and in those that
// share its revocations. Revoke it in other processes too; receivers that fetch a key set learn of it at
// their next fetch. What is revoked is the key: it cannot come back under another ID. It returns
// [ErrUnknown] for an ID that is not in the ring.
func (r *Ring) Revoke(id string) error {
	keys := r.snapshot()
	i := slices.IndexFunc(keys, func(k ringKey) bool { return k.public.ID == id })
	if i < 0 {
		return ErrUnknown
	}
	r.revoke(keys[i].public.fingerprint())
	return nil
}

// ShareRevocations makes a key that is or will be revoked in one of the rings revoked in all of them, under
// whatever ID it stands there. It lasts for as long as the rings do. An SSO does so with the rings of its
// audiences.
func ShareRevocations(rings ...*Ring) {
	for _, r := range rings[min(1, len(rings)):] {
		if r != rings[0] {
			r.relate(rings[0])
			rings[0].relate(r)
		}
	}
	for _, r := range rings {
		for print := range r.everRevoked() {
			r.tellRelatives(print)
		}
	}
}

func (r *Ring) relate(other *Ring) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.relatives, other) {
		r.relatives = append(r.relatives, other)
	}
}

// revoke revokes a key by its fingerprint, whether it is in the ring or not.
func (r *Ring) revoke(print string) {
	if r.markRevoked(print) {
		r.tellRelatives(print)
	}
}

// markRevoked returns false where the key was revoked before.
func (r *Ring) markRevoked(print string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, before := r.revoked[print]; before {
		return false
	}
	id, keys := "", slices.Clone(r.held())
	for i := range keys {
		if keys[i].public.fingerprint() == print {
			id, keys[i].revoked = keys[i].public.ID, true
		}
	}
	r.remember(print, id)
	r.keys = func() []ringKey { return keys }
	return true
}

// remember is called while the ring is locked.
func (r *Ring) remember(print, id string) {
	if r.revoked == nil {
		r.revoked = map[string]string{}
	}
	r.revoked[print] = id
}

// tellRelatives revokes a key in the related rings. It is called while no ring is locked, since two rings
// may do it to each other at once.
func (r *Ring) tellRelatives(print string) {
	r.mu.RLock()
	relatives := slices.Clone(r.relatives)
	r.mu.RUnlock()
	for _, other := range relatives {
		other.revoke(print)
	}
}

// everRevoked returns the revoked keys as [Ring] keeps them.
func (r *Ring) everRevoked() map[string]string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return maps.Clone(r.revoked)
}
