package amsbridge_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

const (
	shopURL  = keytest.Shop
	learnURL = keytest.Elevate
)

// quiet keeps the audit out of the tests' output.
func quiet(context.Context, amsbridge.SSOEvent) {}

// ssoConfig signs for the audience "elevate".
func ssoConfig(key ssokeys.SigningKey) amsbridge.SSOConfig {
	return amsbridge.SSOConfig{
		Issuer: shopURL, Audit: quiet, Now: keytest.Time,
		Audiences: []amsbridge.Audience{{Name: "elevate", Audience: learnURL, Key: key, SharedSecret: key.Secret != nil}},
	}
}

func newSSO(t testing.TB, cfg amsbridge.SSOConfig) *amsbridge.SSO {
	t.Helper()
	sso, err := amsbridge.NewSSO(cfg)
	require.NoError(t, err)
	return sso
}

func newVerifier(t testing.TB, key ssokeys.SigningKey, claims amsbridge.ProfileClaims) *ssoverify.Verifier {
	t.Helper()
	v, err := ssoverify.New(ssoverify.Config{
		Issuer: shopURL, Audience: learnURL, Keys: []ssokeys.VerificationKey{keytest.Public(t, key)}, Claims: claims,
		AllowReplay: true, Audit: quiet, Now: keytest.Time,
	})
	require.NoError(t, err)
	return v
}

func TestHandOffRoundTrip(t *testing.T) {
	t.Parallel()
	for _, alg := range keytest.Algorithms() {
		key := keytest.Generated(t, alg, "k1")
		sso := newSSO(t, ssoConfig(key))
		v := newVerifier(t, key, amsbridge.ProfileClaims{})
		for _, user := range []amsbridge.UserID{"U-1042", "u & co; 100% <ü>\\ud800 \"'", "\ufffd", "👩‍🎓", amsbridge.UserID(strings.Repeat("&", amsbridge.MaxUserID))} {
			token, err := sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: user}, ReturnTo: "/courses/7?a=b&c"})
			require.NoError(t, err)
			got, err := v.Verify(t.Context(), token)
			require.NoError(t, err)
			require.Len(t, got.ID, 26)
			require.Equal(t, ssoverify.HandOff{
				User: amsbridge.User{ID: user}, ID: got.ID, Issuer: shopURL, Audience: learnURL,
				IssuedAt: keytest.Time(), ExpiresAt: keytest.Time().Add(time.Minute), ReturnTo: "/courses/7?a=b&c",
			}, got)
			require.Equal(t, []byte(user), []byte(got.User.ID))

			again, err := sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: user}})
			require.NoError(t, err)
			second, err := v.Verify(t.Context(), again)
			require.NoError(t, err)
			require.NotEqual(t, got.ID, second.ID)
			require.Empty(t, second.ReturnTo)
		}
	}
}

