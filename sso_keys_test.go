package amsbridge_test

import (
	"crypto/elliptic"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// A shared secret serves only one audience, which must be marked for it.
func TestSharedSecrets(t *testing.T) {
	t.Parallel()
	secret, pair := keytest.Generated(t, ssokeys.HS256, "s"), keytest.Generated(t, ssokeys.ES256, "p")
	short := ssokeys.SigningKey{ID: "s", Secret: secret.Secret[:ssokeys.MinSecret-1]}
	ring := func(keys ...ssokeys.SigningKey) *ssokeys.Ring {
		var all []ssokeys.RingKey
		for _, k := range keys {
			all = append(all, ssokeys.RingKey{Key: k})
		}
		r, err := ssokeys.NewRing(ssokeys.RingConfig{Keys: all})
		require.NoError(t, err)
		return r
	}
	both := ring(secret)
	for _, c := range []struct {
		name, field string
		audiences   []amsbridge.Audience
	}{
		{"not marked", "Audiences[0].Key.Secret", []amsbridge.Audience{{Key: secret}}},
		{"not marked, a ring", "Audiences[0].Keys", []amsbridge.Audience{{Keys: both}}},
		{"marked, a pair", "Audiences[0].Key", []amsbridge.Audience{{Key: pair, SharedSecret: true}}},
		{"marked, a ring of pairs", "Audiences[0].Keys", []amsbridge.Audience{{Keys: ring(pair), SharedSecret: true}}},
		{"short", "Audiences[0].Key.Secret", []amsbridge.Audience{{Key: short, SharedSecret: true}}},
		{"empty", "Audiences[0].Key.Secret", []amsbridge.Audience{{Key: ssokeys.SigningKey{ID: "s", Secret: []byte{}}, SharedSecret: true}}},
		{"not random", "Audiences[0].Key.Secret", []amsbridge.Audience{{Key: ssokeys.SigningKey{ID: "s", Secret: []byte(strings.Repeat("a", 64))}, SharedSecret: true}}},
		{"both", "Audiences[0].Key.Secret", []amsbridge.Audience{{Key: ssokeys.SigningKey{ID: "s", Secret: secret.Secret, Private: pair.Private}, SharedSecret: true}}},
		{"a key and a ring", "Audiences[0].Keys", []amsbridge.Audience{{Key: pair, Keys: both}}},
		{"a ring that nobody made", "Audiences[0].Keys", []amsbridge.Audience{{Keys: &ssokeys.Ring{}}}},
		{"of two audiences", "Audiences[1].Key.Secret", []amsbridge.Audience{{Key: secret, SharedSecret: true}, {Key: secret, SharedSecret: true}}},
		{"of two audiences, a ring", "Audiences[1].Keys", []amsbridge.Audience{{Keys: both, SharedSecret: true}, {Keys: both, SharedSecret: true}}},
	} {
		for i := range c.audiences {
			c.audiences[i].Name = string(rune('a' + i))
			c.audiences[i].Audience = c.audiences[i].Name
		}
		_, err := amsbridge.NewSSO(amsbridge.SSOConfig{Issuer: shopURL, Audiences: c.audiences, Audit: quiet})
		require.Equal(t, "amsbridge: SSOConfig."+c.field, keytest.BadField(t, err), c.name)
	}
}

func TestNoTwoAudiencesShareASecret(t *testing.T) {
	t.Parallel()
	secret := keytest.Generated(t, ssokeys.HS256, "").Secret
	_, err := amsbridge.NewSSO(amsbridge.SSOConfig{Issuer: shopURL, Audit: quiet, Audiences: []amsbridge.Audience{
		{Name: "a", Audience: "a", SharedSecret: true, Key: ssokeys.SigningKey{ID: "k1", Secret: secret}},
		{Name: "b", Audience: "b", SharedSecret: true, Key: ssokeys.SigningKey{ID: "k2", Secret: secret}},
	}})
	require.ErrorContains(t, err, "Audiences[1].Key.Secret", "whatever the key is called: one could sign for the other")
}

// The audiences' rules are checked again at each change of a ring. A refused change leaves the ring as
// it was.
func TestRingsKeepWhatAudiencesMayNotShare(t *testing.T) {
	t.Parallel()
	mine, other := keytest.Generated(t, ssokeys.HS256, "mine"), keytest.Generated(t, ssokeys.HS256, "other")
	pair, stranger := keytest.Generated(t, ssokeys.ES256, "pair"), keytest.Generated(t, ssokeys.EdDSA, "pair")
	a, b := keytest.Ring(t, nil, ssokeys.RingKey{Key: mine}), keytest.Ring(t, nil, ssokeys.RingKey{Key: other})
	pairs := keytest.Ring(t, nil, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.ES256, "first")})
	newSSO(t, amsbridge.SSOConfig{Issuer: shopURL, Audit: quiet, Audiences: []amsbridge.Audience{
		{Name: "a", Audience: "a", Keys: a, SharedSecret: true},
		{Name: "b", Audience: "b", Keys: b, SharedSecret: true},
		{Name: "c", Audience: "c", Key: pair},
		{Name: "d", Audience: "d", Keys: pairs},
		{Name: "e", Audience: "e", Keys: pairs}, // audiences may share a ring of key pairs
	}})
	renamed := other
	renamed.ID = "renamed"
	padded := ssokeys.SigningKey{ID: "padded", Secret: append(slices.Clone(other.Secret), 0)} // the same HMAC key
	for what, c := range map[string]struct {
		ring  *ssokeys.Ring
		keys  []ssokeys.RingKey
		field string
	}{
		"another audience's secret":          {a, []ssokeys.RingKey{{Key: mine}, {Key: other}}, "keys[1].Key.Secret"},
		"another audience's secret, renamed": {a, []ssokeys.RingKey{{Key: renamed}}, "keys[0].Key.Secret"},
		"another audience's secret, padded":  {a, []ssokeys.RingKey{{Key: padded}}, "keys[0].Key.Secret"},
		"an ID of two secrets": {a, []ssokeys.RingKey{
			{Key: mine}, {Key: ssokeys.SigningKey{ID: "other", Secret: keytest.Generated(t, ssokeys.HS256, "x").Secret}},
		}, "keys[1].Key.ID"},
		"an ID of two pairs": {pairs, []ssokeys.RingKey{{Key: stranger}}, "keys[0].Key.ID"},
	} {
		before := c.ring.Keys()
		require.Equal(t, "amsbridge: "+c.field, keytest.BadField(t, c.ring.Replace(c.keys)), what)
		require.Equal(t, before, c.ring.Keys(), what)
	}
	require.NoError(t, pairs.Replace([]ssokeys.RingKey{{Key: pair}}), "pairs may be shared")

	next := keytest.Generated(t, ssokeys.HS256, "next")
	require.NoError(t, b.Replace([]ssokeys.RingKey{{Key: next}}))
	require.NoError(t, a.Replace([]ssokeys.RingKey{{Key: other}}), "what b gave up is free")
	require.Equal(t, "amsbridge: keys[0].Key.Secret", keytest.BadField(t, b.Replace([]ssokeys.RingKey{{Key: other}})))
}

