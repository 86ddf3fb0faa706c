package amsbridge

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

const (
	goodHeader = `{"alg":"EdDSA","kid":"ed","typ":"ams-handoff+jwt"}`
	goodJTI    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	goodClaims = `{"aud":"https://learn.example.org","exp":1800000060,"iat":1800000000,"iss":"https://shop.example.org",` +
		`"jti":"` + goodJTI + `","return_to":"/c","sub":"U-1"}`
)

// forge signs any text at all, as a thief of the key could not make our signer.
func forge(t testing.TB, method jwt.SigningMethod, key any, header, claims string) string {
	t.Helper()
	text := b64(header) + "." + b64(claims)
	sig, err := method.Sign(text, key)
	require.NoError(t, err)
	return text + "." + b64(string(sig))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	ed, ec := newEd25519(t), newECDSA(t, elliptic.P256())
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(ec.Public())
	require.NoError(t, err)
	v := newVerifier(t, handOffTime, VerificationKey{ID: "ed", Public: ed.Public()}, VerificationKey{ID: "ec", Public: ec.Public()})
	signed := func(header, claims string) string { return forge(t, jwt.SigningMethodEdDSA, ed, header, claims) }
	header := func(old, new string) string { return signed(replace(t, goodHeader, old, new), goodClaims) }
	claims := func(old, new string) string { return signed(goodHeader, replace(t, goodClaims, old, new)) }
	good := signed(goodHeader, goodClaims)
	_, err = v.Verify(t.Context(), good)
	require.NoError(t, err)
	_, err = v.Verify(t.Context(), forge(t, jwt.SigningMethodES256, ec, `{"typ":"ams-handoff+jwt","kid":"ec","alg":"ES256"}`, goodClaims))
	require.NoError(t, err)
	first, rest, _ := strings.Cut(good, ".")
	body, sig, _ := strings.Cut(rest, ".")

	cases := map[string]string{
		"empty": "", "one dot": "a.b", "no dots": good[:40], "three dots": good + ".", "dots alone": "..",
		"a million dots": strings.Repeat(".", 1_000_000), "1 MiB kid": header(`"kid":"ed"`, `"kid":"`+strings.Repeat("k", 1<<20)+`"`),
		"longer than 8 KiB": claims(`"/c"`, `"`+strings.Repeat("c", 8<<10)+`"`),
		"deep JSON":         claims(`"/c"`, strings.Repeat("[", 2000)+strings.Repeat("]", 2000)),
		"padded base64":     first + "=." + body + "." + sig, "line feed": first + "." + body[:9] + "\n" + body[9:] + "." + sig,
		"line end": good + "\r\n", "standard alphabet": first + "." + body + "." + strings.Repeat("+", 86),
		"spare bits": good[:len(good)-1] + nextChar(good[len(good)-1]),
		"no sig":     first + "." + body + ".", "cut sig": good[:len(good)-4], "other sig": first + "." + body + "." + b64(strings.Repeat("x", 64)),
		"other claims": first + "." + b64(replace(t, goodClaims, "U-1", "U-2")) + "." + sig,

		"alg none": b64(header2("none", "ed")) + "." + body + ".", "alg None": header(`EdDSA`, `None`), "alg nOnE": header(`EdDSA`, `nOnE`),
		"alg none, signed": header(`EdDSA`, `none`), "alg eddsa": header(`EdDSA`, `eddsa`), "alg ES256 at ed": header(`EdDSA`, `ES256`),
		"alg missing": header(`"alg":"EdDSA",`, ``), "alg a number": header(`"EdDSA"`, `1`), "alg null": header(`"EdDSA"`, `null`),
		"another key's algorithm": forge(t, jwt.SigningMethodES256, ec, header2("ES256", "ed"), goodClaims),
		"another key's kid":       forge(t, jwt.SigningMethodES256, ec, header2("EdDSA", "ed"), goodClaims),
		"public key as secret":    forge(t, jwt.SigningMethodHS256, der, header2("HS256", "ec"), goodClaims),
		"public key as secret 2":  forge(t, jwt.SigningMethodHS256, []byte(ed.Public().(ed25519.PublicKey)), header2("HS256", "ed"), goodClaims),
		"secret said to be ES256": forge(t, jwt.SigningMethodHS256, der, header2("ES256", "ec"), goodClaims),
		"RS256":                   forge(t, jwt.SigningMethodRS256, rsaKey, header2("RS256", "ed"), goodClaims),
		"stranger's key":          forge(t, jwt.SigningMethodEdDSA, newEd25519(t), goodHeader, goodClaims),
		"stranger's key, P-256":   forge(t, jwt.SigningMethodES256, newECDSA(t, elliptic.P256()), header2("ES256", "ec"), goodClaims),

		"typ missing": header(`,"typ":"ams-handoff+jwt"`, ``), "typ JWT": header(`ams-handoff+jwt`, `JWT`),
		"typ of a session": header(`ams-handoff+jwt`, `ams-session+jwt`), "typ in capitals": header(`ams-handoff`, `AMS-handoff`),
		"typ a list":  header(`"ams-handoff+jwt"`, `["ams-handoff+jwt"]`),
		"kid missing": header(`"kid":"ed",`, ``), "kid empty": header(`"kid":"ed"`, `"kid":""`), "kid a number": header(`"kid":"ed"`, `"kid":1`),
		"kid a path": header(`"kid":"ed"`, `"kid":"../../dev/null"`), "kid retired": header(`"kid":"ed"`, `"kid":"old"`), "kid folded": header(`"kid":"ed"`, `"KID":"ed"`),
		"crit": header(`{`, `{"crit":["exp"],`), "crit empty": header(`{`, `{"crit":[],`), "b64": header(`{`, `{"b64":false,`),
		"jku": header(`{`, `{"jku":"https://evil.example",`), "jwk": header(`{`, `{"jwk":{},`), "x5u": header(`{`, `{"x5u":"https://evil.example",`),
		"x5c": header(`{`, `{"x5c":[],`), "cty": header(`{`, `{"cty":"JWT",`), "zip": header(`{`, `{"zip":"DEF",`),
		"alg twice": header(`{`, `{"alg":"EdDSA",`), "kid twice": header(`{`, `{"kid":"ec",`), "kid twice, escaped": header(`{`, `{"\u006bid":"ec",`), "Alg beside alg": header(`{`, `{"Alg":"none",`),
		"header a list": signed("["+goodHeader+"]", goodClaims), "header null": signed("null", goodClaims), "header empty": signed("{}", goodClaims),
		"header not JSON": signed("{", goodClaims), "header with a tail": signed(goodHeader+"{}", goodClaims), "header no UTF-8": header(`{`, "{\"\xff\":1,"),

		"aud of another": claims(elevate, "https://notified.example.org"), "aud missing": claims(`"aud":"`+elevate+`",`, ``),
		"aud a list": claims(`"`+elevate+`"`, `["`+elevate+`"]`), "aud two": claims(`"`+elevate+`"`, `["`+elevate+`","x"]`), "aud a number": claims(`"`+elevate+`"`, `1`),
		"aud null": claims(`"`+elevate+`"`, `null`), "aud folded": claims(elevate, "https://LEARN.example.org"), "aud with a slash": claims(elevate, elevate+"/"),
		"iss of another": claims(shop, "https://evil.example.org"), "iss missing": claims(`"iss":"`+shop+`",`, ``), "iss a list": claims(`"`+shop+`"`, `["`+shop+`"]`), "iss empty": claims(shop, ""),
		"exp missing": claims(`"exp":1800000060,`, ``), "exp a string": claims(`1800000060`, `"1800000060"`), "exp in ms": claims(`1800000060`, `1800000060000`),
		"exp a fraction": claims(`1800000060`, `1800000060.0`), "exp with exponent": claims(`1800000060`, `18000000.6e2`), "exp negative": claims(`1800000060`, `-1800000060`),
		"exp minus zero": claims(`1800000060`, `-0`), "exp zero": claims(`1800000060`, `0`), "exp huge": claims(`1800000060`, `1`+strings.Repeat("0", 400)), "exp null": claims(`1800000060`, `null`),
		"exp true": claims(`1800000060`, `true`), "exp NaN": claims(`1800000060`, `NaN`), "exp beyond int64": claims(`1800000060`, `18446744075509551676`),
		"lives too long": claims(`1800000060`, `1800000121`), "expires at issue": claims(`1800000060`, `1800000000`), "expires before issue": claims(`1800000060`, `1799999999`),
		"iat missing": claims(`"iat":1800000000,`, ``), "iat a string": claims(`:1800000000`, `:"1800000000"`), "iat in ms": claims(`:1800000000`, `:1800000000000`),
		"both in ms":  claims(`"exp":1800000060,"iat":1800000000`, `"exp":1800000000060,"iat":1800000000000`),
		"nbf":         claims(`{`, `{"nbf":1800000000,`),
		"jti missing": claims(`"jti":"`+goodJTI+`",`, ``), "jti empty": claims(goodJTI, ``), "jti short": claims(goodJTI, goodJTI[1:]), "jti long": claims(goodJTI, goodJTI+"A"),
		"jti folded": claims(goodJTI, strings.ToLower(goodJTI)), "jti a number": claims(`"`+goodJTI+`"`, `7`),
		"sub missing": claims(`,"sub":"U-1"`, ``), "sub empty": claims(`U-1`, ``), "sub null": claims(`"U-1"`, `null`), "sub the text null": claims(`U-1`, `null`), "sub a number": claims(`"U-1"`, `1042`),
		"sub padded": claims(`U-1`, `U-1 `), "sub a NUL": claims(`U-1`, `U\u0000`), "sub too long": claims(`U-1`, strings.Repeat("x", MaxUserID+1)), "sub a list": claims(`"U-1"`, `["U-1"]`), "sub an object": claims(`"U-1"`, `{"id":"U-1"}`),
		"sub no UTF-8": claims(`U-1`, "U-\xff"), "sub a lone surrogate": claims(`U-1`, `U-\ud800`), "sub a pair": claims(`U-1`, `U-\uD83D\uDE00`), "sub a low surrogate": claims(`U-1`, `U-\uDFFF`),
		"sub twice": claims(`{`, `{"sub":"U-2",`), "sub twice, same": claims(`{`, `{"sub":"U-1",`), "SUB beside sub": claims(`{`, `{"SUB":"U-2",`), "SUB alone": claims(`"sub"`, `"SUB"`), "escaped twice": claims(`{`, `{"\u0073ub":"U-2",`), "long s": claims(`{`, `{"ſub":"U-2",`),
		"exp twice": claims(`{`, `{"exp":9999999999,`), "unknown claim": claims(`{`, `{"admin":true,`), "e-mail": claims(`{`, `{"email":"a@example.org",`), "empty name": claims(`{`, `{"":1,`),
		"return_to empty": claims(`/c`, ``), "return_to null": claims(`"/c"`, `null`), "return_to a number": claims(`"/c"`, `1`), "return_to with control": claims(`/c`, `/c\u000d\u000aSet-Cookie`), "return_to too long": claims(`/c`, strings.Repeat("c", MaxReturnTo+1)),
		"claims a list": signed(goodHeader, "["+goodClaims+"]"), "claims null": signed(goodHeader, "null"), "claims empty": signed(goodHeader, "{}"), "no claims": signed(goodHeader, ""),
		"claims a string": signed(goodHeader, `"{}"`), "claims with a tail": signed(goodHeader, goodClaims+`{"sub":"U-2"}`), "claims with a comma": claims(`}`, `,}`), "claims with a BOM": signed(goodHeader, "\ufeff"+goodClaims),
		"claims cut": signed(goodHeader, goodClaims[:len(goodClaims)-1]), "a comment": claims(`{`, `{/**/`), "single quotes": claims(`"U-1"`, `'U-1'`),
	}
	for name, token := range cases {
		got, err := v.Verify(t.Context(), token)
		require.ErrorIs(t, err, ErrInvalidToken, name)
		require.Zero(t, got, name)
		require.Equal(t, "amsbridge: the token is not valid", err.Error(), name)
		var refused *TokenError
		require.ErrorAs(t, err, &refused, name)
		require.Error(t, refused.Err, name)
		for _, part := range []string{"U-1", "evil", "/c", goodJTI, b64(goodHeader)[:12], shop, "\xff", "U-2"} {
			require.NotContains(t, refused.Err.Error(), part, name)
		}
	}
}

