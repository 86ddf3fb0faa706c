package ssokeys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"strings"

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
	own.public, at, problem = public.check()
	if at == "ID" {
		field = "ID"
	}
	if own.private == nil {
		own.private = own.public.Secret
	}
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

func checkEd25519(k ed25519.PublicKey) (any, string) {
	if len(k) != ed25519.PublicKeySize {
		return nil, "is not 32 bytes long"
	}
	if smallOrder(k) {
		return nil, "is a point of small order, as a key of zeros is: anyone can sign for it"
	}
	return ed25519.PublicKey(bytes.Clone(k)), ""
}

// smallOrder tells whether a key is one of the encodings of the eight points whose order divides eight.
// The sign, the last bit, is left out of the comparison.
func smallOrder(k ed25519.PublicKey) bool {
	y := hex.EncodeToString(append(bytes.Clone(k[:31]), k[31]&0x7f))
	const middle = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" // 30 bytes
	switch y {
	case strings.Repeat("00", 32), // order 4
		"01" + strings.Repeat("00", 31),                                    // order 1
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
		"ec" + middle + "7f", // order 2
		"ed" + middle + "7f", // zero, not reduced
		"ee" + middle + "7f": // one, not reduced
		return true
	}
	return false
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

func copyRSA(k *rsa.PrivateKey) (*rsa.PrivateKey, string) {
	if k == nil || k.N == nil || k.D == nil {
		return nil, "is missing"
	}
	if _, p := checkRSA(&k.PublicKey); p != "" {
		return nil, p
	}
	if k.Validate() == nil {
		own, err := x509.ParsePKCS1PrivateKey(x509.MarshalPKCS1PrivateKey(k))
		if err == nil && own.PublicKey.Equal(&k.PublicKey) {
			return own, ""
		}
	}
	return nil, "is not a valid pair of private and public key"
}

func checkRSA(k *rsa.PublicKey) (any, string) {
	switch {
	case k == nil || k.N == nil:
		return nil, "is missing"
	case k.N.Sign() <= 0 || k.N.BitLen() < MinRSABits:
		return nil, "is shorter than 2048 bits"
	case k.N.BitLen() > maxRSABits:
		return nil, "is longer than 8192 bits"
	case k.E != 65537:
		return nil, "has another exponent than 65537"
	}
	own, err := x509.ParsePKCS1PublicKey(x509.MarshalPKCS1PublicKey(k))
	if err != nil {
		return nil, "is not an RSA key"
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
