package amsbridge

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var handOffTime = time.Unix(1_800_000_000, 0).UTC()

const (
	shop    = "https://shop.example.org"
	elevate = "https://learn.example.org"
)

// quiet keeps the audit out of the tests' output.
func quiet(context.Context, SSOEvent) {}

func newECDSA(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

func newEd25519(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return key
}

func ssoConfig(key crypto.Signer) SSOConfig {
	return SSOConfig{
		Issuer:    shop,
		Audiences: []Audience{{Name: "elevate", Audience: elevate, Key: SigningKey{ID: "k1", Private: key}}},
		Audit:     quiet,
		Now:       func() time.Time { return handOffTime },
	}
}

func newVerifier(t testing.TB, now time.Time, keys ...VerificationKey) *Verifier {
	t.Helper()
	v, err := NewVerifier(VerifierConfig{Issuer: shop, Audience: elevate, Keys: keys, AllowReplay: true, Audit: quiet, Now: func() time.Time { return now }})
	require.NoError(t, err)
	return v
}

func TestHandOffRoundTrip(t *testing.T) {
	t.Parallel()
	for _, key := range []crypto.Signer{newECDSA(t, elliptic.P256()), newEd25519(t)} {
		sso, err := NewSSO(ssoConfig(key))
		require.NoError(t, err)
		v := newVerifier(t, handOffTime, VerificationKey{ID: "k1", Public: key.Public()})
		for _, user := range []UserID{"U-1042", "u & co; 100% <ü>\\ud800 \"'", "\ufffd", "👩‍🎓", UserID(strings.Repeat("&", MaxUserID))} {
			token, err := sso.HandOff(t.Context(), HandOffRequest{Audience: "elevate", User: User{ID: user}, ReturnTo: "/courses/7?a=b&c"})
			require.NoError(t, err)
			got, err := v.Verify(t.Context(), token)
			require.NoError(t, err)
			require.Len(t, got.ID, 26)
			require.Equal(t, HandOff{
				User: User{ID: user}, ID: got.ID, Issuer: shop, Audience: elevate,
				IssuedAt: handOffTime, ExpiresAt: handOffTime.Add(time.Minute), ReturnTo: "/courses/7?a=b&c",
			}, got)
			require.Equal(t, []byte(user), []byte(got.User.ID))

			again, err := sso.HandOff(t.Context(), HandOffRequest{Audience: "elevate", User: User{ID: user}})
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
	sso, err := NewSSO(ssoConfig(newEd25519(t)))
	require.NoError(t, err)
	for _, c := range []struct {
		audience, user, nonce, field string
	}{
		{"elevate", "U-1", "a\nb", "nonce"},
		{"elevate", "U-1", strings.Repeat("n", MaxNonce+1), "nonce"},
		{"notified", "U-1", "", "audience"},
		{"", "U-1", "", "audience"},
		{"elevate", "", "", "user ID"},
		{"elevate", " U-1", "", "user ID"},
		{"elevate", "null", "", "user ID"},
		{"elevate", "U-\x00", "", "user ID"},
		{"elevate", "U-\xff", "", "user ID"},
		{"elevate", strings.Repeat("x", MaxUserID+1), "", "user ID"},
	} {
		_, err := sso.HandOff(t.Context(), HandOffRequest{Audience: c.audience, User: User{ID: UserID(c.user)}, Nonce: c.nonce})
		var input *InputError
		require.ErrorAs(t, err, &input)
		require.Equal(t, c.field, input.Field)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sso.HandOff(ended, HandOffRequest{Audience: "elevate", User: User{ID: "U-1"}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestNewSSONamesTheBadField(t *testing.T) {
	t.Parallel()
	key, other := newECDSA(t, elliptic.P256()), newECDSA(t, elliptic.P256())
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	mixed := *key
	mixed.PublicKey = other.PublicKey
	//nolint:staticcheck // keys without a point can be made no other way
	noCurve, noPoint := &ecdsa.PrivateKey{D: big.NewInt(1)}, &ecdsa.PrivateKey{PublicKey: ecdsa.PublicKey{Curve: elliptic.P256()}, D: big.NewInt(1)}
	swapped := append(newEd25519(t)[:32:32], newEd25519(t)[32:]...)
	with := func(change func(*Audience)) func(*SSOConfig) {
		return func(c *SSOConfig) { change(&c.Audiences[0]) }
	}
	private := func(k crypto.Signer) func(*SSOConfig) { return with(func(a *Audience) { a.Key.Private = k }) }
	second := func(a Audience) func(*SSOConfig) {
		return func(c *SSOConfig) { c.Audiences = append(c.Audiences, a) }
	}
	for _, c := range []struct {
		field  string
		change func(*SSOConfig)
	}{
		{"issuer", func(c *SSOConfig) { c.Issuer = "" }},
		{"issuer", func(c *SSOConfig) { c.Issuer = strings.Repeat("x", 256) }},
		{"audiences", func(c *SSOConfig) { c.Audiences = nil }},
		{"audiences[0].name", with(func(a *Audience) { a.Name = "" })},
		{"audiences[0].audience", with(func(a *Audience) { a.Audience = "a\n" })},
		{"audiences[0].lifetime", with(func(a *Audience) { a.Lifetime = -time.Second })},
		{"audiences[0].lifetime", with(func(a *Audience) { a.Lifetime = 121 * time.Second })},
		{"audiences[0].lifetime", with(func(a *Audience) { a.Lifetime = 1500 * time.Millisecond })},
		{"audiences[0].key.id", with(func(a *Audience) { a.Key.ID = "../k1" })},
		{"audiences[0].key.private", private(nil)},
		{"audiences[0].key.private", private((*ecdsa.PrivateKey)(nil))},
		{"audiences[0].key.private", private(&ecdsa.PrivateKey{})},
		{"audiences[0].key.private", private(noCurve)},
		{"audiences[0].key.private", private(noPoint)},
		{"audiences[0].key.private", private(newECDSA(t, elliptic.P384()))},
		{"audiences[0].key.private", private(&mixed)},
		{"audiences[0].key.private", private(ed25519.PrivateKey(nil))},
		{"audiences[0].key.private", private(swapped)},
		{"audiences[0].key.private", private((*ed25519.PrivateKey)(nil))},
		{"audiences[0].key.private", private(small)},
		{"audiences[1].name", second(Audience{Name: "elevate", Audience: "b", Key: SigningKey{ID: "k1", Private: key}})},
		{"audiences[1].audience", second(Audience{Name: "b", Audience: elevate, Key: SigningKey{ID: "k1", Private: key}})},
		{"audiences[1].key.id", second(Audience{Name: "b", Audience: "b", Key: SigningKey{ID: "k1", Private: other}})},
		{"audiences[1].key.id", second(Audience{Name: "b", Audience: "b", Key: SigningKey{ID: "k1", Private: newEd25519(t)}})},
	} {
		cfg := ssoConfig(key)
		c.change(&cfg)
		_, err := NewSSO(cfg)
		var input *InputError
		require.ErrorAs(t, err, &input, c.field)
		require.Equal(t, c.field, input.Field)
	}
	cfg := ssoConfig(key)
	cfg.Audiences = append(cfg.Audiences, Audience{Name: "b", Audience: "b", Key: SigningKey{ID: "k1", Private: key}, Lifetime: MaxHandOffLifetime})
	_, err = NewSSO(cfg)
	require.NoError(t, err, "audiences may share a key")
}

func TestKeysAreNeverPrinted(t *testing.T) {
	t.Parallel()
	ec, ed, hs := newECDSA(t, elliptic.P256()), newEd25519(t), generated(t, HS256, "k3")
	scalar, err := ec.Bytes()
	require.NoError(t, err)
	shared, err := hs.Verification()
	require.NoError(t, err)
	cfg := ssoConfig(ec)
	cfg.Now, cfg.Audit = nil, nil // encoding/json has no word for a function
	ringConfig := KeyRingConfig{Keys: []RingKey{{Key: SigningKey{ID: "k4", Private: rsaKey()}}}}
	ring, err := NewKeyRing(ringConfig)
	require.NoError(t, err)
	secretRing, err := NewKeyRing(KeyRingConfig{Keys: []RingKey{{Key: hs}}})
	require.NoError(t, err)
	cfg.Audiences = append(cfg.Audiences,
		Audience{Name: "notified", Audience: "n", Key: SigningKey{ID: "k2", Private: ed}},
		Audience{Name: "secret", Audience: "s", Key: hs, SharedSecret: true},
		Audience{Name: "ring", Audience: "r", Keys: ring},
	)
	sso, err := NewSSO(cfg)
	require.NoError(t, err)
	verifierConfig := VerifierConfig{Issuer: shop, Audience: elevate, Keys: []VerificationKey{shared}, AllowReplay: true}
	handOffs, err := NewVerifier(verifierConfig)
	require.NoError(t, err)
	byRing, err := NewVerifier(VerifierConfig{Issuer: shop, Audience: elevate, KeySource: secretRing, AllowReplay: true})
	require.NoError(t, err)
	sessions, err := NewSessionVerifier(SessionVerifierConfig{Issuer: shop, Audience: elevate, Keys: []VerificationKey{shared}, Alive: alive})
	require.NoError(t, err)
	published, err := NewJWKS(JWKSConfig{SSO: sso, Rings: []*KeyRing{secretRing}})
	require.NoError(t, err)
	remote, _, _ := newRemote(t, newTestClock(handOffTime), func(c *RemoteKeysConfig) { c.URL += "?token=tenant-token" })

	var out bytes.Buffer
	for _, v := range []any{
		cfg, &cfg, cfg.Audiences, cfg.Audiences[1], cfg.Audiences[1].Key, &cfg.Audiences[1].Key, cfg.Audiences[2].Key, sso, *sso,
		ringConfig, ringConfig.Keys[0], ring, secretRing, ring.Keys(), shared, &shared,
		[]VerificationKey{shared},
		verifierConfig,
		handOffs, *handOffs, *handOffs.reader, byRing, *byRing, *byRing.reader, sessions, *sessions, *sessions.reader, published, *published, remote,
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			_, err := fmt.Fprintf(&out, verb+"\n", v)
			require.NoError(t, err)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "v", v)
	}
	for _, v := range []any{cfg.Audiences, ringConfig.Keys, verifierConfig.Keys, ring, secretRing, handOffs, sessions, published, remote} {
		encoded, err := json.Marshal(v)
		require.NoError(t, err)
		out.Write(encoded)
	}

	for _, shown := range []string{`SigningKey("k1")`, `SigningKey("k3")`, `VerificationKey("k3")`, "k4"} {
		require.Contains(t, out.String(), shown)
	}
	require.NotContains(t, out.String(), "tenant-token")
	rsaNumbers := rsaKey()
	for _, secret := range [][]byte{scalar, ed.Seed(), hs.Secret, rsaNumbers.D.Bytes(), rsaNumbers.Primes[0].Bytes(), rsaNumbers.Primes[1].Bytes()} {
		number := new(big.Int).SetBytes(secret).String()
		for _, form := range []string{
			fmt.Sprintf("%x", secret[:8]), fmt.Sprintf("%X", secret[:8]), number[:16], string(secret[:8]),
			strings.Trim(fmt.Sprint(secret[:8]), "[]"), strings.Trim(fmt.Sprintf("%#v", secret[:4])[6:], "{}"),
			b64(string(secret))[:10], base64.StdEncoding.EncodeToString(secret)[:10],
		} {
			require.False(t, strings.Contains(out.String(), form), "the key was printed, as %s", form)
		}
	}
}
