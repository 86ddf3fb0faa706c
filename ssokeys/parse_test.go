package ssokeys_test

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

	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
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

func TestGenerate(t *testing.T) {
	t.Parallel()
	for _, alg := range keytest.Algorithms() {
		key, err := ssokeys.Generate(alg)
		require.NoError(t, err)
		public, err := key.Verification()
		require.NoError(t, err)
		require.Equal(t, key.ID, public.ID)
		require.Len(t, key.ID, 43)
		require.Equal(t, alg, public.Algorithm())
		public.ID = ""
		unnamed, err := public.Checked()
		require.NoError(t, err)
		require.Equal(t, key.ID, unnamed.ID, "the ID is the thumbprint, that of a secret included")
		switch private := key.Private.(type) {
		case *rsa.PrivateKey:
			require.Equal(t, 3072, private.N.BitLen())
		case nil:
			require.Len(t, key.Secret, 32)
		}
		again, err := ssokeys.Generate(alg)
		require.NoError(t, err)
		require.NotEqual(t, key.ID, again.ID)
	}
	_, err := ssokeys.Generate("none")
	require.Equal(t, "ssokeys: alg", keytest.BadField(t, err))
}

// A key is the same, and has the same ID, in every file format.
func TestParseKeys(t *testing.T) {
	t.Parallel()
	ec, ed := keytest.ECDSA(t, elliptic.P256()), keytest.Ed25519(t)
	secret := keytest.Generated(t, ssokeys.HS256, "").Secret
	for _, c := range []struct {
		private []string
		public  []string
		alg     ssokeys.Algorithm
	}{
		{
			[]string{pkcs8(ec), sec1(ec), "\n\n" + sec1(ec) + "\r\n\t", jwkOf(t, jose.JSONWebKey{Key: ec}), jwkOf(t, jose.JSONWebKey{Key: ec, Use: "sig", Algorithm: "ES256"})},
			[]string{pkix(ec.Public()), jwkOf(t, jose.JSONWebKey{Key: ec.Public()})},
			ssokeys.ES256,
		},
		{
			[]string{pkcs8(ed), jwkOf(t, jose.JSONWebKey{Key: ed})},
			[]string{pkix(ed.Public()), jwkOf(t, jose.JSONWebKey{Key: ed.Public(), Algorithm: "EdDSA"})},
			ssokeys.EdDSA,
		},
		{
			[]string{pkcs8(keytest.RSA()), pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(keytest.RSA()), nil), jwkOf(t, jose.JSONWebKey{Key: keytest.RSA()})},
			[]string{pkix(keytest.RSA().Public()), pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&keytest.RSA().PublicKey), nil), jwkOf(t, jose.JSONWebKey{Key: keytest.RSA().Public(), Use: "sig"})},
			ssokeys.RS256,
		},
		{[]string{jwkOf(t, jose.JSONWebKey{Key: secret})}, []string{jwkOf(t, jose.JSONWebKey{Key: secret, Algorithm: "HS256"})}, ssokeys.HS256},
	} {
		ids := map[string]bool{}
		for _, text := range c.private {
			k, err := ssokeys.ParseSigning([]byte(text))
			require.NoError(t, err, c.alg)
			require.Equal(t, c.alg, keytest.Public(t, k).Algorithm())
			ids[k.ID] = true
			if c.alg != ssokeys.HS256 {
				_, err = ssokeys.ParseVerification([]byte(text))
				require.Equal(t, "ssokeys: data", keytest.BadField(t, err), "what verifies needs no private key")
			}
		}
		for _, text := range c.public {
			k, err := ssokeys.ParseVerification([]byte(text))
			require.NoError(t, err, c.alg)
			ids[k.ID] = true
			if c.alg != ssokeys.HS256 {
				_, err = ssokeys.ParseSigning([]byte(text))
				require.Equal(t, "ssokeys: data", keytest.BadField(t, err))
			}
		}
		require.Len(t, ids, 1, c.alg)
	}
	named, err := ssokeys.ParseSigning([]byte(jwkOf(t, jose.JSONWebKey{Key: ec, KeyID: "2026-11"})))
	require.NoError(t, err)
	require.Equal(t, "2026-11", named.ID)
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	ec, ed := keytest.ECDSA(t, elliptic.P256()), keytest.Ed25519(t)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	good := pkcs8(ec)
	legacy := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("x")})
	ecJWK := jwkOf(t, jose.JSONWebKey{Key: ec})
	for name, c := range map[string]struct{ text, field string }{
		"empty":                 {"", "data"},
		"text":                  {"secret-text", "data"},
		"raw bytes":             {strings.Repeat("x", 32), "data"},
		"encrypted":             {pemOf("ENCRYPTED PRIVATE KEY", []byte("x"), nil), "data"},
		"encrypted, legacy":     {string(legacy), "data"},
		"a certificate":         {pemOf("CERTIFICATE", []byte("x"), nil), "data"},
		"parameters first":      {pemOf("EC PARAMETERS", []byte("x"), nil) + sec1(ec), "data"},
		"two keys":              {good + pkcs8(ed), "data"},
		"a key and a chain":     {good + pemOf("CERTIFICATE", []byte("x"), nil), "data"},
		"a tail":                {good + "x", "data"},
		"cut":                   {good[:len(good)/2], "data"},
		"another kind of block": {strings.ReplaceAll(good, "PRIVATE KEY", "RSA PRIVATE KEY"), "data"},
		"broken DER":            {pemOf("PRIVATE KEY", []byte("x"), nil), "data"},
		"longer than 64 KiB":    {good + strings.Repeat("\n", 10) + strings.Repeat("x", 64<<10), "data"},
		"P-384":                 {pkcs8(keytest.ECDSA(t, elliptic.P384())), "SigningKey.Private"},
		"P-521":                 {sec1(keytest.ECDSA(t, elliptic.P521())), "SigningKey.Private"},
		"P-224":                 {pkcs8(keytest.ECDSA(t, elliptic.P224())), "SigningKey.Private"},
		"1024 bits":             {pkcs8(small), "SigningKey.Private"},
		"X25519":                {pkcs8(x25519), "data"},
		"JWK: a list":           {"[" + ecJWK + "]", "data"},
		"JWK: a set":            {`{"keys":[` + ecJWK + `]}`, "data"},
		"JWK: cut":              {ecJWK[:len(ecJWK)-1], "data"},
		"JWK: a tail":           {ecJWK + "{}", "data"},
		"JWK: empty":            {"{}", "data"},
		"JWK: for encryption":   {jwkOf(t, jose.JSONWebKey{Key: ec, Use: "enc"}), "data"},
		"JWK: ES384":            {jwkOf(t, jose.JSONWebKey{Key: ec, Algorithm: "ES384"}), "data"},
		"JWK: RSA for PS256":    {jwkOf(t, jose.JSONWebKey{Key: keytest.RSA(), Algorithm: "PS256"}), "data"},
		"JWK: a secret as RS256": {
			jwkOf(t, jose.JSONWebKey{Key: []byte(strings.Repeat("0123456789abcdef", 2)), Algorithm: "RS256"}), "data",
		},
		"JWK: a short secret":     {jwkOf(t, jose.JSONWebKey{Key: []byte("0123456789abcdef012345678901234")}), "SigningKey.Secret"},
		"JWK: an empty secret":    {`{"kty":"oct","k":""}`, "SigningKey.Private"},
		"JWK: a path as kid":      {jwkOf(t, jose.JSONWebKey{Key: ec, KeyID: "../k"}), "SigningKey.ID"},
		"JWK: another public key": {strings.Replace(ecJWK, `"x":"`, `"x":"AAAA`, 1), "data"},
	} {
		k, err := ssokeys.ParseSigning([]byte(c.text))
		require.Error(t, err, name)
		require.Equal(t, "ssokeys: "+c.field, keytest.BadField(t, err), name)
		require.Zero(t, k.Private, name)
		require.Zero(t, k.Secret, name)
		require.NotContains(t, err.Error(), "secret-text")
	}
	for name, key := range map[string]crypto.PublicKey{
		"P-384": keytest.ECDSA(t, elliptic.P384()).Public(), "1024 bits": small.Public(), "X25519": x25519.Public(),
		"exponent 3": &rsa.PublicKey{N: keytest.RSA().N, E: 3},
	} {
		_, err := ssokeys.ParseVerification([]byte(pkix(key)))
		require.Equal(t, "ssokeys: VerificationKey.Public", keytest.BadField(t, err), name)
	}
}

