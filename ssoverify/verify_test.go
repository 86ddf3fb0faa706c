package ssoverify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	ed, ec := keytest.Ed25519(t), keytest.ECDSA(t, elliptic.P256())
	der, err := x509.MarshalPKIXPublicKey(ec.Public())
	require.NoError(t, err)
	v := newVerifier(t, keytest.Time(), ssokeys.VerificationKey{ID: "ed", Public: ed.Public()}, ssokeys.VerificationKey{ID: "ec", Public: ec.Public()})
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

		"alg none": b64(headerOf("none", "ed")) + "." + body + ".", "alg None": header(`EdDSA`, `None`), "alg nOnE": header(`EdDSA`, `nOnE`),
		"alg none, signed": header(`EdDSA`, `none`), "alg eddsa": header(`EdDSA`, `eddsa`), "alg ES256 at ed": header(`EdDSA`, `ES256`),
		"alg missing": header(`"alg":"EdDSA",`, ``), "alg a number": header(`"EdDSA"`, `1`), "alg null": header(`"EdDSA"`, `null`),
		"another key's algorithm": forge(t, jwt.SigningMethodES256, ec, headerOf("ES256", "ed"), goodClaims),
		"another key's kid":       forge(t, jwt.SigningMethodES256, ec, headerOf("EdDSA", "ed"), goodClaims),
		"public key as secret":    forge(t, jwt.SigningMethodHS256, der, headerOf("HS256", "ec"), goodClaims),
		"public key as secret 2":  forge(t, jwt.SigningMethodHS256, []byte(ed.Public().(ed25519.PublicKey)), headerOf("HS256", "ed"), goodClaims),
		"secret said to be ES256": forge(t, jwt.SigningMethodHS256, der, headerOf("ES256", "ec"), goodClaims),
		"RS256":                   forge(t, jwt.SigningMethodRS256, keytest.RSA(), headerOf("RS256", "ed"), goodClaims),
		"stranger's key":          forge(t, jwt.SigningMethodEdDSA, keytest.Ed25519(t), goodHeader, goodClaims),
		"stranger's key, P-256":   forge(t, jwt.SigningMethodES256, keytest.ECDSA(t, elliptic.P256()), headerOf("ES256", "ec"), goodClaims),

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
		"sub padded": claims(`U-1`, `U-1 `), "sub a NUL": claims(`U-1`, `U\u0000`), "sub too long": claims(`U-1`, strings.Repeat("x", amsbridge.MaxUserID+1)), "sub a list": claims(`"U-1"`, `["U-1"]`), "sub an object": claims(`"U-1"`, `{"id":"U-1"}`),
		"sub no UTF-8": claims(`U-1`, "U-\xff"), "sub a lone surrogate": claims(`U-1`, `U-\ud800`), "sub a pair": claims(`U-1`, `U-\uD83D\uDE00`), "sub a low surrogate": claims(`U-1`, `U-\uDFFF`),
		"sub twice": claims(`{`, `{"sub":"U-2",`), "sub twice, same": claims(`{`, `{"sub":"U-1",`), "SUB beside sub": claims(`{`, `{"SUB":"U-2",`), "SUB alone": claims(`"sub"`, `"SUB"`), "escaped twice": claims(`{`, `{"\u0073ub":"U-2",`), "long s": claims(`{`, `{"ſub":"U-2",`),
		"exp twice": claims(`{`, `{"exp":9999999999,`), "unknown claim": claims(`{`, `{"admin":true,`), "e-mail": claims(`{`, `{"email":"a@example.org",`), "empty name": claims(`{`, `{"":1,`),
		"return_to empty": claims(`/c`, ``), "return_to null": claims(`"/c"`, `null`), "return_to a number": claims(`"/c"`, `1`), "return_to with control": claims(`/c`, `/c\u000d\u000aSet-Cookie`), "return_to too long": claims(`/c`, strings.Repeat("c", amsbridge.MaxReturnTo+1)),
		"claims a list": signed(goodHeader, "["+goodClaims+"]"), "claims null": signed(goodHeader, "null"), "claims empty": signed(goodHeader, "{}"), "no claims": signed(goodHeader, ""),
		"claims a string": signed(goodHeader, `"{}"`), "claims with a tail": signed(goodHeader, goodClaims+`{"sub":"U-2"}`), "claims with a comma": claims(`}`, `,}`), "claims with a BOM": signed(goodHeader, "\ufeff"+goodClaims),
		"claims cut": signed(goodHeader, goodClaims[:len(goodClaims)-1]), "a comment": claims(`{`, `{/**/`), "single quotes": claims(`"U-1"`, `'U-1'`),
	}
	for name, token := range cases {
		got, err := v.Verify(t.Context(), token)
		require.ErrorIs(t, err, ErrInvalidToken, name)
		require.Zero(t, got, name)
		require.Equal(t, "ssoverify: the token is not valid", err.Error(), name)
		var refused *TokenError
		require.ErrorAs(t, err, &refused, name)
		require.Error(t, refused.Err, name)
		for _, part := range []string{"U-1", "U-2", "/c", goodJTI, b64(goodHeader)[:12], "\xff", "a@example.org"} {
			require.NotContains(t, refused.Err.Error(), part, name)
		}
		if !strings.HasPrefix(name, "iss") {
			require.NotContains(t, refused.Err.Error(), shop, name)
			require.NotContains(t, refused.Err.Error(), "evil", name)
		}
	}
}

