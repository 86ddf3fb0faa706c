package ssokeys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/amsbridge/amsbridge/internal/check"
)

// maxKeyFile is the longest PEM or JWK that is read, in bytes.
const maxKeyFile = 64 << 10

// ParseSigning reads one private key: PEM (PKCS #8, SEC 1 or PKCS #1, not
// encrypted) or a JWK (RFC 7517), at most 64 KiB. The ID is the JWK's kid, or
// the RFC 7638 thumbprint. A JWK's use, alg and key_ops, where they are there, must allow to sign with it as
// we do. An *amsbridge.InputError says what is wrong, and shows
// nothing of the key.
func ParseSigning(data []byte) (SigningKey, error) {
	key, id, err := parseKey(data, "sign")
	if err != nil {
		return SigningKey{}, err
	}
	k := SigningKey{ID: id}
	switch key := key.(type) {
	case []byte:
		k.Secret = key
	case crypto.Signer:
		k.Private = key
	default:
		return k, check.Bad("ssokeys", "data", "is public")
	}
	return k.named()
}

// ParseVerification reads one public key: PEM (PKIX or PKCS #1) or a JWK, at most 64 KiB; or the JWK of
// a shared secret. A private key is refused, since a verifier needs none. The ID is as in
// [ParseSigning], and a JWK must allow to verify.
func ParseVerification(data []byte) (VerificationKey, error) {
	key, id, err := parseKey(data, "verify")
	if err != nil {
		return VerificationKey{}, err
	}
	k := VerificationKey{ID: id}
	switch key := key.(type) {
	case []byte:
		k.Secret = key
	case crypto.Signer:
		return k, check.Bad("ssokeys", "data", "is private")
	default:
		k.Public = key
	}
	return k.Checked()
}

// parseKey reads a key that is for one operation, and its ID if it has one.
func parseKey(data []byte, op string) (key any, id string, err error) {
	bad := func(problem string) (any, string, error) {
		return nil, "", check.Bad("ssokeys", "data", problem)
	}
	data = bytes.TrimSpace(data)
	switch {
	case len(data) > maxKeyFile:
		return bad("is longer than 64 KiB")
	case bytes.HasPrefix(data, []byte("{")):
		return parseJWK(data, op)
	}
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return bad("is neither PEM nor a JWK")
	case len(bytes.TrimSpace(rest)) > 0:
		return bad("is more than one block of PEM")
	}
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return bad("is encrypted")
	default:
		return bad("is PEM of another thing than a key")
	}
	if err != nil || len(block.Headers) > 0 {
		return bad("is PEM that cannot be read")
	}
	return key, "", nil
}

// parseJWK reads a JWK that is for signatures, for the operation, and for the one algorithm of its kind of
// key.
func parseJWK(data []byte, op string) (key any, id string, err error) {
	var k jose.JSONWebKey
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, "", check.Bad("ssokeys", "data", "is not a JWK that can be read")
	}
	if k.Use != "" && k.Use != "sig" {
		return nil, "", check.Bad("ssokeys", "data", "is a JWK of another use than sig")
	}
	if !isFor(data, op) {
		return nil, "", check.Bad("ssokeys", "data", "is a JWK whose key_ops are not to "+op)
	}
	if k.Algorithm != "" && k.Algorithm != algorithmOf(k.Key) {
		return nil, "", check.Bad("ssokeys", "data", "is a JWK for another algorithm than its key is taken for")
	}
	return k.Key, k.KeyID, nil
}

// isFor tells whether a JWK has no key_ops (RFC 7517 section 4.3), which go-jose does not read, or the
// operation is among them.
func isFor(data []byte, op string) bool {
	var members map[string]json.RawMessage // a map matches names exactly, a struct's fields do not
	if json.Unmarshal(data, &members) != nil {
		return false
	}
	said, given := members["key_ops"]
	var ops []string
	return !given || json.Unmarshal(said, &ops) == nil && slices.Contains(ops, op)
}

// algorithmOf is the one algorithm that a key is used for.
func algorithmOf(key any) string {
	switch key.(type) {
	case *ecdsa.PrivateKey, *ecdsa.PublicKey:
		return string(ES256)
	case ed25519.PrivateKey, ed25519.PublicKey:
		return string(EdDSA)
	case *rsa.PrivateKey, *rsa.PublicKey:
		return string(RS256)
	case []byte:
		return string(HS256)
	}
	return ""
}
