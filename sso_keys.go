package amsbridge

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/subtle"
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// Sizes of keys. RFC 7518 sections 3.2 and 3.3 ask for as much.
const (
	// MinSecret is the shortest secret for HS256, in bytes.
	MinSecret = 32
	// MinRSABits is the smallest RSA modulus; maxRSABits bounds what a hostile
	// key set makes a verifier compute.
	MinRSABits = 2048
	maxRSABits = 8192
)

// SigningKey signs tokens. However it is printed or encoded, it shows its ID
// alone.
type SigningKey struct {
	// ID is the kid header, by which the receiver finds the key. It is never
	// used again for another key. 1 to 128 of [A-Za-z0-9._-]. Defaults to the
	// key's RFC 7638 thumbprint.
	ID string
	// Private is an *ecdsa.PrivateKey on P-256, which signs ES256, an
	// ed25519.PrivateKey, which signs EdDSA, or an *rsa.PrivateKey of 2048 bits
	// and up, which signs RS256 (RFC 7518 section 3, RFC 8037 section 3.1). Other
	// signers are refused.
	Private crypto.Signer
	// Secret signs HS256, in place of Private: at least 32 random bytes. Whoever
	// can verify with it can sign with it, so it serves only audiences that are
	// marked as sharing a secret.
	Secret []byte
}

// Format writes the ID and nothing of the key, whatever the verb.
func (k SigningKey) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "SigningKey(%q)", k.ID) }

// MarshalText encodes the ID and nothing of the key, for loggers that encode
// what they are given.
func (k SigningKey) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "SigningKey(%q)", k.ID), nil
}

// VerificationKey is what verifies the tokens of a [SigningKey]. However it is
// printed or encoded, it shows its ID alone, since it may be a shared secret.
type VerificationKey struct {
	// ID is the kid header of the tokens it verifies. 1 to 128 of
	// [A-Za-z0-9._-]. Defaults to the key's RFC 7638 thumbprint.
	ID string
	// Public is an *ecdsa.PublicKey on P-256, for ES256 and nothing else, an
	// ed25519.PublicKey, for EdDSA, or an *rsa.PublicKey of 2048 bits and up, for
	// RS256.
	Public crypto.PublicKey
	// Secret is that of a [SigningKey] for HS256, in place of Public.
	Secret []byte
}

// Format writes the ID and nothing of the key, whatever the verb.
func (k VerificationKey) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "VerificationKey(%q)", k.ID)
}

// MarshalText encodes the ID and nothing of the key.
func (k VerificationKey) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "VerificationKey(%q)", k.ID), nil
}

// signingKey and verificationKey are checked copies: a caller that changes its
// own key afterwards changes nothing here. The method is pinned to the key.
type signingKey struct {
	id      string
	method  jwt.SigningMethod
	private any
	public  verificationKey
}

type verificationKey struct {
	id     string
	method jwt.SigningMethod
	public any // a []byte for HS256
}

func (k verificationKey) shared() bool { return k.method == jwt.SigningMethodHS256 }

func (k verificationKey) equal(o verificationKey) bool {
	if a, ok := k.public.([]byte); ok {
		b, ok := o.public.([]byte)
		return ok && subtle.ConstantTimeCompare(a, b) == 1
	}
	own, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(o.public)
}

// sign writes a token of the given typ.
func (k signingKey) sign(typ string, claims jwt.MapClaims) (string, error) {
	t := jwt.NewWithClaims(k.method, claims)
	t.Header["typ"], t.Header["kid"] = typ, k.id
	return t.SignedString(k.private)
}

// check returns the key, or the field that is bad and why.
func (k SigningKey) check() (own signingKey, field, problem string) {
	if k.Private != nil && k.Secret != nil {
		return own, "key.secret", "is set beside the private key"
	}
	public := VerificationKey{ID: k.ID}
	field = "key.private"
	switch private := k.Private.(type) {
	case nil:
		if k.Secret == nil {
			return own, field, "is missing"
		}
		public.Secret, field = k.Secret, "key.secret"
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
	if at == "id" {
		field = "key.id"
	}
	if own.private == nil {
		own.private = own.public.public
	}
	own.id, own.method = own.public.id, own.public.method
	return own, field, problem
}

// check returns the key, or the field that is bad and why.
func (k VerificationKey) check() (own verificationKey, field, problem string) {
	if k.Public != nil && k.Secret != nil {
		return own, "secret", "is set beside the public key"
	}
	field = "public"
	switch public := k.Public.(type) {
	case nil:
		if k.Secret == nil {
			return own, field, "is missing"
		}
		field = "secret"
		if problem = secretProblem(k.Secret); problem == "" {
			own.method, own.public = jwt.SigningMethodHS256, bytes.Clone(k.Secret)
		}
	case *ecdsa.PublicKey:
		own.method = jwt.SigningMethodES256
		own.public, problem = checkECDSA(public)
	case *rsa.PublicKey:
		own.method = jwt.SigningMethodRS256
		own.public, problem = checkRSA(public)
	case ed25519.PublicKey:
		own.method = jwt.SigningMethodEdDSA
		own.public, problem = checkEd25519(public)
	default:
		problem = "is not a key that verifies ES256, EdDSA or RS256"
	}
	if problem != "" {
		return verificationKey{}, field, problem
	}
	own.id = k.ID
	if own.id == "" {
		own.id = thumbprint(own.public)
	}
	if p := keyIDProblem(own.id); p != "" {
		return verificationKey{}, "id", p
	}
	return own, field, ""
}

// secretProblem refuses what no generator of random bytes returns. That others
// are random, nobody can see.
func secretProblem(secret []byte) string {
	if len(secret) < MinSecret {
		return "is shorter than 32 bytes"
	}
	if distinct := map[byte]bool{}; len(secret) > 0 {
		for _, b := range secret {
			distinct[b] = true
		}
		if len(distinct) < 8 {
			return "is not random"
		}
	}
	return ""
}

func checkEd25519(k ed25519.PublicKey) (any, string) {
	if len(k) != ed25519.PublicKeySize {
		return nil, "is not 32 bytes long"
	}
	own := ed25519.PublicKey(bytes.Clone(k))
	if own.Equal(make(ed25519.PublicKey, ed25519.PublicKeySize)) {
		// A point of small order, under which anyone can forge, and what a key
		// that was never filled in looks like.
		return nil, "is all zero"
	}
	return own, ""
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

func keyIDProblem(id string) string {
	if p := textProblem(id, 128); p != "" {
		return p
	}
	if strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return "has other characters than [A-Za-z0-9._-]"
	}
	return ""
}