func TestHandOffRefuses(t *testing.T) {
	t.Parallel()
	sso := newSSO(t, ssoConfig(keytest.Generated(t, ssokeys.EdDSA, "k1")))
	for _, c := range []struct {
		audience, user, nonce, field string
	}{
		{"elevate", "U-1", "a\nb", "HandOffRequest.Nonce"},
		{"elevate", "U-1", strings.Repeat("n", amsbridge.MaxNonce+1), "HandOffRequest.Nonce"},
		{"notified", "U-1", "", "HandOffRequest.Audience"},
		{"", "U-1", "", "HandOffRequest.Audience"},
		{"elevate", "", "", "HandOffRequest.User.ID"},
		{"elevate", " U-1", "", "HandOffRequest.User.ID"},
		{"elevate", "null", "", "HandOffRequest.User.ID"},
		{"elevate", "U-\x00", "", "HandOffRequest.User.ID"},
		{"elevate", "U-\xff", "", "HandOffRequest.User.ID"},
		{"elevate", strings.Repeat("x", amsbridge.MaxUserID+1), "", "HandOffRequest.User.ID"},
	} {
		_, err := sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: c.audience, User: amsbridge.User{ID: amsbridge.UserID(c.user)}, Nonce: c.nonce})
		require.Equal(t, "amsbridge: "+c.field, keytest.BadField(t, err))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sso.HandOff(ended, amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: "U-1"}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestNewSSONamesTheBadField(t *testing.T) {
	t.Parallel()
	key, other := keytest.ECDSA(t, elliptic.P256()), keytest.ECDSA(t, elliptic.P256())
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	mixed := *key
	mixed.PublicKey = other.PublicKey
	//nolint:staticcheck // keys without a point can be made no other way
	noCurve, noPoint := &ecdsa.PrivateKey{D: big.NewInt(1)}, &ecdsa.PrivateKey{PublicKey: ecdsa.PublicKey{Curve: elliptic.P256()}, D: big.NewInt(1)}
	swapped := append(keytest.Ed25519(t)[:32:32], keytest.Ed25519(t)[32:]...)
	with := func(change func(*amsbridge.Audience)) func(*amsbridge.SSOConfig) {
		return func(c *amsbridge.SSOConfig) { change(&c.Audiences[0]) }
	}
	private := func(k crypto.Signer) func(*amsbridge.SSOConfig) {
		return with(func(a *amsbridge.Audience) { a.Key.Private = k })
	}
	second := func(a amsbridge.Audience) func(*amsbridge.SSOConfig) {
		return func(c *amsbridge.SSOConfig) { c.Audiences = append(c.Audiences, a) }
	}
	for _, c := range []struct {
		field  string
		change func(*amsbridge.SSOConfig)
	}{
		{"Issuer", func(c *amsbridge.SSOConfig) { c.Issuer = "" }},
		{"Issuer", func(c *amsbridge.SSOConfig) { c.Issuer = strings.Repeat("x", 256) }},
		{"Audiences", func(c *amsbridge.SSOConfig) { c.Audiences = nil }},
		{"Audiences[0].Name", with(func(a *amsbridge.Audience) { a.Name = "" })},
		{"Audiences[0].Audience", with(func(a *amsbridge.Audience) { a.Audience = "a\n" })},
		{"Audiences[0].Lifetime", with(func(a *amsbridge.Audience) { a.Lifetime = -time.Second })},
		{"Audiences[0].Lifetime", with(func(a *amsbridge.Audience) { a.Lifetime = 121 * time.Second })},
		{"Audiences[0].Lifetime", with(func(a *amsbridge.Audience) { a.Lifetime = 1500 * time.Millisecond })},
		{"Audiences[0].Key.ID", with(func(a *amsbridge.Audience) { a.Key.ID = "../k1" })},
		{"Audiences[0].Key.Private", private(nil)},
		{"Audiences[0].Key.Private", private((*ecdsa.PrivateKey)(nil))},
		{"Audiences[0].Key.Private", private(&ecdsa.PrivateKey{})},
		{"Audiences[0].Key.Private", private(noCurve)},
		{"Audiences[0].Key.Private", private(noPoint)},
		{"Audiences[0].Key.Private", private(keytest.ECDSA(t, elliptic.P384()))},
		{"Audiences[0].Key.Private", private(&mixed)},
		{"Audiences[0].Key.Private", private(ed25519.PrivateKey(nil))},
		{"Audiences[0].Key.Private", private(swapped)},
		{"Audiences[0].Key.Private", private((*ed25519.PrivateKey)(nil))},
		{"Audiences[0].Key.Private", private(small)},
		{"Audiences[1].Name", second(amsbridge.Audience{Name: "elevate", Audience: "b", Key: ssokeys.SigningKey{ID: "k1", Private: key}})},
		{"Audiences[1].Audience", second(amsbridge.Audience{Name: "b", Audience: learnURL, Key: ssokeys.SigningKey{ID: "k1", Private: key}})},
		{"Audiences[1].Key.ID", second(amsbridge.Audience{Name: "b", Audience: "b", Key: ssokeys.SigningKey{ID: "k1", Private: other}})},
		{"Audiences[1].Key.ID", second(amsbridge.Audience{Name: "b", Audience: "b", Key: ssokeys.SigningKey{ID: "k1", Private: keytest.Ed25519(t)}})},
	} {
		cfg := ssoConfig(ssokeys.SigningKey{ID: "k1", Private: key})
		c.change(&cfg)
		_, err := amsbridge.NewSSO(cfg)
		require.Equal(t, "amsbridge: SSOConfig."+c.field, keytest.BadField(t, err))
	}
	cfg := ssoConfig(ssokeys.SigningKey{ID: "k1", Private: key})
	cfg.Audiences = append(cfg.Audiences, amsbridge.Audience{Name: "b", Audience: "b", Key: ssokeys.SigningKey{ID: "k1", Private: key}, Lifetime: amsbridge.MaxHandOffLifetime})
	_, err = amsbridge.NewSSO(cfg)
	require.NoError(t, err, "audiences may share a key")
}