// A ring may serve two SSOs and obeys the rules of both: a change that one refuses leaves the other's
// keys as they were.
func TestRingOfTwoSSOs(t *testing.T) {
	t.Parallel()
	old, fresh := keytest.Generated(t, ssokeys.HS256, "old"), keytest.Generated(t, ssokeys.HS256, "fresh")
	ring := keytest.Ring(t, nil, ssokeys.RingKey{Key: old})
	mine := amsbridge.Audience{Name: "mine", Audience: "mine", Keys: ring, SharedSecret: true}
	neighbour := keytest.Ring(t, nil, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.HS256, "neighbour")})
	newSSO(t, amsbridge.SSOConfig{Issuer: shopURL, Audit: quiet, Audiences: []amsbridge.Audience{
		mine, {Name: "neighbour", Audience: "neighbour", Keys: neighbour, SharedSecret: true},
	}})
	newSSO(t, amsbridge.SSOConfig{Issuer: shopURL, Audit: quiet, Audiences: []amsbridge.Audience{
		mine, {Name: "other", Audience: "other", Key: fresh, SharedSecret: true},
	}})
	require.Error(t, ring.Replace([]ssokeys.RingKey{{Key: fresh}}), "the second SSO refuses")
	require.Error(t, neighbour.Replace([]ssokeys.RingKey{{Key: old}}), "the first was told that the old key stays")
	require.NoError(t, neighbour.Replace([]ssokeys.RingKey{{Key: fresh}}), "and that the fresh one came to nothing")
}

