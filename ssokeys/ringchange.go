package ssokeys

import (
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Rule says what is wrong with the keys that a ring has or is to have, or nil. One
// that refuses changes nothing, and one that agrees to keys agrees to fewer of
// them as well. It is called while the ring is locked, and must not use it.
type Rule func(keys []VerificationKey) error

// Replace puts other keys in the place of all, at once: a signature or a
// verification under way uses the old ones or the new. It returns an
// *amsbridge.InputError, and changes nothing, for keys that [NewRing] refuses, for an
// ID that stands for another key, for a key that was ever revoked in this ring
// and is there without Revoked, and for secrets in the place of key pairs, or the
// other way round; and the error of a rule that the ring obeys.
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

// conflict says what in the ring forbids a key.
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

// Revoke refuses all that a key signed, from now on, in this process. Other
// processes must be told too, and receivers that fetch a key set learn of it
// when they fetch again. It returns [ErrUnknown] for an ID that is not in the
// ring.
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

// Obey has the ring keep a rule for as long as it lives: its keys are shown to the
// rule at once, and at each [Ring.Replace] before anything changes. It returns
// the rule's error, and does not keep a rule that refuses the keys as they are. An
// SSO has its rings keep the rule that no two audiences share a secret.
func (r *Ring) Obey(rule Rule) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := rule(publicKeys(r.held())); err != nil {
		return err
	}
	r.rules = append(r.rules, rule)
	return nil
}

// ask shows the rules the fresh keys beside those that are held, so that what
// either of them needs is taken by no other ring before all rules have agreed,
// and then those that remain.
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

// tell shows rules a part of what they have agreed to.
func tell(rules []Rule, keys []VerificationKey) {
	for _, rule := range rules {
		_ = rule(keys) // it agreed to more
	}
}

func publicKeys(keys []ringKey) []VerificationKey {
	public := make([]VerificationKey, len(keys))
	for i, k := range keys {
		public[i] = k.public
	}
	return public
}
