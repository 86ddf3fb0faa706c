package ssokeys_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

func named(key ssokeys.SigningKey, id string) ssokeys.SigningKey {
	key.ID = id
	return key
}

// What is revoked is the key: it does not come back under another ID, nor does its ID for another key.
func TestRevokedKeysDoNotComeBackUnderAnotherID(t *testing.T) {
	t.Parallel()
	for _, alg := range keytest.Algorithms() {
		stolen, safe := keytest.Generated(t, alg, "stolen"), keytest.Generated(t, alg, "safe")
		if alg == ssokeys.RS256 {
			safe = keytest.Generated(t, ssokeys.ES256, "safe") // keytest has one RSA key
		}
		ring := keytest.Ring(t, nil, ssokeys.RingKey{Key: stolen}, ssokeys.RingKey{Key: safe})
		require.NoError(t, ring.Revoke("stolen"))
		for _, keep := range []ssokeys.RingKey{{Key: stolen, Revoked: true}, {Key: named(keytest.Generated(t, safeAlg(alg), ""), "other")}} {
			back := []ssokeys.RingKey{keep, {Key: named(stolen, "renamed")}}
			if keep.Revoked {
				require.Equal(t, "ssokeys: keys[1].Key", keytest.BadField(t, ring.Replace(back)), alg)
				continue
			}
			require.Equal(t, "ssokeys: keys[1].Revoked", keytest.BadField(t, ring.Replace(back)), alg)
		}
		require.NoError(t, ring.Replace([]ssokeys.RingKey{{Key: safe}}))
		require.Equal(t, "ssokeys: keys[0].Revoked", keytest.BadField(t, ring.Replace([]ssokeys.RingKey{{Key: named(stolen, "renamed")}})), alg)
		if alg != ssokeys.RS256 {
			another := keytest.Generated(t, alg, "stolen")
			require.Equal(t, "ssokeys: keys[0].Key.ID", keytest.BadField(t, ring.Replace([]ssokeys.RingKey{{Key: another}})), alg)
		}
		_, err := ring.VerificationKey(t.Context(), "renamed")
		require.ErrorIs(t, err, ssokeys.ErrUnknown)
	}
}

// safeAlg is an algorithm of keys that fit into a ring beside one of alg.
func safeAlg(alg ssokeys.Algorithm) ssokeys.Algorithm {
	if alg == ssokeys.HS256 {
		return alg
	}
	return ssokeys.EdDSA
}

// HMAC fills a key up with zeros and hashes a long one: such texts are one key, and are revoked together.
func TestSecretsOfOneHMACKeyAreOneKey(t *testing.T) {
	t.Parallel()
	secret := keytest.Generated(t, ssokeys.HS256, "s").Secret
	padded := append(slices.Clone(secret), 0, 0)
	key := ssokeys.VerificationKey{ID: "s", Secret: secret}
	require.True(t, key.Equal(ssokeys.VerificationKey{ID: "t", Secret: padded}))
	token := signed(t, keytest.Ring(t, nil, ssokeys.RingKey{Key: ssokeys.SigningKey{ID: "s", Secret: secret}}))
	require.NoError(t, verifies(t, ssokeys.VerificationKey{ID: "s", Secret: padded}, token), "they are")
	require.False(t, key.Equal(ssokeys.VerificationKey{ID: "s", Secret: append(slices.Clone(secret), 1)}))

	ring := keytest.Ring(t, nil, ssokeys.RingKey{Key: ssokeys.SigningKey{ID: "s", Secret: secret}})
	require.NoError(t, ring.Revoke("s"))
	back := []ssokeys.RingKey{{Key: ssokeys.SigningKey{ID: "t", Secret: padded}}}
	require.Equal(t, "ssokeys: keys[0].Revoked", keytest.BadField(t, ring.Replace(back)))
}

// A key that stands in several rings, under whatever IDs, is revoked in all that share revocations.
func TestRingsShareRevocations(t *testing.T) {
	t.Parallel()
	key, spare := keytest.Generated(t, ssokeys.EdDSA, "k"), keytest.Generated(t, ssokeys.EdDSA, "spare")
	early := keytest.Generated(t, ssokeys.EdDSA, "early")
	a := keytest.Ring(t, nil, ssokeys.RingKey{Key: key}, ssokeys.RingKey{Key: early, Revoked: true})
	b := keytest.Ring(t, nil, ssokeys.RingKey{Key: named(key, "renamed")}, ssokeys.RingKey{Key: spare})
	c := keytest.Ring(t, nil, ssokeys.RingKey{Key: spare})
	ssokeys.ShareRevocations(a, b, c, a)
	ssokeys.ShareRevocations()
	takeBack := func(key ssokeys.SigningKey) string {
		return keytest.BadField(t, c.Replace([]ssokeys.RingKey{{Key: spare}, {Key: key}}))
	}
	require.Equal(t, "ssokeys: keys[1].Revoked", takeBack(named(early, "x")), "revoked before they shared")
	require.NoError(t, c.Revoke("spare"))
	_, err := b.VerificationKey(t.Context(), "spare")
	require.ErrorIs(t, err, ssokeys.ErrUnknown)

	published, err := ssokeys.NewJWKS(ssokeys.JWKSConfig{Rings: []*ssokeys.Ring{a, b}})
	require.NoError(t, err)
	ids, _ := kids(t, served(t, published, http.MethodGet))
	require.Equal(t, []string{"k", "renamed"}, ids)
	require.NoError(t, a.Replace([]ssokeys.RingKey{{Key: key, Revoked: true}}))
	_, err = b.Sign("typ", nil)
	require.ErrorIs(t, err, ssokeys.ErrNoActive)
	ids, _ = kids(t, served(t, published, http.MethodGet))
	require.Empty(t, ids)

	var wg sync.WaitGroup // two rings that tell each other at once
	x, y := keytest.Generated(t, ssokeys.EdDSA, "x"), keytest.Generated(t, ssokeys.EdDSA, "y")
	d, e := keytest.Ring(t, nil, ssokeys.RingKey{Key: x}), keytest.Ring(t, nil, ssokeys.RingKey{Key: y})
	ssokeys.ShareRevocations(d, e)
	wg.Go(func() { _ = d.Revoke("x") })
	wg.Go(func() { _ = e.Revoke("y") })
	wg.Wait()
	require.Error(t, d.Replace([]ssokeys.RingKey{{Key: y}}))
	require.Error(t, e.Replace([]ssokeys.RingKey{{Key: x}}))
}

// The published set leaves a revoked key out under whatever ID another ring has it, shared or not.
func TestJWKSLeavesARevokedKeyOutUnderEveryID(t *testing.T) {
	t.Parallel()
	key := keytest.Generated(t, ssokeys.EdDSA, "k")
	a, b := keytest.Ring(t, nil, ssokeys.RingKey{Key: key}), keytest.Ring(t, nil, ssokeys.RingKey{Key: named(key, "renamed")})
	published, err := ssokeys.NewJWKS(ssokeys.JWKSConfig{Rings: []*ssokeys.Ring{a, b}})
	require.NoError(t, err)
	require.NoError(t, a.Revoke("k"))
	ids, _ := kids(t, served(t, published, http.MethodGet))
	require.Empty(t, ids)
}
