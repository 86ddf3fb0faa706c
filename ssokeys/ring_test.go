package ssokeys_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/ssokeys"
)

func TestKeyStates(t *testing.T) {
	t.Parallel()
	from, retire := keytest.Time(), keytest.Time().Add(time.Hour)
	const tick = time.Nanosecond
	for _, c := range []struct {
		at              time.Time
		state           ssokeys.State
		signs, accepted bool
	}{
		{from.Add(-2*ssotoken.MaxSkew - tick), ssokeys.Next, false, false},
		{from.Add(-2 * ssotoken.MaxSkew), ssokeys.Next, false, true},
		{from.Add(-tick), ssokeys.Next, false, true},
		{from, ssokeys.Active, true, true},
		{retire.Add(-tick), ssokeys.Active, true, true},
		{retire, ssokeys.Retiring, false, true},
		{retire.Add(ssokeys.RetiringFor - tick), ssokeys.Retiring, false, true},
		{retire.Add(ssokeys.RetiringFor), ssokeys.Retired, false, false},
	} {
		for _, revoked := range []bool{false, true} {
			clock := keytest.NewClock(from)
			ring := keytest.Ring(t, clock.Now, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "k"), ActiveFrom: from, RetireAt: retire, Revoked: revoked})
			clock.Set(c.at)
			want := ssokeys.Status{ID: "k", Algorithm: ssokeys.EdDSA, State: c.state, Signs: c.signs}
			if revoked {
				want = ssokeys.Status{ID: "k", Algorithm: ssokeys.EdDSA, State: ssokeys.Revoked}
			}
			require.Equal(t, []ssokeys.Status{want}, ring.Keys())
			_, err := ring.VerificationKey(t.Context(), "k")
			require.Equal(t, c.accepted && !revoked, err == nil, c.at)
			if err != nil {
				require.ErrorIs(t, err, ssokeys.ErrUnknown)
			}
			_, err = ring.Sign("typ", map[string]any{"sub": "U-1"})
			require.Equal(t, want.Signs, err == nil, c.at)
			if err != nil {
				require.ErrorIs(t, err, ssokeys.ErrNoActive)
			}
		}
	}
}

func TestTheActiveKeyThatBeganLastSigns(t *testing.T) {
	t.Parallel()
	clock := keytest.NewClock(keytest.Time())
	ring := keytest.Ring(t, clock.Now,
		ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "newest"), ActiveFrom: keytest.Time().Add(time.Hour)},
		ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.ES256, "always")},
		ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.RS256, "newer"), ActiveFrom: keytest.Time(), RetireAt: keytest.Time().Add(2 * time.Hour)},
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
	clock.Advance(time.Hour)
	require.Equal(t, "newest", signs())
	require.NoError(t, ring.Revoke("newest"))
	require.Equal(t, "newer", signs(), "a revoked key gives way at once")
	clock.Advance(time.Hour)
	require.Equal(t, "always", signs())
}

func TestReplaceRules(t *testing.T) {
	t.Parallel()
	a, b, secret := keytest.Generated(t, ssokeys.EdDSA, "a"), keytest.Generated(t, ssokeys.ES256, "b"), keytest.Generated(t, ssokeys.HS256, "s")
	other := keytest.Generated(t, ssokeys.EdDSA, "a")
	for _, c := range []struct {
		name, field string
		keys        []ssokeys.RingKey
	}{
		{"none", "ssokeys: keys", nil},
		{"too many", "ssokeys: keys", make([]ssokeys.RingKey, 101)},
		{"an empty key", "ssokeys: keys[1].Key.Private", []ssokeys.RingKey{{Key: a}, {}}},
		{"twice", "ssokeys: keys[1].Key.ID", []ssokeys.RingKey{{Key: a}, {Key: a}}},
		{"one key under two IDs", "ssokeys: keys[2].Key", []ssokeys.RingKey{{Key: a}, {Key: b}, {Key: ssokeys.SigningKey{ID: "c", Private: a.Private}}}},
		{"all have retired", "ssokeys: keys", []ssokeys.RingKey{{Key: a, RetireAt: time.Now().Add(-2 * ssokeys.RetiringFor)}}},
		{"all have retired or were revoked", "ssokeys: keys", []ssokeys.RingKey{{Key: a, RetireAt: time.Now().Add(-2 * ssokeys.RetiringFor)}, {Key: b, Revoked: true}}},
		{"retires as it begins", "ssokeys: keys[0].RetireAt", []ssokeys.RingKey{{Key: a, ActiveFrom: keytest.Time(), RetireAt: keytest.Time()}}},
		{"retires before it begins", "ssokeys: keys[0].RetireAt", []ssokeys.RingKey{{Key: a, ActiveFrom: keytest.Time(), RetireAt: keytest.Time().Add(-1)}}},
		{"a secret beside a pair", "ssokeys: keys[1].Key", []ssokeys.RingKey{{Key: a}, {Key: secret}}},
		{"a pair beside a secret", "ssokeys: keys[1].Key", []ssokeys.RingKey{{Key: secret}, {Key: a}}},
		{"another key of that ID", "ssokeys: keys[1].Key.ID", []ssokeys.RingKey{{Key: b}, {Key: other}}},
		{"a secret in place of a pair", "ssokeys: keys[0].Key", []ssokeys.RingKey{{Key: secret}}},
	} {
		ring, err := ssokeys.NewRing(ssokeys.RingConfig{Keys: []ssokeys.RingKey{{Key: a}}})
		require.NoError(t, err)
		require.Equal(t, c.field, keytest.BadField(t, ring.Replace(c.keys)), c.name)
		require.Equal(t, []ssokeys.Status{{"a", ssokeys.EdDSA, ssokeys.Active, true}}, ring.Keys(), c.name)
	}
}

