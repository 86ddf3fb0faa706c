package amsbridge

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

func pemOf(kind string, der []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pemOf("PRIVATE KEY", der, err)
}

func pkix(key any) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	return pemOf("PUBLIC KEY", der, err)
}

func sec1(key *ecdsa.PrivateKey) string {
	der, err := x509.MarshalECPrivateKey(key)
	return pemOf("EC PRIVATE KEY", der, err)
}

func jwkOf(t testing.TB, k jose.JSONWebKey) string {
	t.Helper()
	text, err := json.Marshal(k)
	require.NoError(t, err)
	return string(text)
}

func TestGenerateKey(t *testing.T) {
	t.Parallel()
	for _, alg := range benched {
		key, err := GenerateKey(alg)
		require.NoError(t, err)
		public, err := key.Verification()
		require.NoError(t, err)
		require.Equal(t, key.ID, public.ID)
		require.Len(t, key.ID, 43)
		own, _, problem := key.check()
		require.Empty(t, problem)
		require.Equal(t, string(alg), own.method.Alg())
		require.Equal(t, key.ID, thumbprint(own.public.public), "the ID is the thumbprint, that of a secret included")
		switch private := key.Private.(type) {
		case *rsa.PrivateKey:
			require.Equal(t, 3072, private.N.BitLen())
		case nil:
			require.Len(t, key.Secret, 32)
		}
		again, err := GenerateKey(alg)
		require.NoError(t, err)
		require.NotEqual(t, key.ID, again.ID)
	}
	_, err := GenerateKey("none")
	require.Equal(t, "algorithm", badField(t, err))
}

