package ssoverify

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

const (
	shop    = keytest.Shop
	elevate = keytest.Elevate

	goodHeader = `{"alg":"EdDSA","kid":"ed","typ":"ams-handoff+jwt"}`
	goodJTI    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	goodClaims = `{"aud":"https://learn.example.org","exp":1800000060,"iat":1800000000,"iss":"https://shop.example.org",` +
		`"jti":"` + goodJTI + `","return_to":"/c","sub":"U-1"}`
)

// forge signs any header and claims, as a thief of the key could.
func forge(t testing.TB, method jwt.SigningMethod, key any, header, claims string) string {
	t.Helper()
	text := b64(header) + "." + b64(claims)
	sig, err := method.Sign(text, key)
	require.NoError(t, err)
	return text + "." + b64(string(sig))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func headerOf(alg, kid string) string {
	return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"ams-handoff+jwt"}`, alg, kid)
}

func replace(t testing.TB, text, old, new string) string {
	t.Helper()
	require.Contains(t, text, old)
	return strings.Replace(text, old, new, 1)
}

// quiet keeps the audit out of the tests' output.
func quiet(context.Context, amsbridge.SSOEvent) {}

// at returns a clock that stands still.
func at(now time.Time) func() time.Time { return func() time.Time { return now } }

// ssoConfig signs for the audience "elevate".
func ssoConfig(key ssokeys.SigningKey) amsbridge.SSOConfig {
	return amsbridge.SSOConfig{
		Issuer: shop, Audit: quiet, Now: keytest.Time,
		Audiences: []amsbridge.Audience{{Name: "elevate", Audience: elevate, Key: key, SharedSecret: key.Secret != nil}},
	}
}

func newSSO(t testing.TB, cfg amsbridge.SSOConfig) *amsbridge.SSO {
	t.Helper()
	sso, err := amsbridge.NewSSO(cfg)
	require.NoError(t, err)
	return sso
}

// ringSSO signs for the audience "elevate" with a ring.
func ringSSO(t testing.TB, now func() time.Time, keys ...ssokeys.RingKey) (*amsbridge.SSO, *ssokeys.Ring) {
	t.Helper()
	ring := keytest.Ring(t, now, keys...)
	return newSSO(t, amsbridge.SSOConfig{
		Issuer: shop, Audit: quiet, Now: now,
		Audiences: []amsbridge.Audience{{Name: "elevate", Audience: elevate, Keys: ring}},
	}), ring
}

func minted(t testing.TB, sso *amsbridge.SSO) string {
	t.Helper()
	token, err := sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: "U-1"}})
	require.NoError(t, err)
	return token
}

func newVerifier(t testing.TB, now time.Time, keys ...ssokeys.VerificationKey) *Verifier {
	t.Helper()
	v, err := New(Config{Issuer: shop, Audience: elevate, Keys: keys, AllowReplay: true, Audit: quiet, Now: at(now)})
	require.NoError(t, err)
	return v
}

func sourceVerifier(t testing.TB, source ssokeys.Source, now func() time.Time) *Verifier {
	t.Helper()
	v, err := New(Config{Issuer: shop, Audience: elevate, KeySource: source, AllowReplay: true, Audit: quiet, Now: now})
	require.NoError(t, err)
	return v
}

func alive(context.Context, amsbridge.UserID, string) (bool, error) { return true, nil }

func newSessions(t testing.TB, key ssokeys.SigningKey, now time.Time, change func(*SessionsConfig)) *Sessions {
	t.Helper()
	cfg := SessionsConfig{
		Issuer: shop, Audience: elevate, Keys: []ssokeys.VerificationKey{keytest.Public(t, key)},
		Alive: alive, Audit: quiet, Now: at(now),
	}
	if change != nil {
		change(&cfg)
	}
	v, err := NewSessions(cfg)
	require.NoError(t, err)
	return v
}