func TestRevocationOutlivesReplace(t *testing.T) {
	t.Parallel()
	a, b := keytest.Generated(t, ssokeys.EdDSA, "a"), keytest.Generated(t, ssokeys.ES256, "b")
	ring, err := ssokeys.NewRing(ssokeys.RingConfig{Keys: []ssokeys.RingKey{{Key: a}, {Key: b, Revoked: true}}})
	require.NoError(t, err)
	require.NoError(t, ring.Revoke("a"))
	require.NoError(t, ring.Replace([]ssokeys.RingKey{{Key: keytest.Generated(t, ssokeys.EdDSA, "c")}}), "revoked keys may go")
	require.Equal(t, "ssokeys: keys[0].Revoked", keytest.BadField(t, ring.Replace([]ssokeys.RingKey{{Key: a}})), "but not come back")
	require.Equal(t, "ssokeys: keys[0].Revoked", keytest.BadField(t, ring.Replace([]ssokeys.RingKey{{Key: b}})))
	require.NoError(t, ring.Replace([]ssokeys.RingKey{{Key: a, Revoked: true}, {Key: b, Revoked: true}}))
	_, err = ring.VerificationKey(t.Context(), "a")
	require.ErrorIs(t, err, ssokeys.ErrUnknown)
}

// The zero Ring holds nothing and does not panic.
func TestZeroRing(t *testing.T) {
	t.Parallel()
	var ring ssokeys.Ring
	require.Empty(t, ring.Keys())
	_, err := ring.VerificationKey(t.Context(), "k")
	require.ErrorIs(t, err, ssokeys.ErrUnknown)
	require.ErrorIs(t, ring.Revoke("k"), ssokeys.ErrUnknown)
	_, err = ring.Sign("typ", nil)
	require.ErrorIs(t, err, ssokeys.ErrNoActive)
	key := keytest.Generated(t, ssokeys.EdDSA, "k")
	require.NoError(t, ring.Replace([]ssokeys.RingKey{{Key: key, Revoked: true}}))
	require.Equal(t, "ssokeys: keys[0].Revoked", keytest.BadField(t, ring.Replace([]ssokeys.RingKey{{Key: key}})))
}

// Keys are copied: later changes by the caller have no effect.
func TestKeysAreCopied(t *testing.T) {
	t.Parallel()
	key := keytest.Generated(t, ssokeys.HS256, "s")
	public := keytest.Public(t, key)
	ring := keytest.Ring(t, nil, ssokeys.RingKey{Key: key})
	checked, err := public.Checked()
	require.NoError(t, err)
	clear(key.Secret)
	got, err := ring.VerificationKey(t.Context(), "s")
	require.NoError(t, err)
	clear(got.Secret)
	require.NoError(t, verifies(t, public, signed(t, ring)))
	clear(public.Secret)
	require.NoError(t, verifies(t, checked, signed(t, ring)))
	require.Error(t, verifies(t, public, signed(t, ring)))
}

func signed(t testing.TB, ring *ssokeys.Ring) string {
	t.Helper()
	token, err := ring.Sign("typ", map[string]any{"sub": "U-1"})
	require.NoError(t, err)
	return token
}

// verifies checks only the signature of a token.
func verifies(t testing.TB, key ssokeys.VerificationKey, token string) error {
	t.Helper()
	_, _, signature, err := ssotoken.Segments(token)
	require.NoError(t, err)
	return key.Verify(token[:strings.LastIndexByte(token, '.')], signature)
}