// A key is the same, and has the same ID, in whatever file it comes.
func TestParseKeys(t *testing.T) {
	t.Parallel()
	ec, ed := newECDSA(t, elliptic.P256()), newEd25519(t)
	secret := generated(t, HS256, "").Secret
	for _, c := range []struct {
		private []string
		public  []string
		alg     Algorithm
	}{
		{
			[]string{pkcs8(ec), sec1(ec), "\n\n" + sec1(ec) + "\r\n\t", jwkOf(t, jose.JSONWebKey{Key: ec}), jwkOf(t, jose.JSONWebKey{Key: ec, Use: "sig", Algorithm: "ES256"})},
			[]string{pkix(ec.Public()), jwkOf(t, jose.JSONWebKey{Key: ec.Public()})},
			ES256,
		},
		{
			[]string{pkcs8(ed), jwkOf(t, jose.JSONWebKey{Key: ed})},
			[]string{pkix(ed.Public()), jwkOf(t, jose.JSONWebKey{Key: ed.Public(), Algorithm: "EdDSA"})},
			EdDSA,
		},
		{
			[]string{pkcs8(rsaKey()), pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()), nil), jwkOf(t, jose.JSONWebKey{Key: rsaKey()})},
			[]string{pkix(rsaKey().Public()), pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey), nil), jwkOf(t, jose.JSONWebKey{Key: rsaKey().Public(), Use: "sig"})},
			RS256,
		},
		{[]string{jwkOf(t, jose.JSONWebKey{Key: secret})}, []string{jwkOf(t, jose.JSONWebKey{Key: secret, Algorithm: "HS256"})}, HS256},
	} {
		ids := map[string]bool{}
		for _, text := range c.private {
			k, err := ParseSigningKey([]byte(text))
			require.NoError(t, err, c.alg)
			own, _, problem := k.check()
			require.Empty(t, problem)
			require.Equal(t, string(c.alg), own.method.Alg())
			ids[k.ID] = true
			if c.alg != HS256 {
				_, err = ParseVerificationKey([]byte(text))
				require.Equal(t, "key", badField(t, err), "what verifies needs no private key")
			}
		}
		for _, text := range c.public {
			k, err := ParseVerificationKey([]byte(text))
			require.NoError(t, err, c.alg)
			ids[k.ID] = true
			if c.alg != HS256 {
				_, err = ParseSigningKey([]byte(text))
				require.Equal(t, "key", badField(t, err))
			}
		}
		require.Len(t, ids, 1, c.alg)
	}
	named, err := ParseSigningKey([]byte(jwkOf(t, jose.JSONWebKey{Key: ec, KeyID: "2026-11"})))
	require.NoError(t, err)
	require.Equal(t, "2026-11", named.ID)
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	ec, ed := newECDSA(t, elliptic.P256()), newEd25519(t)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	good := pkcs8(ec)
	legacy := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("x")})
	ecJWK := jwkOf(t, jose.JSONWebKey{Key: ec})
	for name, c := range map[string]struct{ text, field string }{
		"empty":                 {"", "key"},
		"text":                  {"secret-text", "key"},
		"raw bytes":             {strings.Repeat("x", 32), "key"},
		"encrypted":             {pemOf("ENCRYPTED PRIVATE KEY", []byte("x"), nil), "key"},
		"encrypted, legacy":     {string(legacy), "key"},
		"a certificate":         {pemOf("CERTIFICATE", []byte("x"), nil), "key"},
		"parameters first":      {pemOf("EC PARAMETERS", []byte("x"), nil) + sec1(ec), "key"},
		"two keys":              {good + pkcs8(ed), "key"},
		"a key and a chain":     {good + pemOf("CERTIFICATE", []byte("x"), nil), "key"},
		"a tail":                {good + "x", "key"},
		"cut":                   {good[:len(good)/2], "key"},
		"another kind of block": {strings.ReplaceAll(good, "PRIVATE KEY", "RSA PRIVATE KEY"), "key"},
		"broken DER":            {pemOf("PRIVATE KEY", []byte("x"), nil), "key"},
		"longer than 64 KiB":    {good + strings.Repeat("\n", 10) + strings.Repeat("x", maxKeyFile), "key"},
		"P-384":                 {pkcs8(newECDSA(t, elliptic.P384())), "key.private"},
		"P-521":                 {sec1(newECDSA(t, elliptic.P521())), "key.private"},
		"P-224":                 {pkcs8(newECDSA(t, elliptic.P224())), "key.private"},
		"1024 bits":             {pkcs8(small), "key.private"},
		"X25519":                {pkcs8(x25519), "key"},
		"JWK: a list":           {"[" + ecJWK + "]", "key"},
		"JWK: a set":            {`{"keys":[` + ecJWK + `]}`, "key"},
		"JWK: cut":              {ecJWK[:len(ecJWK)-1], "key"},
		"JWK: a tail":           {ecJWK + "{}", "key"},
		"JWK: empty":            {"{}", "key"},
		"JWK: for encryption":   {jwkOf(t, jose.JSONWebKey{Key: ec, Use: "enc"}), "key"},
		"JWK: ES384":            {jwkOf(t, jose.JSONWebKey{Key: ec, Algorithm: "ES384"}), "key"},
		"JWK: RSA for PS256":    {jwkOf(t, jose.JSONWebKey{Key: rsaKey(), Algorithm: "PS256"}), "key"},
		"JWK: a secret as RS256": {
			jwkOf(t, jose.JSONWebKey{Key: []byte(strings.Repeat("0123456789abcdef", 2)), Algorithm: "RS256"}), "key",
		},
		"JWK: a short secret":     {jwkOf(t, jose.JSONWebKey{Key: []byte("0123456789abcdef012345678901234")}), "key.secret"},
		"JWK: an empty secret":    {`{"kty":"oct","k":""}`, "key.private"},
		"JWK: a path as kid":      {jwkOf(t, jose.JSONWebKey{Key: ec, KeyID: "../k"}), "key.id"},
		"JWK: another public key": {strings.Replace(ecJWK, `"x":"`, `"x":"AAAA`, 1), "key"},
	} {
		k, err := ParseSigningKey([]byte(c.text))
		require.Error(t, err, name)
		require.Equal(t, c.field, badField(t, err), name)
		require.Zero(t, k.Private, name)
		require.Zero(t, k.Secret, name)
		require.NotContains(t, err.Error(), "secret-text")
	}
	for name, key := range map[string]crypto.PublicKey{
		"P-384": newECDSA(t, elliptic.P384()).Public(), "1024 bits": small.Public(), "X25519": x25519.Public(),
		"exponent 3": &rsa.PublicKey{N: rsaKey().N, E: 3},
	} {
		_, err := ParseVerificationKey([]byte(pkix(key)))
		require.Equal(t, "key.public", badField(t, err), name)
	}
}

func TestNoTwoAudiencesShareASecret(t *testing.T) {
	t.Parallel()
	secret := randomBytes(32)
	_, err := NewSSO(SSOConfig{Issuer: shop, Audit: quiet, Audiences: []Audience{
		{Name: "a", Audience: "a", SharedSecret: true, Key: SigningKey{ID: "k1", Secret: secret}},
		{Name: "b", Audience: "b", SharedSecret: true, Key: SigningKey{ID: "k2", Secret: secret}},
	}})
	require.ErrorContains(t, err, "audiences[1].key.secret", "whatever the key is called: one could sign for the other")
}