func TestSessionRefusesToSign(t *testing.T) {
	t.Parallel()
	sso := newSSO(t, ssoConfig(keytest.Generated(t, ssokeys.EdDSA, "k1")))
	for _, c := range []struct{ audience, user, session, field string }{
		{"notified", "U-1", "s", "audienceName"},
		{"elevate", "", "s", "user"},
		{"elevate", "null", "s", "user"},
		{"elevate", "U-1", "", "sessionID"},
		{"elevate", "U-1", "s\n", "sessionID"},
		{"elevate", "U-1", "s\xff", "sessionID"},
		{"elevate", "U-1", strings.Repeat("s", amsbridge.MaxSessionID+1), "sessionID"},
	} {
		token, err := sso.Session(t.Context(), c.audience, amsbridge.UserID(c.user), c.session)
		require.Equal(t, "amsbridge: "+c.field, keytest.BadField(t, err))
		require.Empty(t, token)
	}
}

// A platform gets the profile claims that its audience names, and no others.
func TestProfileClaims(t *testing.T) {
	t.Parallel()
	key := keytest.Generated(t, ssokeys.EdDSA, "k1")
	ada := amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "O'Neil \"<&>\" \\", Email: "ada@example.org", MemberType: "член"}
	told := func(signs, reads amsbridge.ProfileClaims, u amsbridge.User) (ssoverify.HandOff, error) {
		cfg := ssoConfig(key)
		cfg.Audiences[0].Claims = signs
		sso := newSSO(t, cfg)
		token, err := sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: u})
		if err != nil {
			return ssoverify.HandOff{}, err
		}
		v := newVerifier(t, key, reads)
		return v.Verify(t.Context(), token)
	}
	all := amsbridge.ProfileClaims{FirstName: "given_name", LastName: "family_name", Email: "https://shop.example.org/email", MemberType: "type"}
	for _, c := range []struct {
		claims amsbridge.ProfileClaims
		want   amsbridge.User
	}{
		{amsbridge.ProfileClaims{}, amsbridge.User{ID: "U-1"}},
		{amsbridge.ProfileClaims{Email: "mail"}, amsbridge.User{ID: "U-1", Email: ada.Email}},
		{amsbridge.ProfileClaims{FirstName: "a", MemberType: "b"}, amsbridge.User{ID: "U-1", FirstName: ada.FirstName, MemberType: ada.MemberType}},
		{all, ada},
	} {
		h, err := told(c.claims, c.claims, ada)
		require.NoError(t, err)
		require.Equal(t, c.want, h.User)
	}
	h, err := told(all, all, amsbridge.User{ID: "U-1"})
	require.NoError(t, err, "what the shopURL does not know is left out")
	require.Equal(t, amsbridge.User{ID: "U-1"}, h.User)
	_, err = told(all, amsbridge.ProfileClaims{}, ada)
	require.ErrorIs(t, err, ssoverify.ErrInvalidToken, "a claim that the receiver did not ask for")
	h, err = told(amsbridge.ProfileClaims{}, all, ada)
	require.NoError(t, err)
	require.Equal(t, amsbridge.User{ID: "U-1"}, h.User)

	for field, hostile := range map[string]amsbridge.User{
		"FirstName":  {ID: "U-1", FirstName: "Ada\r\nBcc: x"},
		"LastName":   {ID: "U-1", LastName: "\xff"},
		"Email":      {ID: "U-1", Email: strings.Repeat("a", 255+1)},
		"MemberType": {ID: "U-1", MemberType: "\u2028"},
	} {
		_, err := told(all, all, hostile)
		require.Equal(t, "amsbridge: HandOffRequest.User."+field, keytest.BadField(t, err))
	}
	h, err = told(all, all, amsbridge.User{ID: "U-1", FirstName: `","sub":"U-2`, LastName: "\u202e{{.}}", Email: strings.Repeat("&", 255)})
	require.NoError(t, err)
	require.Equal(t, amsbridge.UserID("U-1"), h.User.ID)
	require.Equal(t, `","sub":"U-2`, h.User.FirstName)
}

func TestClaimNamesThatNoProfileMayHave(t *testing.T) {
	t.Parallel()
	key := keytest.Generated(t, ssokeys.EdDSA, "k1")
	for _, name := range []string{
		"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "sid", "nonce", "return_to", "SUB", "Iss", "ſub", "Return_To", "a b", "a\"b", "a\nb", "ü", strings.Repeat("a", 65), "a{b", " ",
	} {
		cfg := ssoConfig(key)
		cfg.Audiences[0].Claims.Email = name
		_, err := amsbridge.NewSSO(cfg)
		require.Equal(t, "amsbridge: SSOConfig.Audiences[0].Claims.Email", keytest.BadField(t, err), name)
	}
	cfg := ssoConfig(key)
	cfg.Audiences[0].Claims = amsbridge.ProfileClaims{FirstName: "name", LastName: "NAME"}
	_, err := amsbridge.NewSSO(cfg)
	require.Equal(t, "amsbridge: SSOConfig.Audiences[0].Claims.LastName", keytest.BadField(t, err), "two in one, once case is folded")
}

