package ssokeys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"

	"github.com/golang-jwt/jwt/v5"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Algorithm is a way to sign, by its name in RFC 7518 and RFC 8037.
type Algorithm string

// The algorithms. HS256 is only for audiences that share a secret.
const (
	ES256 Algorithm = "ES256"
	EdDSA Algorithm = "EdDSA"
	RS256 Algorithm = "RS256"
	HS256 Algorithm = "HS256"
)

// Sizes of keys. RFC 7518 sections 3.2 and 3.3 require at least these.
const (
	// MinSecret is the shortest secret for HS256, in bytes.
	MinSecret = check.MinSecret
	// MinRSABits is the smallest RSA modulus; maxRSABits bounds what a hostile
	// key set makes a verifier compute.
	MinRSABits = 2048
	maxRSABits = 8192
)

// SigningKey signs tokens. However it is printed or encoded, it shows only its ID.
type SigningKey struct {
	// ID is the kid header, by which the receiver finds the key. It must never be used for another key.
	// 1 to 128 of [A-Za-z0-9._-]. Defaults to the key's RFC 7638 thumbprint.
	ID string
	// Private is an *ecdsa.PrivateKey on P-256, which signs ES256, an ed25519.PrivateKey, which signs
	// EdDSA, or an *rsa.PrivateKey of at least 2048 bits, which signs RS256 (RFC 7518 section 3, RFC
	// 8037 section 3.1). Other signers are refused.
	Private crypto.Signer
	// Secret signs HS256, in place of Private: at least 32 random bytes. Whoever can verify with it can
	// sign with it, so it is only for audiences that are marked as sharing a secret.
	Secret []byte
}

// Format writes only the ID, whatever the verb.
func (k SigningKey) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "SigningKey(%q)", k.ID) }

// MarshalText encodes only the ID, for loggers that encode their arguments.
func (k SigningKey) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "SigningKey(%q)", k.ID), nil
}

// Verification returns the key that verifies this key's tokens, with its ID filled in, or an
// *amsbridge.InputError that names the bad field of the key.
func (k SigningKey) Verification() (VerificationKey, error) {
	own, field, problem := k.check()
	if problem != "" {
		return VerificationKey{}, check.Bad("ssokeys", "SigningKey."+field, problem)
	}
	return own.public, nil
}

// VerificationKey verifies the tokens of a [SigningKey]. However it is printed or encoded, it shows
// only its ID, since it may be a shared secret.
type VerificationKey struct {
	// ID is the kid header of the tokens it verifies. 1 to 128 of
	// [A-Za-z0-9._-]. Defaults to the key's RFC 7638 thumbprint.
	ID string
	// Public is an *ecdsa.PublicKey on P-256, for ES256, an ed25519.PublicKey, for EdDSA, or an
	// *rsa.PublicKey of at least 2048 bits, for RS256. It verifies no other algorithm.
	Public crypto.PublicKey
	// Secret is the Secret of a [SigningKey] for HS256, in place of Public.
	Secret []byte

	tried [sha256.Size]byte // the hash of the RSA modulus that was tried; see factored
}

// Format writes only the ID, whatever the verb.
func (k VerificationKey) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "VerificationKey(%q)", k.ID)
}

// MarshalText encodes only the ID.
func (k VerificationKey) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "VerificationKey(%q)", k.ID), nil
}

// Checked returns a deep copy of the key with its ID filled in, or an *amsbridge.InputError that names
// the bad field. Later changes of this key do not reach the copy. An RSA key is refused also where anybody could
// factor it; that takes milliseconds, and is not tried again with the copy.
func (k VerificationKey) Checked() (VerificationKey, error) {
	own, field, problem := k.checkOnce()
	if problem != "" {
		return VerificationKey{}, check.Bad("ssokeys", "VerificationKey."+field, problem)
	}
	return own, nil
}

// Algorithm returns the key's algorithm, or "" for a key that has none.
func (k VerificationKey) Algorithm() Algorithm {
	if m := k.method(); m != nil {
		return Algorithm(m.Alg())
	}
	return ""
}

// Verify checks the signature over a token's first two segments, by the key's own algorithm only. A key
// that Checked refuses verifies nothing.
func (k VerificationKey) Verify(signed string, signature []byte) error {
	own, err := k.Checked()
	if err != nil {
		return fmt.Errorf("%w: %w", jwt.ErrTokenUnverifiable, err)
	}
	if err := own.method().Verify(signed, signature, own.material()); err != nil {
		return fmt.Errorf("%w: %w", jwt.ErrTokenSignatureInvalid, err)
	}
	return nil
}

// method returns the one signing method of the key's kind.
func (k VerificationKey) method() jwt.SigningMethod {
	switch k.Public.(type) {
	case *ecdsa.PublicKey:
		return jwt.SigningMethodES256
	case ed25519.PublicKey:
		return jwt.SigningMethodEdDSA
	case *rsa.PublicKey:
		return jwt.SigningMethodRS256
	case nil:
		if k.Secret != nil {
			return jwt.SigningMethodHS256
		}
	}
	return nil
}

// material is the public key, or the secret.
func (k VerificationKey) material() any {
	if k.shared() {
		return k.Secret
	}
	return k.Public
}

func (k VerificationKey) shared() bool { return k.Secret != nil }

// Equal tells whether two keys are the same, whatever their IDs: they verify the same signatures. A secret
// with zeros at its end is the same key as without them (RFC 2104 section 2). A key that Checked refuses
// equals no key.
func (k VerificationKey) Equal(o VerificationKey) bool {
	own, _, problem := k.check()
	other, _, otherProblem := o.check()
	if problem != "" || otherProblem != "" {
		return false
	}
	return own.fingerprint() == other.fingerprint()
}

// fingerprint names the key itself, whatever its ID: two keys that verify the same signatures have one. It is
// a hash, which reveals nothing of a secret, since that has at least 32 random bytes. The key was checked.
func (k VerificationKey) fingerprint() string {
	if !k.shared() {
		return k.thumbprint()
	}
	// HMAC pads a shorter key with zeros to the block of its hash, and hashes a longer one first (RFC 2104
	// section 2): texts that differ only so are one key.
	var block [sha256.BlockSize]byte
	if len(k.Secret) > len(block) {
		sum := sha256.Sum256(k.Secret)
		copy(block[:], sum[:])
	} else {
		copy(block[:], k.Secret)
	}
	sum := sha256.Sum256(append([]byte("HMAC-SHA256 key\n"), block[:]...))
	return string(sum[:])
}

// signingKey is a checked copy of a [SigningKey].
type signingKey struct {
	public  VerificationKey
	private any // a []byte for HS256
}

// sign writes a token of the given typ.
func (k signingKey) sign(typ string, claims map[string]any) (string, error) {
	t := jwt.NewWithClaims(k.public.method(), jwt.MapClaims(claims))
	t.Header["typ"], t.Header["kid"] = typ, k.public.ID
	return t.SignedString(k.private)
}