// A refused configuration leaves no rule on its rings.
func TestRefusedSSOLeavesNoRule(t *testing.T) {
	t.Parallel()
	secret := keytest.Generated(t, ssokeys.HS256, "s")
	ring := keytest.Ring(t, nil, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.HS256, "mine")})
	_, err := amsbridge.NewSSO(amsbridge.SSOConfig{Issuer: shopURL, Audit: quiet, Audiences: []amsbridge.Audience{
		{Name: "a", Audience: "a", Keys: ring, SharedSecret: true},
		{Name: "b", Audience: "b", Key: secret, SharedSecret: true},
		{Name: "b"},
	}})
	require.Equal(t, "amsbridge: SSOConfig.Audiences[2].Name", keytest.BadField(t, err))
	require.NoError(t, ring.Replace([]ssokeys.RingKey{{Key: secret}}))
}

// Audiences that were given one key have a ring each, and a revocation reaches all of them.
func TestRevocationReachesEveryAudience(t *testing.T) {
	t.Parallel()
	key := keytest.Generated(t, ssokeys.EdDSA, "k")
	renamed := key
	renamed.ID = "renamed"
	sso := newSSO(t, amsbridge.SSOConfig{Issuer: shopURL, Audit: quiet, Audiences: []amsbridge.Audience{
		{Name: "a", Audience: "a", Key: key}, {Name: "b", Audience: "b", Key: key}, {Name: "c", Audience: "c", Key: renamed},
	}})
	require.NoError(t, sso.Rings()[0].Revoke("k"))
	for _, name := range sso.Audiences() {
		_, err := sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: name, User: amsbridge.User{ID: "U-1"}})
		require.ErrorIs(t, err, ssokeys.ErrNoActive, name)
	}
}

// A ring whose keys have all stopped signing is a mistake. One whose keys were all revoked is not: the shop
// starts, and hands nobody over.
func TestAudiencesNeedAKeyThatSigns(t *testing.T) {
	t.Parallel()
	clock := keytest.NewClock(keytest.Time())
	a, b := keytest.Generated(t, ssokeys.EdDSA, "a"), keytest.Generated(t, ssokeys.EdDSA, "b")
	retires := ssokeys.RingKey{Key: a, RetireAt: keytest.Time().Add(time.Hour)}
	try := func(keys ...ssokeys.RingKey) error {
		clock.Set(keytest.Time())
		ring := keytest.Ring(t, clock.Now, keys...)
		clock.Advance(time.Hour)
		_, err := amsbridge.NewSSO(amsbridge.SSOConfig{
			Issuer: shopURL, Audit: quiet, Now: clock.Now, Audiences: []amsbridge.Audience{{Name: "a", Audience: "a", Keys: ring}},
		})
		return err
	}
	const field = "amsbridge: SSOConfig.Audiences[0].Keys"
	require.Equal(t, field, keytest.BadField(t, try(retires)))
	require.Equal(t, field, keytest.BadField(t, try(retires, ssokeys.RingKey{Key: b, Revoked: true})))
	require.NoError(t, try(retires, ssokeys.RingKey{Key: b, ActiveFrom: keytest.Time().Add(2 * time.Hour)}))
	require.NoError(t, try(ssokeys.RingKey{Key: b, Revoked: true}))
}

