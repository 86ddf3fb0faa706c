package amsbridge

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// testClock is set by the test alone.
type testClock struct{ nanos atomic.Int64 }

func newTestClock(at time.Time) *testClock {
	c := &testClock{}
	c.nanos.Store(at.UnixNano())
	return c
}

func (c *testClock) now() time.Time          { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *testClock) set(at time.Time)        { c.nanos.Store(at.UnixNano()) }
func (c *testClock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// badField is the field that an *InputError names.
func badField(t testing.TB, err error) string {
	t.Helper()
	var input *InputError
	require.ErrorAs(t, err, &input)
	return input.Field
}

func generated(t testing.TB, alg Algorithm, id string) SigningKey {
	t.Helper()
	if alg == RS256 {
		return SigningKey{ID: id, Private: rsaKey()}
	}
	k, err := GenerateKey(alg)
	require.NoError(t, err)
	k.ID = id
	return k
}

// rsaKey is one for all tests, since it takes its time.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, MinRSABits)
	if err != nil {
		panic(err)
	}
	return key
})

// ringSSO signs for the audience "elevate" with a ring.
func ringSSO(t testing.TB, now func() time.Time, keys ...RingKey) (*SSO, *KeyRing) {
	t.Helper()
	ring, err := NewKeyRing(KeyRingConfig{Keys: keys, Now: now})
	require.NoError(t, err)
	sso, err := NewSSO(SSOConfig{Issuer: shop, Audit: quiet, Now: now, Audiences: []Audience{{Name: "elevate", Audience: elevate, Keys: ring}}})
	require.NoError(t, err)
	return sso, ring
}

func sourceVerifier(t testing.TB, source KeySource, now func() time.Time) *Verifier {
	t.Helper()
	v, err := NewVerifier(VerifierConfig{Issuer: shop, Audience: elevate, KeySource: source, AllowReplay: true, Audit: quiet, Now: now})
	require.NoError(t, err)
	return v
}

func minted(t testing.TB, sso *SSO) string {
	t.Helper()
	token, err := sso.HandOff(t.Context(), HandOffRequest{Audience: "elevate", User: User{ID: "U-1"}})
	require.NoError(t, err)
	return token
}

func TestKeyStates(t *testing.T) {
	t.Parallel()
	from, retire := handOffTime, handOffTime.Add(time.Hour)
	const tick = time.Nanosecond
	for _, c := range []struct {
		at              time.Time
		state           KeyState
		signs, accepted bool
	}{
		{from.Add(-2*maxSkew - tick), KeyNext, false, false},
		{from.Add(-2 * maxSkew), KeyNext, false, true},
		{from.Add(-tick), KeyNext, false, true},
		{from, KeyActive, true, true},
		{retire.Add(-tick), KeyActive, true, true},
		{retire, KeyRetiring, false, true},
		{retire.Add(RetiringFor - tick), KeyRetiring, false, true},
		{retire.Add(RetiringFor), KeyRetired, false, false},
	} {
		for _, revoked := range []bool{false, true} {
			now := func() time.Time { return c.at }
			sso, ring := ringSSO(t, now, RingKey{Key: generated(t, EdDSA, "k"), ActiveFrom: from, RetireAt: retire, Revoked: revoked})
			want := KeyStatus{ID: "k", Algorithm: EdDSA, State: c.state, Signs: c.signs}
			if revoked {
				want = KeyStatus{ID: "k", Algorithm: EdDSA, State: KeyRevoked}
			}
			require.Equal(t, []KeyStatus{want}, ring.Keys())
			_, err := ring.VerificationKey(t.Context(), "k")
			require.Equal(t, c.accepted && !revoked, err == nil, c.at)
			if err != nil {
				require.ErrorIs(t, err, ErrUnknownKey)
			}
			_, err = sso.HandOff(t.Context(), HandOffRequest{Audience: "elevate", User: User{ID: "U-1"}})
			require.Equal(t, want.Signs, err == nil, c.at)
			if err != nil {
				require.ErrorIs(t, err, ErrNoActiveKey)
			}
		}
	}
}

func TestTheActiveKeyThatBeganLastSigns(t *testing.T) {
	t.Parallel()
	clock := newTestClock(handOffTime)
	_, ring := ringSSO(t, clock.now,
		RingKey{Key: generated(t, EdDSA, "newest"), ActiveFrom: handOffTime.Add(time.Hour)},
		RingKey{Key: generated(t, ES256, "always")},
		RingKey{Key: generated(t, RS256, "newer"), ActiveFrom: handOffTime, RetireAt: handOffTime.Add(2 * time.Hour)},
	)
	signs := func() (id string) {
		for _, k := range ring.Keys() {
			if k.Signs {
				id += k.ID
			}
		}
		return id
	}
	require.Equal(t, "newer", signs())
	clock.advance(time.Hour)
	require.Equal(t, "newest", signs())
	require.NoError(t, ring.Revoke("newest"))
	require.Equal(t, "newer", signs(), "a revoked key gives way at once")
	clock.advance(time.Hour)
	require.Equal(t, "always", signs())
}