// nextChar returns the character whose six bits differ only in the last, which a lenient decoder
// ignores.
func nextChar(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1:][:1]
}

func TestVerifyBoundaries(t *testing.T) {
	t.Parallel()
	ed := keytest.Ed25519(t)
	const skew, tick = 30 * time.Second, time.Nanosecond
	iat, exp := keytest.Time(), keytest.Time().Add(time.Minute)
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
		v := newVerifier(t, c.now, ssokeys.VerificationKey{ID: "ed", Public: ed.Public()})
		_, err := v.Verify(t.Context(), forge(t, jwt.SigningMethodEdDSA, ed, goodHeader, goodClaims))
		require.Equal(t, c.accepted, err == nil, "at iat %+v: %v", c.now.Sub(iat), err)
	}
	v := newVerifier(t, keytest.Time(), ssokeys.VerificationKey{ID: "ed", Public: ed.Public()})
	_, err := v.Verify(t.Context(), forge(t, jwt.SigningMethodEdDSA, ed, goodHeader, replace(t, goodClaims, "1800000060", "1800000120")))
	require.NoError(t, err, "120 seconds are within the limit")
}

// Both keys are listed during a change. A key that is taken off the list verifies nothing any more.
func TestVerifyWhileKeysChange(t *testing.T) {
	t.Parallel()
	was, is := keytest.Ed25519(t), keytest.ECDSA(t, elliptic.P256())
	sign := func(id string, key crypto.Signer) string {
		return minted(t, newSSO(t, ssoConfig(ssokeys.SigningKey{ID: id, Private: key})))
	}
	both := newVerifier(t, keytest.Time(), ssokeys.VerificationKey{ID: "2026", Public: was.Public()}, ssokeys.VerificationKey{ID: "2027", Public: is.Public()})
	after := newVerifier(t, keytest.Time(), ssokeys.VerificationKey{ID: "2027", Public: is.Public()})
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

func TestNewNamesTheBadField(t *testing.T) {
	t.Parallel()
	ed := keytest.Ed25519(t)
	off := &ecdsa.PublicKey{Curve: elliptic.P256(), X: keytest.ECDSA(t, elliptic.P256()).X, Y: keytest.ECDSA(t, elliptic.P256()).Y} //nolint:staticcheck // a point off the curve can be made no other way
	public := func(k crypto.PublicKey) func(*Config) {
		return func(c *Config) { c.Keys[0].Public = k }
	}
	for _, c := range []struct {
		field  string
		change func(*Config)
	}{
		{"Issuer", func(c *Config) { c.Issuer = "" }},
		{"Audience", func(c *Config) { c.Audience = "" }},
		{"Skew", func(c *Config) { c.Skew = -1 }},
		{"Skew", func(c *Config) { c.Skew = time.Minute + 1 }},
		{"Keys", func(c *Config) { c.Keys = nil }},
		{"Replay", func(c *Config) { c.AllowReplay = false }},
		{"AllowReplay", func(c *Config) { c.Replay = NewMemoryReplay(nil) }},
		{"KeySource", func(c *Config) { c.KeySource = &ssokeys.Ring{} }},
		{"KeySource", func(c *Config) { c.Keys, c.KeySource = nil, (*ssokeys.Ring)(nil) }},
		{"Replay", func(c *Config) { c.AllowReplay, c.Replay = false, (*MemoryReplay)(nil) }},
		{"Claims.Email", func(c *Config) { c.Claims.Email = "SUB" }},
		{"ReturnOrigins[0]", func(c *Config) { c.ReturnOrigins = []string{"http://learn.example.org"} }},
		{"DefaultReturn", func(c *Config) { c.DefaultReturn = "//evil" }},
		{"Keys[0].ID", func(c *Config) { c.Keys[0].ID = "/etc/passwd" }},
		{"Keys[1].ID", func(c *Config) { c.Keys = append(c.Keys, c.Keys[0]) }},
		{"Keys[1]", func(c *Config) {
			c.Keys = append(c.Keys, ssokeys.VerificationKey{ID: "another", Public: c.Keys[0].Public})
		}},
		{"Keys[0].Public", public(nil)},
		{"Keys[0].Public", public((*ecdsa.PublicKey)(nil))},
		{"Keys[0].Public", public(&ecdsa.PublicKey{})},
		{"Keys[0].Public", public(&ecdsa.PublicKey{Curve: elliptic.P256()})},
		{"Keys[0].Public", public(off)},
		{"Keys[0].Public", public(keytest.ECDSA(t, elliptic.P384()).Public())},
		{"Keys[0].Public", public(keytest.ECDSA(t, elliptic.P521()).Public())},
		{"Keys[0].Public", public(ed25519.PublicKey("short"))},
		{"Keys[0].Public", public(make(ed25519.PublicKey, 32))},
		{"Keys[0].Public", public(ed)},
		{"Keys[0].Public", public([]byte("a secret of an HMAC, thirty-two bytes"))},
	} {
		cfg := Config{Issuer: shop, Audience: elevate, AllowReplay: true, Keys: []ssokeys.VerificationKey{{ID: "ed", Public: ed.Public()}}}
		c.change(&cfg)
		_, err := New(cfg)
		require.Equal(t, "ssoverify: Config."+c.field, keytest.BadField(t, err))
	}
}

// The target is in the signed token, and the receiver checks it against its own list, although it is
// signed.
func TestReturnTargetInTheToken(t *testing.T) {
	t.Parallel()
	key := keytest.Generated(t, ssokeys.EdDSA, "ed")
	cfg := ssoConfig(key)
	cfg.Audiences[0].ReturnOrigins, cfg.Audiences[0].DefaultReturn = []string{elevate}, "/home"
	sso := newSSO(t, cfg)
	public := keytest.Public(t, key)
	strict := newVerifier(t, keytest.Time(), public)
	for _, c := range []struct{ asked, told string }{
		{elevate + "/courses/7", ""}, // not on the receiver's list
		{"/courses/7", "/courses/7"},
		{"https://evil.example/", "/home"},
		{"", "/home"},
	} {
		token, err := sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: "U-1"}, ReturnTo: c.asked})
		require.NoError(t, err)
		h, err := strict.Verify(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, c.told, h.ReturnTo)
	}
	stolen := forge(t, jwt.SigningMethodEdDSA, key.Private, goodHeader, replace(t, goodClaims, `"/c"`, `"//evil.example"`))
	h, err := strict.Verify(t.Context(), stolen)
	require.NoError(t, err)
	require.Empty(t, h.ReturnTo)
}
