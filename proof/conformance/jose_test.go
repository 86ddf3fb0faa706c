package conformance

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

const (
	joseIssuer   = "https://shop.example.org"
	joseAudience = "https://learn.example.org"
)

// A second library reads our tokens and finds in them what the first was given,
// and we accept its tokens where they say exactly what ours would.
func TestTokensVerifyBothWaysWithGoJose(t *testing.T) {
	t.Parallel()
	for _, alg := range []ssokeys.Algorithm{ssokeys.ES256, ssokeys.EdDSA, ssokeys.RS256, ssokeys.HS256} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			key, err := ssokeys.Generate(alg)
			require.NoError(t, err)
			t.Run("ours", func(t *testing.T) {
				t.Parallel()
				joseReadsOurs(t, alg, key)
			})
			t.Run("theirs", func(t *testing.T) {
				t.Parallel()
				weReadTheirs(t, alg, key)
			})
		})
	}
}

func joseReadsOurs(t *testing.T, alg ssokeys.Algorithm, key ssokeys.SigningKey) {
	sso, err := amsbridge.NewSSO(amsbridge.SSOConfig{Issuer: joseIssuer, Audiences: []amsbridge.Audience{{
		Name: "elevate", Audience: joseAudience, Key: key, SharedSecret: alg == ssokeys.HS256,
		Claims: amsbridge.ProfileClaims{Email: "email"},
	}}, Audit: noAudit})
	require.NoError(t, err)
	user := amsbridge.User{ID: "u & <ü> 👩‍🎓 \\", Email: "ada@example.org"}
	handOff, err := sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: user, ReturnTo: "/c?a=b&c", Nonce: "n"})
	require.NoError(t, err)
	session, err := sso.Session(t.Context(), "elevate", user.ID, "s-1")
	require.NoError(t, err)
	for typ, token := range map[string]string{"ams-handoff+jwt": handOff, "ams-session+jwt": session} {
		parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
		require.NoError(t, err)
		require.Len(t, parsed.Headers, 1)
		require.Equal(t, key.ID, parsed.Headers[0].KeyID)
		require.Equal(t, typ, parsed.Headers[0].ExtraHeaders[jose.HeaderType])
		var claims josejwt.Claims
		var all map[string]any
		require.NoError(t, parsed.Claims(joseVerifies(key), &claims, &all))
		require.NoError(t, claims.ValidateWithLeeway(josejwt.Expected{
			Issuer: joseIssuer, Subject: string(user.ID), AnyAudience: josejwt.Audience{joseAudience}, Time: time.Now(),
		}, 0))
		require.Len(t, claims.ID, 26)
		delete(all, "iat")
		delete(all, "exp")
		want := map[string]any{"iss": joseIssuer, "aud": joseAudience, "sub": string(user.ID), "jti": claims.ID}
		if typ == "ams-handoff+jwt" {
			want["email"], want["return_to"], want["nonce"] = "ada@example.org", "/c?a=b&c", "n"
		} else {
			want["sid"] = "s-1"
		}
		require.Equal(t, want, all)
		stranger, err := ssokeys.Generate(alg)
		require.NoError(t, err)
		require.Error(t, parsed.Claims(joseVerifies(stranger), &claims))
	}
}

func weReadTheirs(t *testing.T, alg ssokeys.Algorithm, key ssokeys.SigningKey) {
	verification, err := key.Verification()
	require.NoError(t, err)
	verifier, err := ssoverify.New(ssoverify.Config{
		Issuer: joseIssuer, Audience: joseAudience, Keys: []ssokeys.VerificationKey{verification},
		Replay: ssoverify.NewMemoryReplay(nil), Audit: noAudit,
	})
	require.NoError(t, err)
	sessions, err := ssoverify.NewSessions(ssoverify.SessionsConfig{
		Issuer: joseIssuer, Audience: joseAudience, Keys: []ssokeys.VerificationKey{verification}, Audit: noAudit,
		Alive: func(context.Context, amsbridge.UserID, string) (bool, error) { return true, nil },
	})
	require.NoError(t, err)
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": joseIssuer, "aud": joseAudience, "sub": "u & <ü> 👩‍🎓 \\", "iat": now, "exp": now + 60, "jti": rand.Text(),
	}
	sign := func(typ string) string {
		signer, err := jose.NewSigner(jose.SigningKey{
			Algorithm: jose.SignatureAlgorithm(alg), Key: joseSigns(key),
		}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", key.ID))
		require.NoError(t, err)
		token, err := josejwt.Signed(signer).Claims(claims).Serialize()
		require.NoError(t, err)
		return token
	}
	got, err := verifier.Verify(t.Context(), sign("ams-handoff+jwt"))
	require.NoError(t, err)
	require.Equal(t, amsbridge.UserID("u & <ü> 👩‍🎓 \\"), got.User.ID)
	_, err = verifier.Verify(t.Context(), sign("JWT"))
	require.ErrorIs(t, err, ssoverify.ErrInvalidToken)
	claims["sid"] = "s-1"
	session, err := sessions.Verify(t.Context(), sign("ams-session+jwt"))
	require.NoError(t, err)
	require.Equal(t, "s-1", session.SessionID)
	_, err = sessions.Verify(t.Context(), sign("ams-handoff+jwt"))
	require.ErrorIs(t, err, ssoverify.ErrInvalidToken)
}

// A JWK that go-jose wrote is our key, with our ID.
func TestKeysGoBothWaysWithGoJose(t *testing.T) {
	t.Parallel()
	for _, alg := range []ssokeys.Algorithm{ssokeys.ES256, ssokeys.EdDSA, ssokeys.RS256, ssokeys.HS256} {
		key, err := ssokeys.Generate(alg)
		require.NoError(t, err)
		text, err := json.Marshal(jose.JSONWebKey{Key: joseSigns(key), Algorithm: string(alg), Use: "sig"})
		require.NoError(t, err)
		again, err := ssokeys.ParseSigning(text)
		require.NoError(t, err)
		require.Equal(t, key.ID, again.ID, "the thumbprint of %s", alg)
	}
}

func joseSigns(k ssokeys.SigningKey) any {
	if k.Private != nil {
		return k.Private
	}
	return k.Secret
}

func joseVerifies(k ssokeys.SigningKey) any {
	if k.Private != nil {
		return k.Private.Public()
	}
	return k.Secret
}

func noAudit(context.Context, amsbridge.SSOEvent) {}