// After an emergency revocation the sessions that the revoked key signed are renewed at once, and so are
// those that a change of the configuration has overtaken.
func TestFreshSessionEndsWithItsKey(t *testing.T) {
	t.Parallel()
	old, next := keytest.Generated(t, ssokeys.EdDSA, "old"), keytest.Generated(t, ssokeys.ES256, "next")
	clock := keytest.NewClock(keytest.Time())
	with := func(change func(*amsbridge.SSOConfig), keys ...ssokeys.RingKey) (*amsbridge.SSO, *ssokeys.Ring) {
		ring := keytest.Ring(t, clock.Now, keys...)
		cfg := amsbridge.SSOConfig{
			Issuer: shopURL, Audit: quiet, Now: clock.Now, Audiences: []amsbridge.Audience{{Name: "pull", Audience: "pull", Keys: ring}},
		}
		change(&cfg)
		return newSSO(t, cfg), ring
	}
	same := func(*amsbridge.SSOConfig) {}
	sso, ring := with(same, ssokeys.RingKey{Key: old}, ssokeys.RingKey{Key: next, ActiveFrom: keytest.Time().Add(time.Minute)})
	token, err := sso.Session(t.Context(), "pull", "U-1", "s-1")
	require.NoError(t, err)
	fresh := func(s *amsbridge.SSO) bool { return s.FreshSession("pull", token, "U-1", "s-1") }
	require.True(t, fresh(sso))
	require.False(t, sso.FreshSession("pull", token[:len(token)-4]+"AAAA", "U-1", "s-1"), "forged")
	clock.Advance(time.Minute)
	require.True(t, fresh(sso), "its key signs no longer, and is accepted")
	require.NoError(t, ring.Revoke("old"))
	require.False(t, fresh(sso))

	unrelated, _ := with(same, ssokeys.RingKey{Key: next})
	require.False(t, fresh(unrelated), "the key is gone")
	swapped := next
	swapped.ID = "old"
	unrelated, _ = with(same, ssokeys.RingKey{Key: swapped})
	require.False(t, fresh(unrelated), "its ID is another key's")
	renamed, _ := with(func(c *amsbridge.SSOConfig) { c.Issuer = "https://new.example.org" }, ssokeys.RingKey{Key: old})
	require.False(t, fresh(renamed), "another issuer")
	longer, _ := with(func(c *amsbridge.SSOConfig) { c.Audiences[0].SessionLifetime = 12 * time.Hour }, ssokeys.RingKey{Key: old})
	require.False(t, fresh(longer), "it ends long before half of the new lifetime")
}

// A session token is fresh only for its own user and session, in the first half of its lifetime.
func TestFreshSession(t *testing.T) {
	t.Parallel()
	clock := keytest.NewClock(keytest.Time())
	cfg := ssoConfig(keytest.Generated(t, ssokeys.EdDSA, "k1"))
	cfg.Now = clock.Now
	cfg.Audiences = append(cfg.Audiences, amsbridge.Audience{Name: "other", Audience: "other", Key: cfg.Audiences[0].Key})
	sso := newSSO(t, cfg)
	token, err := sso.Session(t.Context(), "elevate", "U-1", "s-1")
	require.NoError(t, err)
	handOff, err := sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: "U-1"}})
	require.NoError(t, err)
	require.Equal(t, time.Hour, sso.SessionLifetime("elevate"))
	require.Zero(t, sso.SessionLifetime("unknown"))

	require.True(t, sso.FreshSession("elevate", token, "U-1", "s-1"))
	for _, c := range []struct {
		audience, token string
		user            amsbridge.UserID
		session         string
	}{
		{"other", token, "U-1", "s-1"},
		{"unknown", token, "U-1", "s-1"},
		{"elevate", token, "U-2", "s-1"},
		{"elevate", token, "U-1", "s-2"},
		{"elevate", handOff, "U-1", ""},
		{"elevate", "", "U-1", "s-1"},
		{"elevate", "a.b.c", "U-1", "s-1"},
		{"elevate", token + strings.Repeat(".", amsbridge.MaxToken), "U-1", "s-1"},
	} {
		require.False(t, sso.FreshSession(c.audience, c.token, c.user, c.session), c)
	}
	clock.Advance(30*time.Minute - 1)
	require.True(t, sso.FreshSession("elevate", token, "U-1", "s-1"))
	clock.Advance(1)
	require.False(t, sso.FreshSession("elevate", token, "U-1", "s-1"))
	clock.Advance(-32 * time.Minute)
	require.False(t, sso.FreshSession("elevate", token, "U-1", "s-1"), "it comes from a future that no clock is off by")
}