// The reason shows which rule refused: ours, before the library saw the token.
func TestVerifyReasons(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t)
	v := newVerifier(t, handOffTime, VerificationKey{ID: "ed", Public: ed.Public()})
	signed := func(header, claims string) string { return forge(t, jwt.SigningMethodEdDSA, ed, header, claims) }
	claims := func(old, new string) string { return signed(goodHeader, replace(t, goodClaims, old, new)) }
	for _, c := range []struct{ token, reason string }{
		{strings.Repeat("x", MaxToken+1), "token is longer than 8 KiB"},
		{strings.Repeat(".", MaxToken), "token has not two dots"},
		{signed(header2("ES256", "ed"), goodClaims), "header: alg is not that of the key"},
		{signed(replace(t, goodHeader, `{`, `{"jwk":{},`), goodClaims), "header: a member is not known"},
		{claims(`"/c"`, `[[]]`), "claims: return_to is an object or a list"},
		{claims(`1800000060`, `1800000060000`), "claims: exp is not a time in whole seconds"},
		{claims(`1800000060`, `18000000.6e2`), "claims: exp is not a time in whole seconds"},
		{claims(`1800000060`, `-0`), "claims: exp is not a time in whole seconds"},
		{claims(shop, elevate), "claims: iss is another issuer"},
		{claims(elevate, shop), "claims: aud is another audience"},
		{claims(`1800000060,"iat":1800000000`, `1800000091,"iat":1800000031`), "claims: iat is in the future"},
		{claims(`1800000060,"iat":1800000000`, `1799999970,"iat":1799999960`), "claims: exp has passed"},
	} {
		_, err := v.Verify(t.Context(), c.token)
		var refused *TokenError
		require.ErrorAs(t, err, &refused)
		require.EqualError(t, refused.Err, c.reason)
	}
	_, err := v.Verify(t.Context(), forge(t, jwt.SigningMethodEdDSA, newEd25519(t), goodHeader, goodClaims))
	require.ErrorIs(t, err, jwt.ErrTokenSignatureInvalid)
}