func TestRevokedAtOnce(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return handOffTime }
	sso, ring := ringSSO(t, now, RingKey{Key: generated(t, EdDSA, "old")}, RingKey{Key: generated(t, EdDSA, "new"), ActiveFrom: handOffTime.Add(-time.Hour)})
	v := sourceVerifier(t, ring, now)
	signedByNew := minted(t, sso)
	_, err := v.Verify(t.Context(), signedByNew)
	require.NoError(t, err)

	require.ErrorIs(t, ring.Revoke("unheard-of"), ErrUnknownKey)
	require.NoError(t, ring.Revoke("new"))
	require.NoError(t, ring.Revoke("new"), "again is no error")
	_, err = v.Verify(t.Context(), signedByNew)
	require.ErrorIs(t, err, ErrInvalidToken)
	_, err = v.Verify(t.Context(), minted(t, sso))
	require.NoError(t, err, "the old key signs in its place")

	require.NoError(t, ring.Revoke("old"))
	_, err = sso.HandOff(t.Context(), HandOffRequest{Audience: "elevate", User: User{ID: "U-1"}})
	require.ErrorIs(t, err, ErrNoActiveKey)
}

func TestReplaceRules(t *testing.T) {
	t.Parallel()
	a, b, secret := generated(t, EdDSA, "a"), generated(t, ES256, "b"), generated(t, HS256, "s")
	other := generated(t, EdDSA, "a")
	for _, c := range []struct {
		name, field string
		keys        []RingKey
	}{
		{"none", "keys", nil},
		{"too many", "keys", make([]RingKey, 101)},
		{"an empty key", "keys[1].key.private", []RingKey{{Key: a}, {}}},
		{"twice", "keys[1].key.id", []RingKey{{Key: a}, {Key: a}}},
		{"retires as it begins", "keys[0].retire at", []RingKey{{Key: a, ActiveFrom: handOffTime, RetireAt: handOffTime}}},
		{"retires before it begins", "keys[0].retire at", []RingKey{{Key: a, ActiveFrom: handOffTime, RetireAt: handOffTime.Add(-1)}}},
		{"a secret beside a pair", "keys[1].key", []RingKey{{Key: a}, {Key: secret}}},
		{"a pair beside a secret", "keys[1].key", []RingKey{{Key: secret}, {Key: a}}},
		{"another key of that ID", "keys[1].key.id", []RingKey{{Key: b}, {Key: other}}},
		{"a secret in place of a pair", "keys[0].key", []RingKey{{Key: secret}}},
	} {
		ring, err := NewKeyRing(KeyRingConfig{Keys: []RingKey{{Key: a}}})
		require.NoError(t, err)
		require.Equal(t, c.field, badField(t, ring.Replace(c.keys)), c.name)
		require.Equal(t, []KeyStatus{{"a", EdDSA, KeyActive, true}}, ring.Keys(), c.name)
	}
}

func TestRevocationOutlivesReplace(t *testing.T) {
	t.Parallel()
	a, b := generated(t, EdDSA, "a"), generated(t, ES256, "b")
	ring, err := NewKeyRing(KeyRingConfig{Keys: []RingKey{{Key: a}, {Key: b, Revoked: true}}})
	require.NoError(t, err)
	require.NoError(t, ring.Revoke("a"))
	require.NoError(t, ring.Replace([]RingKey{{Key: generated(t, EdDSA, "c")}}), "revoked keys may go")
	require.Equal(t, "keys[0].revoked", badField(t, ring.Replace([]RingKey{{Key: a}})), "but not come back")
	require.Equal(t, "keys[0].revoked", badField(t, ring.Replace([]RingKey{{Key: b}})))
	require.NoError(t, ring.Replace([]RingKey{{Key: a, Revoked: true}, {Key: b, Revoked: true}}))
	_, err = ring.VerificationKey(t.Context(), "a")
	require.ErrorIs(t, err, ErrUnknownKey)
}

// A ring that nobody made holds nothing, and does not panic.
func TestZeroKeyRing(t *testing.T) {
	t.Parallel()
	var ring KeyRing
	require.Empty(t, ring.Keys())
	_, err := ring.VerificationKey(t.Context(), "k")
	require.ErrorIs(t, err, ErrUnknownKey)
	require.ErrorIs(t, ring.Revoke("k"), ErrUnknownKey)
	cfg := ssoConfig(nil)
	cfg.Audiences[0].Key, cfg.Audiences[0].Keys = SigningKey{}, &ring
	_, err = NewSSO(cfg)
	require.Equal(t, "audiences[0].keys", badField(t, err))
	key := generated(t, EdDSA, "k")
	require.NoError(t, ring.Replace([]RingKey{{Key: key, Revoked: true}}))
	require.Equal(t, "keys[0].revoked", badField(t, ring.Replace([]RingKey{{Key: key}})))
}