// Two rings that take the same secret at the same time: at most one of them gets it.
func TestConcurrentReplace(t *testing.T) {
	t.Parallel()
	contested := keytest.Generated(t, ssokeys.HS256, "contested")
	var rings []*ssokeys.Ring
	var own []ssokeys.SigningKey
	cfg := amsbridge.SSOConfig{Issuer: shopURL, Audit: quiet}
	for _, name := range []string{"a", "b"} {
		key := keytest.Generated(t, ssokeys.HS256, name)
		own = append(own, key)
		rings = append(rings, keytest.Ring(t, nil, ssokeys.RingKey{Key: key}))
		cfg.Audiences = append(cfg.Audiences, amsbridge.Audience{Name: name, Audience: name, Keys: rings[len(rings)-1], SharedSecret: true})
	}
	sso := newSSO(t, cfg)
	for range 100 {
		var wg sync.WaitGroup
		var taken atomic.Int64
		for i, ring := range rings {
			wg.Go(func() {
				if ring.Replace([]ssokeys.RingKey{{Key: contested}}) == nil {
					taken.Add(1)
				}
				if _, err := sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: cfg.Audiences[i].Name, User: amsbridge.User{ID: "U-1"}}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, taken.Load())
		for i, ring := range rings {
			require.NoError(t, ring.Replace([]ssokeys.RingKey{{Key: own[i]}}))
		}
	}
}

func TestKeysAreNeverPrinted(t *testing.T) {
	t.Parallel()
	ec, ed, hs := keytest.ECDSA(t, elliptic.P256()), keytest.Ed25519(t), keytest.Generated(t, ssokeys.HS256, "k3")
	scalar, err := ec.Bytes()
	require.NoError(t, err)
	shared := keytest.Public(t, hs)
	cfg := ssoConfig(ssokeys.SigningKey{ID: "k1", Private: ec})
	cfg.Now, cfg.Audit = nil, nil // encoding/json cannot encode a function
	ringConfig := ssokeys.RingConfig{Keys: []ssokeys.RingKey{{Key: ssokeys.SigningKey{ID: "k4", Private: keytest.RSA()}}}}
	ring, err := ssokeys.NewRing(ringConfig)
	require.NoError(t, err)
	secretRing := keytest.Ring(t, nil, ssokeys.RingKey{Key: hs})
	cfg.Audiences = append(cfg.Audiences,
		amsbridge.Audience{Name: "notified", Audience: "n", Key: ssokeys.SigningKey{ID: "k2", Private: ed}},
		amsbridge.Audience{Name: "secret", Audience: "s", Key: hs, SharedSecret: true},
		amsbridge.Audience{Name: "ring", Audience: "r", Keys: ring},
	)
	sso := newSSO(t, cfg)
	published, err := ssokeys.NewJWKS(ssokeys.JWKSConfig{Rings: append(sso.Rings(), secretRing)})
	require.NoError(t, err)
	remote, err := ssokeys.NewRemote(ssokeys.RemoteConfig{URL: shopURL + "/keys?token=tenant-token"})
	require.NoError(t, err)

	text := keytest.Printed(t, cfg, &cfg, cfg.Audiences, cfg.Audiences[1], cfg.Audiences[1].Key, &cfg.Audiences[1].Key,
		cfg.Audiences[2].Key, sso, *sso, ringConfig, ringConfig.Keys, ringConfig.Keys[0], ring, secretRing, ring.Keys(), shared,
		&shared, []ssokeys.VerificationKey{shared}, published, *published, remote)
	for _, shown := range []string{`SigningKey("k1")`, `SigningKey("k3")`, `VerificationKey("k3")`, "k4"} {
		require.Contains(t, text, shown)
	}
	require.NotContains(t, text, "tenant-token")
	numbers := keytest.RSA()
	for _, secret := range [][]byte{scalar, ed.Seed(), hs.Secret, numbers.D.Bytes(), numbers.Primes[0].Bytes(), numbers.Primes[1].Bytes()} {
		keytest.NoSecret(t, text, secret)
	}
}