// A JWK says what its key is for. One that excludes what we do with it is refused, whoever reads it.
func TestKeyOpsMustAllowWhatTheKeyIsFor(t *testing.T) {
	t.Parallel()
	ed := keytest.Ed25519(t)
	secret := keytest.Generated(t, ssokeys.HS256, "").Secret
	with := func(key any, ops string) []byte {
		return []byte(strings.Replace(jwkOf(t, jose.JSONWebKey{Key: key}), "{", `{"key_ops":`+ops+`,`, 1))
	}
	for _, c := range []struct {
		ops             string
		signs, verifies bool
	}{
		{`["sign"]`, true, false},
		{`["verify"]`, false, true},
		{`["sign","verify"]`, true, true},
		{`["verify","encrypt"]`, false, true},
		{`["encrypt"]`, false, false},
		{`["Sign","VERIFY"]`, false, false},
		{`[]`, false, false},
		{`null`, false, false},
		{`"sign"`, false, false},
		{`["sign",1]`, false, false},
	} {
		for _, key := range []any{ed, secret} {
			_, err := ssokeys.ParseSigning(with(key, c.ops))
			require.Equal(t, c.signs, err == nil, c.ops)
			if err != nil {
				require.Equal(t, "ssokeys: data", keytest.BadField(t, err))
			}
		}
		for _, key := range []any{ed.Public(), secret} {
			_, err := ssokeys.ParseVerification(with(key, c.ops))
			require.Equal(t, c.verifies, err == nil, c.ops)
		}
	}
}
