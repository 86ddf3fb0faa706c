package ssokeys_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// vector is an example of an RFC: a key as a JWK, and a token that it signed. The JWKs have no kid, and
// RSA ones have no members after p and q.
type vector struct {
	private string // may be empty
	public  string // or the shared secret
	token   string
	exact   bool // signing again gives the same signature
}

// check parses the keys, signs and verifies by the one method of the key, and checks that no vector is
// accepted as a hand-off.
func (v vector) check(t *testing.T) {
	t.Helper()
	key, err := ssokeys.ParseVerification([]byte(v.public))
	require.NoError(t, err)
	require.NoError(t, verifies(t, key, v.token))
	other := v.token[:len(v.token)-10] + strings.Map(func(r rune) rune {
		if r == 'A' {
			return 'B'
		}
		return 'A'
	}, v.token[len(v.token)-10:])
	require.Error(t, verifies(t, key, other))

	signing, err := ssokeys.ParseSigning([]byte(v.private))
	require.NoError(t, err)
	require.True(t, keytest.Public(t, signing).Equal(key))
	require.Equal(t, key.ID, signing.ID, "the thumbprint of both is one")
	input := v.token[:strings.LastIndexByte(v.token, '.')]
	var private any = signing.Private
	if signing.Secret != nil {
		private = signing.Secret
	}
	signature, err := jwt.GetSigningMethod(string(key.Algorithm())).Sign(input, private)
	require.NoError(t, err)
	again := input + "." + b64(string(signature))
	require.NoError(t, verifies(t, key, again))
	require.Equal(t, v.exact, again == v.token)

	noHandOff(t, key, v.token)
}

// noHandOff checks that verifiers which know the key refuse its generic tokens.
func noHandOff(t *testing.T, key ssokeys.VerificationKey, token string) {
	t.Helper()
	v, err := ssoverify.New(ssoverify.Config{
		Issuer: "joe", Audience: keytest.Elevate, Keys: []ssokeys.VerificationKey{key}, AllowReplay: true, Audit: quiet, Now: keytest.Time,
	})
	require.NoError(t, err)
	_, err = v.Verify(t.Context(), token)
	require.ErrorIs(t, err, ssoverify.ErrInvalidToken)
	sessions, err := ssoverify.NewSessions(ssoverify.SessionsConfig{
		Issuer: "joe", Audience: keytest.Elevate, Keys: []ssokeys.VerificationKey{key}, Audit: quiet, Now: keytest.Time,
		Alive: func(context.Context, amsbridge.UserID, string) (bool, error) { return true, nil },
	})
	require.NoError(t, err)
	_, err = sessions.Verify(t.Context(), token)
	require.ErrorIs(t, err, ssoverify.ErrInvalidToken)
}

// quiet keeps the audit out of the tests' output.
func quiet(context.Context, amsbridge.SSOEvent) {}

// verifyBy checks a signature by any method, supported or not.
func verifyBy(t *testing.T, method jwt.SigningMethod, token string, key any) error {
	t.Helper()
	_, _, signature, err := ssotoken.Segments(token)
	require.NoError(t, err)
	return method.Verify(token[:strings.LastIndexByte(token, '.')], signature, key)
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

const joe = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

func TestVectorRFC7515A1(t *testing.T) {
	t.Parallel()
	secret := `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`
	vector{
		private: secret, public: secret, exact: true,
		token: "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + joe + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
	}.check(t)
	key, err := ssokeys.ParseVerification([]byte(secret))
	require.NoError(t, err)
	require.Equal(t, "y_x3gCJnL6oKGBBIXScabduwxTVy2Wd2bzRVEUbdUzc", key.ID, "by RFC 7638, worked out apart")
}

func TestVectorRFC7515A2(t *testing.T) {
	t.Parallel()
	const n = `"n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"`
	vector{
		public: `{"kty":"RSA","e":"AQAB",` + n + `}`, exact: true,
		private: `{"kty":"RSA","e":"AQAB",` + n + `,` +
			`"d":"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",` +
			`"p":"4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",` +
			`"q":"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc"}`,
		token: "eyJhbGciOiJSUzI1NiJ9." + joe + ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
	}.check(t)
}

func TestVectorRFC7515A3(t *testing.T) {
	t.Parallel()
	const point = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`
	vector{
		public:  point + `}`,
		private: point + `,"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`,
		token:   "eyJhbGciOiJFUzI1NiJ9." + joe + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
	}.check(t)
}

// The example is valid, but we do not support its curve.
func TestVectorRFC7515A4(t *testing.T) {
	t.Parallel()
	refusedP521(t, `{"kty":"EC","crv":"P-521",`+
		`"x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",`+
		`"y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"`,
		`"d":"AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C"`,
		"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn")
}

