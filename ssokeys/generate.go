package ssokeys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Generate returns a fresh key whose ID is its RFC 7638 thumbprint: P-256 for ES256, 3072 bits for
// RS256, 32 bytes for HS256. The caller must store it.
func Generate(alg Algorithm) (SigningKey, error) {
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
		return k, check.Bad("ssokeys", "alg", "is not ES256, EdDSA, RS256 or HS256")
	}
	if err != nil {
		return SigningKey{}, err
	}
	return k.named()
}

// named fills in the ID and checks the key.
func (k SigningKey) named() (SigningKey, error) {
	public, err := k.Verification()
	if err != nil {
		return SigningKey{}, err
	}
	k.ID = public.ID
	return k, nil
}
