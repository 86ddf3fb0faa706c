package ssokeys_test

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

func TestRemoteKeysTakeFitKeysOnly(t *testing.T) {
	t.Parallel()
	good := jwk(t, keytest.Generated(t, ssokeys.EdDSA, "good"))
	private := func(k ssokeys.SigningKey) string {
		text, err := json.Marshal(jose.JSONWebKey{Key: k.Private, KeyID: "bad"})
		require.NoError(t, err)
		return string(text)
	}
	public := func(key any) string {
		text, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: "bad"})
		require.NoError(t, err)
		return string(text)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	ed := jwk(t, keytest.Generated(t, ssokeys.EdDSA, "bad"))
	other := jwk(t, keytest.Generated(t, ssokeys.ES256, "bad"))
	also := func(member string) string { return strings.Replace(ed, "{", "{"+member+",", 1) }
	for name, c := range map[string]struct{ key, problem string }{
		"a shared secret":              {`{"kty":"oct","kid":"bad","k":"` + b64(strings.Repeat("0123456789abcdef", 2)) + `"}`, "private key or a secret"},
		"a secret without its value":   {`{"kty":"oct","kid":"bad"}`, "JWK"},
		"private EdDSA":                {private(keytest.Generated(t, ssokeys.EdDSA, "bad")), "private key or a secret"},
		"private ES256":                {private(keytest.Generated(t, ssokeys.ES256, "bad")), "private key or a secret"},
		"private RS256":                {private(keytest.Generated(t, ssokeys.RS256, "bad")), "private key or a secret"},
		"a private member, null":       {also(`"d":null`), "private key or a secret"},
		"for encryption":               {strings.Replace(ed, `"sig"`, `"enc"`, 1), "use"},
		"for signing":                  {also(`"key_ops":["sign"]`), "key_ops"},
		"key_ops no list":              {also(`"key_ops":"verify"`), "key_ops"},
		"another algorithm":            {also(`"alg":"ES256"`), "algorithm"},
		"alg none":                     {also(`"alg":"none"`), "algorithm"},
		"RSA for PS256":                {strings.Replace(public(keytest.RSA().Public()), "{", `{"alg":"PS256",`, 1), "algorithm"},
		"P-384":                        {public(keytest.ECDSA(t, elliptic.P384()).Public()), "P-256"},
		"a point off the curve":        {strings.Replace(other, `"x":"`, `"x":"AAAA`, 1), "JWK"},
		"small RSA":                    {public(small.Public()), "2048"},
		"RSA with exponent 3":          {public(&rsa.PublicKey{N: keytest.RSA().N, E: 3}), "65537"},
		"Ed25519 of zeros":             {`{"kty":"OKP","crv":"Ed25519","kid":"bad","x":"` + strings.Repeat("A", 43) + `"}`, "JWK"},
		"X25519":                       {`{"kty":"OKP","crv":"X25519","kid":"bad","x":"` + strings.Repeat("A", 43) + `"}`, "JWK"},
		"an unknown type":              {`{"kty":"AKP","kid":"bad"}`, "JWK"},
		"no type":                      {`{"kid":"bad"}`, "JWK"},
		"kid a path":                   {strings.Replace(ed, `"bad"`, `"../bad"`, 1), "ID"},
		"kid a number":                 {strings.Replace(ed, `"bad"`, `7`, 1), "JWK"},
		"a member twice":               {also(`"x":"` + strings.Repeat("B", 43) + `"`), "JWK"},
		"no object":                    {`"bad"`, "object"},
		"null":                         {`null`, "JWK"},
		"a list":                       {`[` + ed + `]`, "object"},
		"an ID twice":                  {ed + "," + other, "its ID is that of keys[1]"},
		"a key twice":                  {ed + "," + ed, "its ID is that of keys[1]"},
		"an ID three times":            {ed + "," + other + "," + ed, "its ID is that of keys[1]"},
		"the ID of one that was unfit": {strings.Replace(ed, `"sig"`, `"enc"`, 1) + "," + other, "its ID is that of keys[1]"},
		"the ID of one that is unfit":  {other + "," + strings.Replace(ed, `"sig"`, `"enc"`, 1), "its ID is that of keys[1]"},
	} {
		r, i, told := newRemote(t, keytest.NewClock(keytest.Time()), nil)
		i.answers(http.StatusOK, setOf(good, c.key))
		require.NoError(t, asked(t, r, "good"), name)
		require.ErrorIs(t, asked(t, r, "bad"), ssokeys.ErrUnknown, name)
		require.Equal(t, "Remote(1 keys)", fmt.Sprint(r), name)
		require.Eventually(t, func() bool { return told.text() != "" }, time.Minute, time.Millisecond, name)
		require.Contains(t, told.text(), c.problem, name)
		require.NotContains(t, told.text(), "bad", name)
		require.EqualValues(t, 1, i.calls.Load(), name)
	}
	for name, key := range map[string]string{
		"no use":            strings.Replace(ed, `"use":"sig",`, ``, 1),
		"to verify":         also(`"key_ops":["sign","verify"]`),
		"its own algorithm": also(`"alg":"EdDSA"`),
		"unknown members":   also(`"x-note":{"a":[1]},"x5u":"https://evil.example/"`),
	} {
		r, i, _ := newRemote(t, keytest.NewClock(keytest.Time()), nil)
		i.answers(http.StatusOK, setOf(good, key))
		require.NoError(t, asked(t, r, "bad"), name)
		require.EqualValues(t, 1, i.calls.Load(), "nothing in a set leads elsewhere")
	}
}

// A key without kid gets its thumbprint as its ID.
func TestRemoteKeyWithoutKID(t *testing.T) {
	t.Parallel()
	key := keytest.Generated(t, ssokeys.EdDSA, "")
	named, err := key.Verification()
	require.NoError(t, err)
	r, i, _ := newRemote(t, keytest.NewClock(keytest.Time()), nil)
	i.answers(http.StatusOK, setOf(strings.Replace(jwk(t, key), `"kid":"`+named.ID+`",`, "", 1)))
	require.NotContains(t, i.body, "kid")
	require.NoError(t, asked(t, r, named.ID))
}
