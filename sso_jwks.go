package amsbridge

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/go-jose/go-jose/v4"
)

// JWKSConfig configures [NewJWKS].
type JWKSConfig struct {
	// SSO's keys are published: those of all its audiences. Required, unless
	// there are Rings.
	SSO *SSO
	// Rings are published as well.
	Rings []*KeyRing
	// MaxAge is how long a receiver may keep the answer, in whole seconds, at most
	// a day: a new key is next for longer than that, and a revoked one is believed
	// for as long. Defaults to 5 minutes.
	MaxAge time.Duration
}

// JWKS answers with the public keys that are next, active or retiring, as a JWK
// set (RFC 7517), so that receivers learn of new keys by themselves. Each key ID
// stands in it once, with the members kty, use, alg, kid and those of the public
// key, in the order of the IDs. Shared secrets are left out; so is a key as soon
// as it is retired, or was ever revoked in one of the rings, and an ID which two rings give to
// different keys.
//
// It answers GET and HEAD, with an ETag of the content, and others with 405. It
// reads nothing of the path or the query.
type JWKS struct {
	rings []*KeyRing
	cache string
}

// NewJWKS checks the configuration. It returns an [*InputError] that names the
// first bad field.
func NewJWKS(cfg JWKSConfig) (*JWKS, error) {
	rings := slices.Clone(cfg.Rings)
	if cfg.SSO != nil {
		for _, a := range cfg.SSO.audiences {
			rings = append(rings, a.ring)
		}
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = 5 * time.Minute
	}
	switch {
	case len(rings) == 0:
		return nil, check.Bad("amsbridge", "SSO", "is missing")
	case slices.Contains(rings, nil):
		return nil, check.Bad("amsbridge", fmt.Sprintf("rings[%d]", slices.Index(rings, nil)), "is missing")
	case cfg.MaxAge < time.Second, cfg.MaxAge > 24*time.Hour, cfg.MaxAge%time.Second != 0:
		return nil, check.Bad("amsbridge", "max age", "is not in whole seconds from 1 second to a day")
	}
	return &JWKS{rings, fmt.Sprintf("public, max-age=%d", cfg.MaxAge/time.Second)}, nil
}

// ServeHTTP writes the set.
func (j *JWKS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: j.keys()})
	if err != nil {
		http.Error(w, "The keys cannot be read.", http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(body)
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", "application/jwk-set+json") // RFC 7517 section 8.5.2
	h.Set("Cache-Control", j.cache)
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:18])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// keys never holds more than verificationKey does: no private member.
func (j *JWKS) keys() []jose.JSONWebKey {
	found := map[string]verificationKey{}
	hidden := map[string]bool{}
	for _, ring := range j.rings {
		now := ring.clock()
		for _, id := range ring.everRevoked() {
			hidden[id] = true
		}
		for _, k := range ring.snapshot() {
			other, known := found[k.id]
			switch state := k.state(now); {
			case k.public.shared(), state == KeyRetired, state == KeyRevoked:
			case known && !other.equal(k.public):
				hidden[k.id] = true
			default:
				found[k.id] = k.public
			}
		}
	}
	keys := []jose.JSONWebKey{} // an empty list is not null
	for id, k := range found {
		if !hidden[id] {
			keys = append(keys, jose.JSONWebKey{Key: k.public, KeyID: id, Algorithm: k.method.Alg(), Use: "sig"})
		}
	}
	slices.SortFunc(keys, func(a, b jose.JSONWebKey) int { return cmp.Compare(a.KeyID, b.KeyID) })
	return keys
}
