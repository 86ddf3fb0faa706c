package ssokeys

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

	"github.com/go-jose/go-jose/v4"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/web"
)

// JWKSConfig configures [NewJWKS].
type JWKSConfig struct {
	// Rings are the rings to publish: those of all audiences, as amsbridge.SSO.Rings returns them.
	// Required.
	Rings []*Ring
	// MaxAge is how long a receiver may keep the answer, in whole seconds, at most a day. A new key
	// must be next for longer than that, and a revoked key may be accepted for as long. Defaults to 5
	// minutes.
	MaxAge time.Duration
}

// JWKS serves the public keys that are next, active or retiring as a JWK set (RFC 7517), so that
// receivers learn of new keys by themselves. Each key ID appears once, in the order of the IDs, with
// the members kty, use, alg, kid and those of the public key. Left out are shared secrets, retired
// keys, keys that were ever revoked in one of the rings, under whatever ID, and IDs that stand or stood for
// two keys.
//
// It answers GET and HEAD, with an ETag of the content, and other methods with 405. It ignores the path
// and the query.
type JWKS struct {
	rings []*Ring
	cache string
}

// NewJWKS checks the configuration. It returns an *amsbridge.InputError that names the
// first bad field.
func NewJWKS(cfg JWKSConfig) (*JWKS, error) {
	if cfg.MaxAge == 0 {
		cfg.MaxAge = 5 * time.Minute
	}
	switch {
	case len(cfg.Rings) == 0:
		return nil, check.Bad("ssokeys", "JWKSConfig.Rings", "are missing")
	case slices.Contains(cfg.Rings, nil):
		at := fmt.Sprintf("JWKSConfig.Rings[%d]", slices.Index(cfg.Rings, nil))
		return nil, check.Bad("ssokeys", at, "is nil")
	case cfg.MaxAge < time.Second, cfg.MaxAge > 24*time.Hour, cfg.MaxAge%time.Second != 0:
		return nil, check.Bad("ssokeys", "JWKSConfig.MaxAge", "is not in whole seconds from 1 second to a day")
	}
	return &JWKS{
		rings: slices.Clone(cfg.Rings),
		cache: fmt.Sprintf("public, max-age=%d", cfg.MaxAge/time.Second),
	}, nil
}

// ServeHTTP writes the set.
func (j *JWKS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !web.Allow(w, r, http.MethodGet, http.MethodHead) {
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

// keys returns the published keys. They have no private members, since a [VerificationKey] has none.
func (j *JWKS) keys() []jose.JSONWebKey {
	found := map[string]VerificationKey{}
	hidden, revoked := map[string]bool{}, map[string]bool{}
	for _, ring := range j.rings {
		for print, id := range ring.everRevoked() {
			revoked[print], hidden[id] = true, true
		}
	}
	for _, ring := range j.rings {
		now := ring.clock()
		for _, k := range ring.snapshot() {
			other, known := found[k.public.ID]
			switch {
			case k.public.shared(), k.state(now) == Retired, revoked[k.public.fingerprint()]:
			case known && !other.Equal(k.public):
				hidden[k.public.ID] = true
			default:
				found[k.public.ID] = k.public
			}
		}
	}
	keys := []jose.JSONWebKey{} // not nil, which would be encoded as null
	for id, k := range found {
		if !hidden[id] {
			keys = append(keys, jose.JSONWebKey{
				Key: k.Public, KeyID: id, Algorithm: string(k.Algorithm()), Use: "sig",
			})
		}
	}
	slices.SortFunc(keys, func(a, b jose.JSONWebKey) int { return cmp.Compare(a.KeyID, b.KeyID) })
	return keys
}
