package ssotest

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// key is a key that signs tokens: the issuer's, or a stranger's.
type key struct {
	id  string
	alg ssokeys.Algorithm
	own ssokeys.SigningKey
}

// private returns the key for golang-jwt.
func (k key) private() any {
	if k.own.Private != nil {
		return k.own.Private
	}
	return k.own.Secret
}

// public returns the public key, or nil for a secret.
func (k key) public() crypto.PublicKey {
	if k.own.Private == nil {
		return nil
	}
	return k.own.Private.Public()
}

// keys are all keys that cases sign with. They are made once, since RSA is slow.
type keys struct {
	active []key // one for each algorithm
	// These are of the first algorithm.
	retiring, retired, revoked, next, stranger key
}

func newKeys(algorithms []ssokeys.Algorithm) (*keys, error) {
	k := &keys{}
	for _, alg := range algorithms {
		own, err := newKey("now-"+string(alg), alg)
		if err != nil {
			return nil, err
		}
		k.active = append(k.active, own)
	}
	for id, at := range map[string]*key{
		"retiring": &k.retiring, "retired": &k.retired, "revoked": &k.revoked, "next": &k.next, "stranger": &k.stranger,
	} {
		own, err := newKey(id, algorithms[0])
		if err != nil {
			return nil, err
		}
		*at = own
	}
	return k, nil
}

func newKey(id string, alg ssokeys.Algorithm) (key, error) {
	own, err := ssokeys.Generate(alg)
	if err != nil {
		return key{}, check.Renamed(err, "ssotest", "alg", "Config.Algorithms")
	}
	own.ID = id
	return key{id: id, alg: alg, own: own}, nil
}

// strangersSet returns the answer of the stranger's server: the stranger's key, under its own ID and
// under the issuer's.
func (k *keys) strangersSet() ([]byte, error) {
	var set jose.JSONWebKeySet
	own := any(k.stranger.public())
	if own == nil {
		own = k.stranger.own.Secret
	}
	for _, id := range []string{k.stranger.id, k.active[0].id} {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: own, KeyID: id, Algorithm: string(k.stranger.alg), Use: "sig"})
	}
	return json.Marshal(set)
}

// issuer holds the issuer's keys during one case. There is one ring of secrets and one of key pairs,
// since no ring holds both.
type issuer struct {
	ids   []string
	rings []*ssokeys.Ring
}

func newIssuer(k *keys, now func() time.Time) (*issuer, error) {
	t := now()
	all := []ssokeys.RingKey{
		{Key: k.retiring.own, ActiveFrom: t.Add(-48 * time.Hour), RetireAt: t.Add(-time.Hour)},
		{Key: k.retired.own, ActiveFrom: t.Add(-48 * time.Hour), RetireAt: t.Add(-time.Hour - ssokeys.RetiringFor)},
		{Key: k.revoked.own, ActiveFrom: t.Add(-48 * time.Hour), Revoked: true},
		{Key: k.next.own, ActiveFrom: t.Add(time.Hour)},
	}
	for _, a := range k.active {
		all = append(all, ssokeys.RingKey{Key: a.own, ActiveFrom: t.Add(-48 * time.Hour)})
	}
	var pairs, secrets []ssokeys.RingKey
	i := &issuer{}
	for _, r := range all {
		i.ids = append(i.ids, r.Key.ID)
		if r.Key.Private != nil {
			pairs = append(pairs, r)
		} else {
			secrets = append(secrets, r)
		}
	}
	for _, ring := range [][]ssokeys.RingKey{pairs, secrets} {
		if len(ring) == 0 {
			continue
		}
		r, err := ssokeys.NewRing(ssokeys.RingConfig{Keys: ring, Now: now})
		if err != nil {
			return nil, err
		}
		i.rings = append(i.rings, r)
	}
	return i, nil
}

// VerificationKey returns a key that is accepted now.
func (i *issuer) VerificationKey(ctx context.Context, id string) (ssokeys.VerificationKey, error) {
	for _, r := range i.rings {
		if k, err := r.VerificationKey(ctx, id); !errors.Is(err, ssokeys.ErrUnknown) {
			return k, err
		}
	}
	return ssokeys.VerificationKey{}, ssokeys.ErrUnknown
}

// revoke revokes a key.
func (i *issuer) revoke(id string) {
	for _, r := range i.rings {
		_ = r.Revoke(id) // one of the rings has it
	}
}

// accepted returns the keys that are accepted now.
func (i *issuer) accepted() ([]ssokeys.VerificationKey, error) {
	var out []ssokeys.VerificationKey
	for _, id := range i.ids {
		k, err := i.VerificationKey(context.Background(), id)
		switch {
		case err == nil:
			out = append(out, k)
		case !errors.Is(err, ssokeys.ErrUnknown):
			return nil, err
		}
	}
	return out, nil
}

// jwks returns the public keys among them as a set.
func (i *issuer) jwks() ([]byte, error) {
	accepted, err := i.accepted()
	if err != nil {
		return nil, err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range accepted {
		if k.Public == nil {
			continue
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Public, KeyID: k.ID, Algorithm: string(k.Algorithm()), Use: "sig"})
	}
	return json.Marshal(set)
}

// setup returns what the case's verifier is built from.
func (t *trial) setup(cfg Config) (Setup, error) {
	accepted, err := t.issuer.accepted()
	if err != nil {
		return Setup{}, err
	}
	return Setup{
		Issuer: issuerName, Audience: audienceName, Keys: accepted, KeySource: t.issuer, JWKS: t.issuer.jwks, Skew: cfg.Skew,
		ReturnOrigins: []string{returnOrigin}, Now: t.clock,
		Alive: func(_ context.Context, user amsbridge.UserID, id string) (bool, error) {
			if t.broken {
				return true, errors.New("the look-up of the session failed")
			}
			return !t.ended && (t.owner == "" || t.owner == string(user) && id == sessionID), nil
		},
	}, nil
}