func refusedP521(t *testing.T, point, number, token string) {
	t.Helper()
	var key jose.JSONWebKey
	require.NoError(t, json.Unmarshal([]byte(point+"}"), &key))
	require.NoError(t, verifyBy(t, jwt.SigningMethodES512, token, key.Key))
	require.Error(t, verifyBy(t, jwt.SigningMethodES256, token, key.Key))
	_, err := ssokeys.ParseVerification([]byte(point + "}"))
	require.Equal(t, "ssokeys: VerificationKey.Public", keytest.BadField(t, err))
	if number != "" {
		_, err = ssokeys.ParseSigning([]byte(point + "," + number + "}"))
		require.Equal(t, "ssokeys: SigningKey.Private", keytest.BadField(t, err))
	}
}

const (
	frodo = ".SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBk" +
		"b24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4."
	bilboN = `{"kty":"RSA","use":"sig","e":"AQAB","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"`
)

func TestVectorRFC7520Section41(t *testing.T) {
	t.Parallel()
	v := vector{
		public: bilboN + `}`, exact: true,
		private: bilboN + `,` +
			`"d":"bWUC9B-EFRIo8kpGfh0ZuyGPvMNKvYWNtB_ikiH9k20eT-O1q_I78eiZkpXxXQ0UTEs2LsNRS-8uJbvQ-A1irkwMSMkK1J3XTGgdrhCku9gRldY7sNA_AKZGh-Q661_42rINLRCe8W-nZ34ui_qOfkLnK9QWDDqpaIsA-bMwWWSDFu2MUBYwkHTMEzLYGqOe04noqeq1hExBTHBOBdkMXiuFhUq1BU6l-DqEiWxqg82sXt2h-LMnT3046AOYJoRioz75tSUQfGCshWTBnP5uDjd18kKhyv07lhfSJdrPdM5Plyl21hsFf4L_mHCuoFau7gdsPfHPxxjVOcOpBrQzwQ",` +
			`"p":"3Slxg_DwTXJcb6095RoXygQCAZ5RnAvZlno1yhHtnUex_fp7AZ_9nRaO7HX_-SFfGQeutao2TDjDAWU4Vupk8rw9JR0AzZ0N2fvuIAmr_WCsmGpeNqQnev1T7IyEsnh8UMt-n5CafhkikzhEsrmndH6LxOrvRJlsPp6Zv8bUq0k",` +
			`"q":"uKE2dh-cTf6ERF4k4e_jy78GfPYUIaUyoSSJuBzp3Cubk3OCqs6grT8bR_cu0Dm1MZwWmtdqDyI95HrUeq3MP15vMMON8lHTeZu2lmKvwqW7anV5UzhM1iZ7z4yMkuUwFWoBvyY898EXvRD-hdqRxHlSqAZ192zB3pVFJ0s7pFc"}`,
		token: "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9" + frodo + "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
	}
	v.check(t)
	_, err := ssokeys.ParseVerification([]byte(strings.Replace(v.public, "{", `{"kid":"bilbo.baggins@hobbiton.example",`, 1)))
	require.Equal(t, "ssokeys: VerificationKey.ID", keytest.BadField(t, err), "an address is no key ID of ours")
}

// The key is one of ours, but with another algorithm than the one of its kind.
func TestVectorRFC7520Section42(t *testing.T) {
	t.Parallel()
	const token = "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9" + frodo + "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw"
	key, err := ssokeys.ParseVerification([]byte(bilboN + `}`))
	require.NoError(t, err)
	require.NoError(t, verifyBy(t, jwt.SigningMethodPS384, token, key.Public))
	require.Error(t, verifies(t, key, token))
	_, err = ssokeys.ParseVerification([]byte(bilboN + `,"alg":"PS384"}`))
	require.Equal(t, "ssokeys: data", keytest.BadField(t, err))
	noHandOff(t, key, token)
}

func TestVectorRFC7520Section43(t *testing.T) {
	t.Parallel()
	refusedP521(t, `{"kty":"EC","crv":"P-521","use":"sig",`+
		`"x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",`+
		`"y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"`, "",
		"eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9"+frodo+
			"AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2")
}

func TestVectorRFC7520Section44(t *testing.T) {
	t.Parallel()
	secret := `{"kty":"oct","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037","use":"sig","alg":"HS256","k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}`
	vector{
		private: secret, public: secret, exact: true,
		token: "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9" + frodo + "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
	}.check(t)
}

func TestVectorRFC8037A4(t *testing.T) {
	t.Parallel()
	const x = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	v := vector{
		public: x + `}`, private: x + `,"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`, exact: true,
		token: "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
	}
	v.check(t)
	key, err := ssokeys.ParseVerification([]byte(v.public))
	require.NoError(t, err)
	require.Equal(t, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", key.ID, "its appendix A.3")
}

func TestVectorRFC7638Section31(t *testing.T) {
	t.Parallel()
	const members = `{"kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"`
	const want = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
	key, err := ssokeys.ParseVerification([]byte(members + `}`))
	require.NoError(t, err)
	require.Equal(t, want, key.ID)
	named, err := ssokeys.ParseVerification([]byte(members + `,"alg":"RS256","kid":"2011-04-29"}`))
	require.NoError(t, err)
	require.Equal(t, "2011-04-29", named.ID)
	named.ID = ""
	unnamed, err := named.Checked()
	require.NoError(t, err)
	require.Equal(t, want, unnamed.ID, "of the required members alone")
}