func TestSign(t *testing.T) {
	t.Parallel()
	for _, alg := range keytest.Algorithms() {
		key := keytest.Generated(t, alg, "k1")
		ring := keytest.Ring(t, nil, ssokeys.RingKey{Key: key})
		token, err := ring.Sign("a-typ", map[string]any{"sub": "U-<1>"})
		require.NoError(t, err)
		header, claims, _, err := ssotoken.Segments(token)
		require.NoError(t, err)
		require.JSONEq(t, fmt.Sprintf(`{"alg":%q,"kid":"k1","typ":"a-typ"}`, alg), string(header))
		require.JSONEq(t, `{"sub":"U-<1>"}`, string(claims))
		require.NoError(t, verifies(t, keytest.Public(t, key), token))
		for _, other := range keytest.Algorithms() {
			if other != alg {
				require.Error(t, verifies(t, keytest.Public(t, keytest.Generated(t, other, "k1")), token), "%s by %s", alg, other)
			}
		}
		_, err = ring.Sign("a-typ", map[string]any{"sub": func() {}, "email": "ada@example.org"})
		require.EqualError(t, err, "ssokeys: the key cannot sign")
	}
}

// A key that was not checked verifies nothing, equals no key, and does not panic.
func TestUnfitKeys(t *testing.T) {
	t.Parallel()
	token := signed(t, keytest.Ring(t, nil, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.ES256, "k1")}))
	p384 := keytest.ECDSA(t, elliptic.P384())
	for what, key := range map[string]ssokeys.VerificationKey{
		"empty":          {},
		"no point":       {ID: "k1", Public: &ecdsa.PublicKey{}},
		"nil":            {ID: "k1", Public: (*ecdsa.PublicKey)(nil)},
		"another curve":  {ID: "k1", Public: p384.Public()},
		"no modulus":     {ID: "k1", Public: &rsa.PublicKey{}},
		"short":          {ID: "k1", Public: ed25519.PublicKey("short")},
		"no key":         {ID: "k1", Public: "key"},
		"a short secret": {ID: "k1", Secret: []byte("short")},
		"private":        {ID: "k1", Public: p384},
	} {
		require.ErrorIs(t, verifies(t, key, token), jwt.ErrTokenUnverifiable, what)
		require.False(t, key.Equal(key), what)
	}
}

// rules records the keys that each rule is called with, in order.
type rules struct{ shown []string }

// rule returns a rule with a name, which refuses keys of that ID.
func (r *rules) rule(name, refuses string) ssokeys.Rule {
	return func(keys []ssokeys.VerificationKey) error {
		var ids []string
		for _, k := range keys {
			ids = append(ids, k.ID)
		}
		r.shown = append(r.shown, fmt.Sprint(name, ids))
		if slices.Contains(ids, refuses) {
			return errors.New(name + " refuses")
		}
		return nil
	}
}

func (r *rules) take() []string {
	shown := r.shown
	r.shown = nil
	return shown
}

// A rule gets copies: what it does to them reaches no signature.
func TestRulesGetCopies(t *testing.T) {
	t.Parallel()
	ring := keytest.Ring(t, nil, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.HS256, "s")})
	before, err := ring.VerificationKey(t.Context(), "s")
	require.NoError(t, err)
	require.NoError(t, ring.Obey(func(keys []ssokeys.VerificationKey) error { clear(keys[0].Secret); return nil }))
	require.NoError(t, verifies(t, before, signed(t, ring)))
	require.Equal(t, "ssokeys: rule", keytest.BadField(t, ring.Obey(nil)))
}

func TestRingObeys(t *testing.T) {
	t.Parallel()
	r := &rules{}
	a, b, c := keytest.Generated(t, ssokeys.EdDSA, "a"), keytest.Generated(t, ssokeys.EdDSA, "b"), keytest.Generated(t, ssokeys.EdDSA, "c")
	ring := keytest.Ring(t, nil, ssokeys.RingKey{Key: a})
	require.NoError(t, ring.Obey(r.rule("1", "")))
	require.EqualError(t, ring.Obey(r.rule("stern", "a")), "stern refuses")
	require.NoError(t, ring.Obey(r.rule("2", "c")))
	require.Equal(t, []string{"1[a]", "stern[a]", "2[a]"}, r.take())

	require.NoError(t, ring.Replace([]ssokeys.RingKey{{Key: b}}))
	require.Equal(t, []string{"1[b a]", "2[b a]", "1[b]", "2[b]"}, r.take(), "all agree before any lets go; none that refused is kept")

	require.EqualError(t, ring.Replace([]ssokeys.RingKey{{Key: c}}), "2 refuses")
	require.Equal(t, []string{"1[c b]", "2[c b]", "1[b]"}, r.take(), "the first is told that the keys stay")
	require.Equal(t, "Ring[{b EdDSA active true}]", fmt.Sprint(ring))

	require.NoError(t, ring.Revoke("b"))
	require.Error(t, ring.Replace([]ssokeys.RingKey{{Key: b}}))
	require.Empty(t, r.take(), "what the ring itself refuses, and a revocation, are no rule's concern")
}
