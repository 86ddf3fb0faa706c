package ssokeys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"

	"github.com/go-jose/go-jose/v4"

	"github.com/amsbridge/amsbridge/internal/check"
)

// maxKeyID is the longest key ID, in bytes.
const maxKeyID = 128

// check returns a checked copy of the key, or the bad field and what is wrong with it.
func (k SigningKey) check() (own signingKey, field, problem string) {
	if k.Private != nil && k.Secret != nil {
		return own, "Secret", "is set beside the private key"
	}
	public := VerificationKey{ID: k.ID}
	field = "Private"
	switch private := k.Private.(type) {
	case nil:
		if k.Secret == nil {
			return own, field, "is missing"
		}
		public.Secret, field = k.Secret, "Secret"
	case *ecdsa.PrivateKey:
		copied, p := copyECDSA(private)
		if p != "" {
			return own, field, p
		}
		own.private, public.Public = copied, &copied.PublicKey
	case ed25519.PrivateKey:
		if len(private) != ed25519.PrivateKeySize {
			return own, field, "is not 64 bytes long"
		}
		copied := ed25519.NewKeyFromSeed(private.Seed())
		if !copied.Equal(private) {
			return own, field, "is not a valid pair of private and public key"
		}
		own.private, public.Public = copied, copied.Public()
	case *rsa.PrivateKey:
		copied, p := copyRSA(private)
		if p != "" {
			return own, field, p
		}
		own.private, public.Public = copied, &copied.PublicKey
	default:
		return own, field, "is not a key that signs ES256, EdDSA or RS256"
	}
	var at string
	own.public, at, problem = public.checkOnce()
	if at == "ID" {
		field = "ID"
	}
	if own.private == nil {
		own.private = own.public.Secret
	}
	return own, field, problem
}

// checkOnce is check, and tries an RSA modulus that was not tried before.
func (k VerificationKey) checkOnce() (own VerificationKey, field, problem string) {
	if own, field, problem = k.check(); problem != "" {
		return own, field, problem
	}
	own.tried = k.tried
	own, problem = own.factored()
	return own, field, problem
}

// check returns a checked copy of the key, or the bad field and what is wrong with it.
func (k VerificationKey) check() (own VerificationKey, field, problem string) {
	if k.Public != nil && k.Secret != nil {
		return own, "Secret", "is set beside the public key"
	}
	field = "Public"
	switch public := k.Public.(type) {
	case nil:
		if k.Secret == nil {
			return own, field, "is missing"
		}
		field, problem = "Secret", check.Secret(k.Secret)
		own.Secret = bytes.Clone(k.Secret)
	case *ecdsa.PublicKey:
		own.Public, problem = checkECDSA(public)
	case *rsa.PublicKey:
		own.Public, problem = checkRSA(public)
	case ed25519.PublicKey:
		own.Public, problem = checkEd25519(public)
	default:
		problem = "is not a key that verifies ES256, EdDSA or RS256"
	}
	if problem != "" {
		return VerificationKey{}, field, problem
	}
	own.ID = k.ID
	if own.ID == "" {
		own.ID = own.thumbprint()
	}
	if p := check.Name(own.ID, maxKeyID); p != "" {
		return VerificationKey{}, "ID", p
	}
	return own, field, ""
}

func copyECDSA(k *ecdsa.PrivateKey) (*ecdsa.PrivateKey, string) {
	if k == nil || k.D == nil { //nolint:staticcheck // Bytes panics on a key without its number
		return nil, "is missing"
	}
	if _, p := checkECDSA(&k.PublicKey); p != "" {
		return nil, p
	}
	if b, err := k.Bytes(); err == nil {
		own, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b)
		if err == nil && own.PublicKey.Equal(&k.PublicKey) {
			return own, ""
		}
	}
	return nil, "is not a valid pair of private and public key"
}

func checkECDSA(k *ecdsa.PublicKey) (any, string) {
	if k == nil || k.X == nil || k.Y == nil { //nolint:staticcheck // Bytes panics on a key without its point
		return nil, "is missing"
	}
	b, err := k.Bytes()
	if err != nil {
		return nil, "is not a point of the curve P-256"
	}
	own, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b)
	if err != nil {
		return nil, "is not a point of the curve P-256"
	}
	return own, ""
}

// thumbprint returns the RFC 7638 thumbprint with SHA-256, or "" for a key that was not checked. The
// thumbprint of a secret reveals nothing of it (section 7), since it has at least 32 random bytes.
func (k VerificationKey) thumbprint() string {
	sum := sha256.Sum256([]byte(`{"k":"` + base64.RawURLEncoding.EncodeToString(k.Secret) + `","kty":"oct"}`))
	if k.shared() {
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	public, err := (&jose.JSONWebKey{Key: k.Public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(public)
}
