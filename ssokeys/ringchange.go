package ssokeys

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Rule checks the keys that a ring has or is to have, and returns what is wrong with them. A rule that
// refuses must change nothing, and one that accepts keys must also accept a part of them. It is called
// while the ring is locked, and must not use the ring.
type Rule func(keys []VerificationKey) error

// Replace replaces all keys at once: a signature or a verification under way uses either the old keys
// or the new. It returns an *amsbridge.InputError, and changes nothing, for keys that [NewRing]
// refuses, for an ID that stands for another key or stood for a revoked one, for a key that was ever revoked
// and is given without Revoked, whatever its ID, and for secrets in place of key pairs or the other way
// round. It returns the error of a rule that refuses the keys.
func (r *Ring) Replace(keys []RingKey) error {
	fresh, err := checkedKeys(keys, r.clock())
	if err != nil {
		return err
	}
	if err := r.replace(fresh); err != nil {
		return err
	}
	for _, k := range fresh {
		if k.revoked {
			r.tellRelatives(k.public.fingerprint())
		}
	}
	return nil
}

// checkedKeys returns checked copies of keys that can be in one ring.
func checkedKeys(keys []RingKey, now time.Time) ([]ringKey, error) {
	if len(keys) == 0 || len(keys) > 100 {
		return nil, check.Bad("ssokeys", "keys", "are not 1 to 100")
	}
	fresh := make([]ringKey, 0, len(keys))
	ids, prints := map[string]bool{}, map[string]bool{}
	for i, k := range keys {
		own, field, problem := k.Key.check()
		field = "Key." + field
		switch {
		case problem != "":
		case ids[own.public.ID]:
			field, problem = "Key.ID", "is listed twice"
		case prints[own.public.fingerprint()]:
			field, problem = "Key", "is listed twice, under two IDs"
		case i > 0 && own.public.shared() != fresh[0].public.shared():
			field, problem = "Key", "is a shared secret beside key pairs"
		case !k.RetireAt.IsZero() && !k.RetireAt.After(k.ActiveFrom):
			field, problem = "RetireAt", "is not after ActiveFrom"
		}
		if problem != "" {
			return nil, check.Bad("ssokeys", fmt.Sprintf("keys[%d].%s", i, field), problem)
		}
		ids[own.public.ID], prints[own.public.fingerprint()] = true, true
		fresh = append(fresh, ringKey{
			signingKey: own, from: k.ActiveFrom, retire: k.RetireAt, revoked: k.Revoked,
		})
	}
	of := func(states ...State) bool { // a revocation may leave a ring without a key that signs
		return !slices.ContainsFunc(fresh, func(k ringKey) bool { return !slices.Contains(states, k.state(now)) })
	}
	if of(Retired, Revoked) && !of(Revoked) {
		return nil, check.Bad("ssokeys", "keys", "have all retired: none signs, and none is accepted")
	}
	return fresh, nil
}

// replace puts checked keys into the ring.
func (r *Ring) replace(fresh []ringKey) error {
	r.mu.Lock()
	defer r.mu.Unlock()
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
			r.remember(k.public.fingerprint(), k.public.ID)
		}
	}
	r.keys = func() []ringKey { return fresh }
	return nil
}

// conflict says why a key cannot be put into the ring.
func (r *Ring) conflict(k ringKey) (field, problem string) {
	print := k.public.fingerprint()
	for _, old := range r.held() {
		switch {
		case old.public.shared() != k.public.shared():
			return "Key", "is not of the ring's kind: key pairs, or shared secrets"
		case old.public.ID == k.public.ID && old.public.fingerprint() != print:
			return "Key.ID", "is that of another key"
		}
	}
	if _, ever := r.revoked[print]; ever && !k.revoked {
		return "Revoked", "cannot be undone"
	}
	for other, id := range r.revoked {
		if id == k.public.ID && other != print {
			return "Key.ID", "is that of another key, which was revoked"
		}
	}
	return "", ""
}

// Obey makes the ring obey a rule from now on. The rule is called at once with the current keys, and at
// each [Ring.Replace] before anything changes. A rule that refuses the current keys is not kept, and
// its error is returned. A rule stays for as long as its ring, also after the SSO that brought it is gone:
// make one SSO for a ring, not one a request. An SSO makes its rings obey the rule that no two audiences
// share a secret, and hand-offs the one that no platform knows their StateKey.
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
