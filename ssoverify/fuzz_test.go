package ssoverify

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// FuzzVerify signs any header and claims, so that the policy is reached, and checks that every accepted
// token is one that our signer would write: a plain decoder reads the same values from it.
func FuzzVerify(f *testing.F) {
	ed := keytest.Ed25519(f)
	v := newVerifier(f, keytest.Time(), ssokeys.VerificationKey{ID: "ed", Public: ed.Public()})
	for _, seed := range [][3]string{
		{goodHeader, goodClaims, ""},
		{goodHeader, strings.Replace(goodClaims, `,"return_to":"/c"`, "", 1), ""},
		{goodHeader, strings.Replace(goodClaims, "U-1", `U-\ud800`, 1), ""},
		{goodHeader, strings.Replace(goodClaims, "U-1", `\\ud800\u0026`, 1), ""},
		{goodHeader, strings.Replace(goodClaims, "{", `{"SUB":"U-2",`, 1), ""},
		{`{"alg":"none"}`, goodClaims, "a.b.c"},
		{"", "", b64(goodHeader) + "." + b64(goodClaims) + "."},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, header, claims, raw string) {
		if _, err := v.Verify(t.Context(), raw); err == nil {
			t.Fatal("accepted what nobody signed")
		}
		token := forge(t, jwt.SigningMethodEdDSA, ed, header, claims)
		h, err := v.Verify(t.Context(), token)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalidToken)
			return
		}
		require.LessOrEqual(t, len(token), amsbridge.MaxToken)
		require.NoError(t, h.User.ID.Check())
		require.Equal(t, []string{shop, elevate}, []string{h.Issuer, h.Audience})
		lifetime := h.ExpiresAt.Sub(h.IssuedAt)
		require.True(t, lifetime > 0 && lifetime <= amsbridge.MaxHandOffLifetime)

		want := map[string]any{
			"iss": shop, "aud": elevate, "sub": string(h.User.ID), "jti": h.ID,
			"iat": float64(h.IssuedAt.Unix()), "exp": float64(h.ExpiresAt.Unix()),
		}
		var said map[string]any
		require.NoError(t, json.Unmarshal([]byte(claims), &said))
		// A return target that is not allowed is left out, not refused.
		target, _ := said[ssotoken.ReturnTo].(string)
		require.Equal(t, v.returns.Target(target), h.ReturnTo)
		delete(said, ssotoken.ReturnTo)
		require.Equal(t, want, said)
		if h.ReturnTo != "" {
			want[ssotoken.ReturnTo] = h.ReturnTo
		}
		canonical, err := json.Marshal(want)
		require.NoError(t, err)
		again, err := v.Verify(t.Context(), forge(t, jwt.SigningMethodEdDSA, ed, goodHeader, string(canonical)))
		require.NoError(t, err)
		require.Equal(t, h, again)
	})
}