func header2(alg, kid string) string {
	return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"ams-handoff+jwt"}`, alg, kid)
}

func replace(t testing.TB, text, old, new string) string {
	t.Helper()
	require.Contains(t, text, old)
	return strings.Replace(text, old, new, 1)
}

// nextChar has the same six bits but the last: the decoder ignores it there.
func nextChar(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1:][:1]
}

func TestVerifyBoundaries(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t)
	const skew, tick = 30 * time.Second, time.Nanosecond
	iat, exp := handOffTime, handOffTime.Add(time.Minute)
	for _, c := range []struct {
		now      time.Time
		accepted bool
	}{
		{iat.Add(-skew - time.Second), false},
		{iat.Add(-skew - tick), false},
		{iat.Add(-skew), true},
		{iat.Add(-skew + time.Second), true},
		{iat.Add(-time.Second), true},
		{iat, true},
		{exp.Add(-time.Second), true},
		{exp, true},
		{exp.Add(skew - time.Second), true},
		{exp.Add(skew - tick), true},
		{exp.Add(skew), false},
		{exp.Add(skew + time.Second), false},
	} {
		v := newVerifier(t, c.now, VerificationKey{ID: "ed", Public: ed.Public()})
		_, err := v.Verify(t.Context(), forge(t, jwt.SigningMethodEdDSA, ed, goodHeader, goodClaims))
		require.Equal(t, c.accepted, err == nil, "at iat %+v: %v", c.now.Sub(iat), err)
	}
	v := newVerifier(t, handOffTime, VerificationKey{ID: "ed", Public: ed.Public()})
	_, err := v.Verify(t.Context(), forge(t, jwt.SigningMethodEdDSA, ed, goodHeader, replace(t, goodClaims, "1800000060", "1800000120")))
	require.NoError(t, err, "120 seconds are within the limit")
}

// Both keys are listed while they change; a key that is taken off the list
// opens nothing any more.
func TestVerifyWhileKeysChange(t *testing.T) {
	t.Parallel()
	was, is := newEd25519(t), newECDSA(t, elliptic.P256())
	sign := func(id string, key crypto.Signer) string {
		cfg := ssoConfig(key)
		cfg.Audiences[0].Key.ID = id
		sso, err := NewSSO(cfg)
		require.NoError(t, err)
		token, err := sso.HandOff(t.Context(), HandOffRequest{Audience: "elevate", User: User{ID: "U-1"}})
		require.NoError(t, err)
		return token
	}
	both := newVerifier(t, handOffTime, VerificationKey{ID: "2026", Public: was.Public()}, VerificationKey{ID: "2027", Public: is.Public()})
	after := newVerifier(t, handOffTime, VerificationKey{ID: "2027", Public: is.Public()})
	for _, c := range []struct {
		v        *Verifier
		token    string
		accepted bool
	}{
		{both, sign("2026", was), true},
		{both, sign("2027", is), true},
		{after, sign("2026", was), false},
		{after, sign("2027", is), true},
		{both, sign("2026", is), false},
	} {
		_, err := c.v.Verify(t.Context(), c.token)
		require.Equal(t, c.accepted, err == nil)
	}
}

func TestNewVerifierNamesTheBadField(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t)
	off := &ecdsa.PublicKey{Curve: elliptic.P256(), X: newECDSA(t, elliptic.P256()).X, Y: newECDSA(t, elliptic.P256()).Y} //nolint:staticcheck // a point off the curve can be made no other way
	public := func(k crypto.PublicKey) func(*VerifierConfig) {
		return func(c *VerifierConfig) { c.Keys[0].Public = k }
	}
	for _, c := range []struct {
		field  string
		change func(*VerifierConfig)
	}{
		{"issuer", func(c *VerifierConfig) { c.Issuer = "" }},
		{"audience", func(c *VerifierConfig) { c.Audience = "" }},
		{"skew", func(c *VerifierConfig) { c.Skew = -1 }},
		{"skew", func(c *VerifierConfig) { c.Skew = time.Minute + 1 }},
		{"keys", func(c *VerifierConfig) { c.Keys = nil }},
		{"replay", func(c *VerifierConfig) { c.AllowReplay = false }},
		{"allow replay", func(c *VerifierConfig) { c.Replay = NewMemoryReplay(nil) }},
		{"key source", func(c *VerifierConfig) { c.KeySource = &KeyRing{} }},
		{"claims.email", func(c *VerifierConfig) { c.Claims.Email = "SUB" }},
		{"return origins[0]", func(c *VerifierConfig) { c.ReturnOrigins = []string{"http://learn.example.org"} }},
		{"default return", func(c *VerifierConfig) { c.DefaultReturn = "//evil" }},
		{"keys[0].id", func(c *VerifierConfig) { c.Keys[0].ID = "/etc/passwd" }},
		{"keys[1].id", func(c *VerifierConfig) { c.Keys = append(c.Keys, c.Keys[0]) }},
		{"keys[0].public", public(nil)},
		{"keys[0].public", public((*ecdsa.PublicKey)(nil))},
		{"keys[0].public", public(&ecdsa.PublicKey{})},
		{"keys[0].public", public(&ecdsa.PublicKey{Curve: elliptic.P256()})},
		{"keys[0].public", public(off)},
		{"keys[0].public", public(newECDSA(t, elliptic.P384()).Public())},
		{"keys[0].public", public(newECDSA(t, elliptic.P521()).Public())},
		{"keys[0].public", public(ed25519.PublicKey("short"))},
		{"keys[0].public", public(make(ed25519.PublicKey, 32))},
		{"keys[0].public", public(ed)},
		{"keys[0].public", public([]byte("a secret of an HMAC, thirty-two bytes"))},
	} {
		cfg := VerifierConfig{Issuer: shop, Audience: elevate, AllowReplay: true, Keys: []VerificationKey{{ID: "ed", Public: ed.Public()}}}
		c.change(&cfg)
		_, err := NewVerifier(cfg)
		var input *InputError
		require.ErrorAs(t, err, &input, c.field)
		require.Equal(t, c.field, input.Field)
	}
}
