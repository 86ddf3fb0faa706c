package amsbridge

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// SigningKey signs hand-offs. However it is printed or encoded, it shows its ID
// alone.
type SigningKey struct {
	// ID is the kid header, by which the receiver finds the public key. It is
	// never used again for another key. 1 to 128 of [A-Za-z0-9._-].
	ID string
	// Private is an *ecdsa.PrivateKey on P-256, which signs ES256, or an
	// ed25519.PrivateKey, which signs EdDSA (RFC 7518 section 3.4, RFC 8037
	// section 3.1). Other signers are refused.
	Private crypto.Signer
}

// Format writes the ID and nothing of the key, whatever the verb.
func (k SigningKey) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "SigningKey(%q)", k.ID) }

// MarshalText encodes the ID and nothing of the key, for loggers that encode
// what they are given.
func (k SigningKey) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "SigningKey(%q)", k.ID), nil
}

// VerificationKey is the public half of a [SigningKey].
type VerificationKey struct {
	// ID is the kid header of the tokens it verifies. 1 to 128 of
	// [A-Za-z0-9._-].
	ID string
	// Public is an *ecdsa.PublicKey on P-256, for ES256 and nothing else, or an
	// ed25519.PublicKey, for EdDSA and nothing else.
	Public crypto.PublicKey
}

// signingKey and verificationKey are checked copies: a caller that changes its
// own key afterwards changes nothing here. The method is pinned to the key.
type signingKey struct {
	method  jwt.SigningMethod
	private interface {
		crypto.Signer
		Equal(crypto.PrivateKey) bool
	}
}

type verificationKey struct {
	method jwt.SigningMethod
	public crypto.PublicKey
}

func (k signingKey) equal(o signingKey) bool { return k.private.Equal(o.private) }

func (k signingKey) signer(id string) func(jwt.MapClaims) (string, error) {
	return func(claims jwt.MapClaims) (string, error) {
		t := jwt.NewWithClaims(k.method, claims)
		t.Header["typ"], t.Header["kid"] = handOffType, id
		return t.SignedString(k.private)
	}
}

// check returns the key, or the field that is bad and why.
func (k SigningKey) check() (_ signingKey, field, problem string) {
	if p := keyIDProblem(k.ID); p != "" {
		return signingKey{}, "key.id", p
	}
	field = "key.private"
	switch private := k.Private.(type) {
	case nil:
		return signingKey{}, field, "is missing"
	case *ecdsa.PrivateKey:
		if private == nil || private.D == nil { //nolint:staticcheck // Bytes panics on a key without its number
			return signingKey{}, field, "is missing"
		}
		if _, p := checkECDSA(&private.PublicKey); p != "" {
			return signingKey{}, field, p
		}
		if b, err := private.Bytes(); err == nil {
			own, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b)
			if err == nil && own.PublicKey.Equal(&private.PublicKey) {
				return signingKey{jwt.SigningMethodES256, own}, field, ""
			}
		}
		return signingKey{}, field, "is not a valid pair of private and public key"
	case ed25519.PrivateKey:
		if len(private) != ed25519.PrivateKeySize {
			return signingKey{}, field, "is not 64 bytes long"
		}
		own := ed25519.NewKeyFromSeed(private.Seed())
		if !own.Equal(private) {
			return signingKey{}, field, "is not a valid pair of private and public key"
		}
		return signingKey{jwt.SigningMethodEdDSA, own}, field, ""
	}
	return signingKey{}, field, "is neither an *ecdsa.PrivateKey nor an ed25519.PrivateKey"
}

// check returns the key, or the field that is bad and why.
func (k VerificationKey) check() (_ verificationKey, field, problem string) {
	if p := keyIDProblem(k.ID); p != "" {
		return verificationKey{}, "id", p
	}
	switch public := k.Public.(type) {
	case nil:
		return verificationKey{}, "public", "is missing"
	case *ecdsa.PublicKey:
		own, p := checkECDSA(public)
		return verificationKey{jwt.SigningMethodES256, own}, "public", p
	case ed25519.PublicKey:
		if len(public) != ed25519.PublicKeySize {
			return verificationKey{}, "public", "is not 32 bytes long"
		}
		own := ed25519.PublicKey(append([]byte(nil), public...))
		if own.Equal(make(ed25519.PublicKey, ed25519.PublicKeySize)) {
			// A point of small order, under which anyone can forge, and what a
			// key that was never filled in looks like.
			return verificationKey{}, "public", "is all zero"
		}
		return verificationKey{jwt.SigningMethodEdDSA, own}, "public", ""
	}
	return verificationKey{}, "public", "is neither an *ecdsa.PublicKey nor an ed25519.PublicKey"
}

func checkECDSA(k *ecdsa.PublicKey) (own *ecdsa.PublicKey, problem string) {
	if k == nil || k.X == nil || k.Y == nil { //nolint:staticcheck // Bytes panics on a key without its point
		return nil, "is missing"
	}
	b, err := k.Bytes()
	if err == nil {
		own, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b)
	}
	if err != nil {
		return nil, "is not a point of the curve P-256"
	}
	return own, ""
}

func keyIDProblem(id string) string {
	if p := textProblem(id, 128); p != "" {
		return p
	}
	if strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return "has other characters than [A-Za-z0-9._-]"
	}
	return ""
}