// The caller's key is copied: what becomes of it later changes nothing.
func TestKeysAreCopied(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return handOffTime }
	key := generated(t, HS256, "s")
	public, err := key.Verification()
	require.NoError(t, err)
	ring, err := NewKeyRing(KeyRingConfig{Keys: []RingKey{{Key: key}}, Now: now})
	require.NoError(t, err)
	sso, err := NewSSO(SSOConfig{Issuer: shop, Audit: quiet, Now: now, Audiences: []Audience{{Name: "elevate", Audience: elevate, Keys: ring, SharedSecret: true}}})
	require.NoError(t, err)
	v := newVerifier(t, handOffTime, public)
	clear(key.Secret)
	got, err := ring.VerificationKey(t.Context(), "s")
	require.NoError(t, err)
	clear(got.Secret)
	_, err = v.Verify(t.Context(), minted(t, sso))
	require.NoError(t, err)
	clear(public.Secret)
	_, err = v.Verify(t.Context(), minted(t, sso))
	require.NoError(t, err)
}

// Shared secrets serve audiences that are marked for them, one each.
func TestSharedSecrets(t *testing.T) {
	t.Parallel()
	secret, pair := generated(t, HS256, "s"), generated(t, ES256, "p")
	short := SigningKey{ID: "s", Secret: secret.Secret[:MinSecret-1]}
	ring := func(keys ...SigningKey) *KeyRing {
		var all []RingKey
		for _, k := range keys {
			all = append(all, RingKey{Key: k})
		}
		r, err := NewKeyRing(KeyRingConfig{Keys: all})
		require.NoError(t, err)
		return r
	}
	both := ring(secret)
	for _, c := range []struct {
		name, field string
		audiences   []Audience
	}{
		{"not marked", "audiences[0].key.secret", []Audience{{Key: secret}}},
		{"not marked, a ring", "audiences[0].key.secret", []Audience{{Keys: both}}},
		{"marked, a pair", "audiences[0].key", []Audience{{Key: pair, SharedSecret: true}}},
		{"marked, a ring of pairs", "audiences[0].key", []Audience{{Keys: ring(pair), SharedSecret: true}}},
		{"short", "audiences[0].key.secret", []Audience{{Key: short, SharedSecret: true}}},
		{"empty", "audiences[0].key.secret", []Audience{{Key: SigningKey{ID: "s", Secret: []byte{}}, SharedSecret: true}}},
		{"not random", "audiences[0].key.secret", []Audience{{Key: SigningKey{ID: "s", Secret: []byte(strings.Repeat("a", 64))}, SharedSecret: true}}},
		{"both", "audiences[0].key.secret", []Audience{{Key: SigningKey{ID: "s", Secret: secret.Secret, Private: pair.Private}, SharedSecret: true}}},
		{"a key and a ring", "audiences[0].keys", []Audience{{Key: pair, Keys: both}}},
		{"of two audiences", "audiences[1].key.secret", []Audience{{Key: secret, SharedSecret: true}, {Key: secret, SharedSecret: true}}},
		{"of two audiences, a ring", "audiences[1].key.secret", []Audience{{Keys: both, SharedSecret: true}, {Keys: both, SharedSecret: true}}},
	} {
		for i := range c.audiences {
			c.audiences[i].Name = string(rune('a' + i))
			c.audiences[i].Audience = c.audiences[i].Name
		}
		_, err := NewSSO(SSOConfig{Issuer: shop, Audiences: c.audiences, Audit: quiet})
		require.Equal(t, c.field, badField(t, err), c.name)
	}
}

// A source's own error refuses, and is told to the log without its text.
func TestKeySourceFails(t *testing.T) {
	t.Parallel()
	cause := errors.New("dial tcp: secret-host")
	ed := newEd25519(t)
	for _, c := range []struct {
		source KeySource
		reason string
	}{
		{sourceFunc(func(string) (VerificationKey, error) { return VerificationKey{}, cause }), "the key source failed"},
		{sourceFunc(func(string) (VerificationKey, error) { return VerificationKey{}, nil }), "the key source failed"},
		{sourceFunc(func(string) (VerificationKey, error) {
			return VerificationKey{ID: "other", Public: ed.Public()}, nil
		}), "the key source failed"},
		{sourceFunc(func(string) (VerificationKey, error) { return VerificationKey{}, ErrUnknownKey }), "header: kid is not that of an accepted key"},
	} {
		v := sourceVerifier(t, c.source, func() time.Time { return handOffTime })
		_, err := v.Verify(t.Context(), b64(goodHeader)+"."+b64(goodClaims)+".AA")
		var refused *TokenError
		require.ErrorAs(t, err, &refused)
		require.EqualError(t, refused.Err, c.reason)
	}
}

type sourceFunc func(id string) (VerificationKey, error)

func (f sourceFunc) VerificationKey(_ context.Context, id string) (VerificationKey, error) {
	return f(id)
}
