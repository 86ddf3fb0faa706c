package ssokeys

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Rule checks the keys that a ring has or is to have, and returns what is wrong with them. A rule that
// refuses must change nothing, and one that accepts keys must also accept a part of them. It is called
// while the ring is locked, and must not use the ring.
type Rule func(keys []VerificationKey) error

// Replace replaces all keys at once: a signature or a verification under way uses either the old keys
// or the new. It returns an *amsbridge.InputError, and changes nothing, for keys that [NewRing]
// refuses, for an ID that stands for another key, for a key that was ever revoked in this ring and is
// given without Revoked, and for secrets in place of key pairs or the other way round. It returns the
// error of a rule that refuses the keys.
func (r *Ring) Replace(keys []RingKey) error {
	if len(keys) == 0 || len(keys) > 100 {
		return check.Bad("ssokeys", "keys", "are not 1 to 100")
	}
	fresh := make([]ringKey, 0, len(keys))
	for i, k := range keys {
		own, field, problem := k.Key.check()
		field = "Key." + field
		at := func(id string) bool {
			return slices.ContainsFunc(fresh, func(o ringKey) bool { return o.public.ID == id })
		}
		switch {
		case problem != "":
		case at(own.public.ID):
			field, problem = "Key.ID", "is listed twice"
		case i > 0 && own.public.shared() != fresh[0].public.shared():
			field, problem = "Key", "is a shared secret beside key pairs"
		case !k.RetireAt.IsZero() && !k.RetireAt.After(k.ActiveFrom):
			field, problem = "RetireAt", "is not after ActiveFrom"
		}
		if problem != "" {
			return check.Bad("ssokeys", fmt.Sprintf("keys[%d].%s", i, field), problem)
		}
		fresh = append(fresh, ringKey{
			signingKey: own, from: k.ActiveFrom, retire: k.RetireAt, revoked: k.Revoked,
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.revoked == nil {
		r.revoked = map[string]bool{}
	}
	for i, k := range fresh {
		if field, problem := r.conflict(k); problem != "" {
			return check.Bad("ssokeys", fmt.Sprintf("keys[%d].%s", i, field), problem)
		}
	}
	if err := r.ask(fresh); err != nil {
		return err
	}
	for _, k := range fresh {
		if k.revoked {
			r.revoked[k.public.ID] = true
		}
	}
	r.keys = func() []ringKey { return fresh }
	return nil
}

// conflict says why a key cannot be put into the ring.
func (r *Ring) conflict(k ringKey) (field, problem string) {
	for _, old := range r.held() {
		switch {
		case old.public.shared() != k.public.shared():
			return "Key", "is not of the ring's kind: key pairs, or shared secrets"
		case old.public.ID == k.public.ID && !old.public.Equal(k.public):
			return "Key.ID", "is that of another key"
		}
	}
	if r.revoked[k.public.ID] && !k.revoked {
		return "Revoked", "cannot be undone"
	}
	return "", ""
}

// Revoke refuses all tokens that a key signed, from now on, in this process. Revoke it in other
// processes too; receivers that fetch a key set learn of it at their next fetch. It returns
// [ErrUnknown] for an ID that is not in the ring.
func (r *Ring) Revoke(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := slices.Clone(r.held())
	i := slices.IndexFunc(keys, func(k ringKey) bool { return k.public.ID == id })
	if i < 0 {
		return ErrUnknown
	}
	keys[i].revoked = true
	r.revoked[id] = true
	r.keys = func() []ringKey { return keys }
	return nil
}

// Obey makes the ring obey a rule from now on. The rule is called at once with the current keys, and at
// each [Ring.Replace] before anything changes. A rule that refuses the current keys is not kept, and
// its error is returned. A rule stays for as long as its ring, also after the SSO that brought it is gone:
// make one SSO for a ring, not one a request. An SSO makes its rings obey the rule that no two audiences share a secret.
func (r *Ring) Obey(rule Rule) error {
	if rule == nil {
		return check.Bad("ssokeys", "rule", "is nil")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := rule(publicKeys(r.held())); err != nil {
		return err
	}
	r.rules = append(r.rules, rule)
	return nil
}

// ask calls the rules with the new and the old keys together, so that no other ring can take either
// before all rules have accepted them. It then calls them with the keys that remain: the new ones, or
// the old ones after a refusal.
func (r *Ring) ask(fresh []ringKey) error {
	held, next := publicKeys(r.held()), publicKeys(fresh)
	both := slices.Concat(next, held)
	for i, rule := range r.rules {
		if err := rule(both); err != nil {
			tell(r.rules[:i], held)
			return err
		}
	}
	tell(r.rules, next)
	return nil
}

// tell calls rules with a part of the keys that they have accepted.
func tell(rules []Rule, keys []VerificationKey) {
	for _, rule := range rules {
		_ = rule(keys) // it has accepted more
	}
}

func publicKeys(keys []ringKey) []VerificationKey {
	public := make([]VerificationKey, len(keys))
	for i, k := range keys {
		public[i] = k.public
		public[i].Secret = bytes.Clone(k.public.Secret) // a rule may keep it, or spoil it
	}
	return public
}
