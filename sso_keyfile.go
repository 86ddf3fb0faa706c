package amsbridge

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/go-jose/go-jose/v4"
)

// Algorithm is a way to sign, by its name in RFC 7518 and RFC 8037.
type Algorithm string

// The algorithms. HS256 serves only audiences that share a secret.
const (
	ES256 Algorithm = "ES256"
	EdDSA Algorithm = "EdDSA"
	RS256 Algorithm = "RS256"
	HS256 Algorithm = "HS256"
)

// maxKeyFile is the longest PEM or JWK that is read, in bytes.
const maxKeyFile = 64 << 10

// GenerateKey returns a fresh key, its ID its RFC 7638 thumbprint: P-256 for
// ES256, 3072 bits for RS256, 32 bytes for HS256. The caller keeps it.
func GenerateKey(alg Algorithm) (SigningKey, error) {
	var k SigningKey
	var err error
	switch alg {
	case ES256:
		k.Private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, k.Private, err = ed25519.GenerateKey(rand.Reader)
	case RS256:
		k.Private, err = rsa.GenerateKey(rand.Reader, 3072)
	case HS256:
		k.Secret = make([]byte, MinSecret)
		_, err = rand.Read(k.Secret)
	default:
		return k, check.Bad("amsbridge", "algorithm", "is not ES256, EdDSA, RS256 or HS256")
	}
	if err != nil {
		return SigningKey{}, err
	}
	return k.named()
}

// ParseSigningKey reads one private key: PEM (PKCS #8, SEC 1 or PKCS #1, not
// encrypted) or a JWK (RFC 7517), at most 64 KiB. The ID is the JWK's kid, or
// the RFC 7638 thumbprint. An [*InputError] says what is wrong, and shows
// nothing of the key.
func ParseSigningKey(data []byte) (SigningKey, error) {
	key, id, err := parseKey(data)
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
		return k, check.Bad("amsbridge", "key", "is public")
	}
	return k.named()
}

// ParseVerificationKey reads one public key: PEM (PKIX or PKCS #1) or a JWK, at
// most 64 KiB; or the JWK of a shared secret. A private key is refused: what
// only verifies has no need of it. The ID is as in [ParseSigningKey].
func ParseVerificationKey(data []byte) (VerificationKey, error) {
	key, id, err := parseKey(data)
	if err != nil {
		return VerificationKey{}, err
	}
	k := VerificationKey{ID: id}
	switch key := key.(type) {
	case []byte:
		k.Secret = key
	case crypto.Signer:
		return k, check.Bad("amsbridge", "key", "is private")
	default:
		k.Public = key
	}
	own, field, problem := k.check()
	if problem != "" {
		return VerificationKey{}, check.Bad("amsbridge", "key."+field, problem)
	}
	k.ID = own.id
	return k, nil
}

// Verification returns what verifies this key's tokens, or an [*InputError].
func (k SigningKey) Verification() (VerificationKey, error) {
	own, field, problem := k.check()
	if problem != "" {
		return VerificationKey{}, check.Bad("amsbridge", field, problem)
	}
	return own.public.exported(), nil
}

func (k verificationKey) exported() VerificationKey {
	if secret, ok := k.public.([]byte); ok {
		return VerificationKey{ID: k.id, Secret: bytes.Clone(secret)}
	}
	return VerificationKey{ID: k.id, Public: k.public}
}

// named fills the ID and checks the key.
func (k SigningKey) named() (SigningKey, error) {
	own, field, problem := k.check()
	if problem != "" {
		return SigningKey{}, check.Bad("amsbridge", field, problem)
	}
	k.ID = own.id
	return k, nil
}

func parseKey(data []byte) (key any, id string, err error) {
	bad := func(problem string) (any, string, error) {
		return nil, "", check.Bad("amsbridge", "key", problem)
	}
	data = bytes.TrimSpace(data)
	switch {
	case len(data) > maxKeyFile:
		return bad("is longer than 64 KiB")
	case bytes.HasPrefix(data, []byte("{")):
		return parseJWK(data)
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

// parseJWK reads a JWK that is meant for signatures and for the algorithm that
// its key is pinned to.
func parseJWK(data []byte) (key any, id string, err error) {
	var k jose.JSONWebKey
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, "", check.Bad("amsbridge", "key", "is not a JWK that can be read")
	}
	if k.Use != "" && k.Use != "sig" {
		return nil, "", check.Bad("amsbridge", "key", "is a JWK of another use than sig")
	}
	if k.Algorithm != "" && k.Algorithm != algorithmOf(k.Key) {
		return nil, "", check.Bad("amsbridge", "key", "is a JWK for another algorithm than its key is taken for")
	}
	return k.Key, k.KeyID, nil
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

// thumbprint is RFC 7638's, with SHA-256. It is empty for a key that was not
// checked. That of a secret tells nothing of it (section 7), being of at least
// 32 random bytes.
func thumbprint(public any) string {
	if secret, ok := public.([]byte); ok {
		sum := sha256.Sum256([]byte(`{"k":"` + base64.RawURLEncoding.EncodeToString(secret) + `","kty":"oct"}`))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}
