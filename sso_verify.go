package amsbridge

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ErrInvalidToken is what every [*TokenError] is, for errors.Is.
var ErrInvalidToken = errors.New("amsbridge: the token is not valid")

// TokenError is a refused token. Its message is the same whatever the reason,
// so that a page can show it and a forger learns nothing.
type TokenError struct {
	// Err is the reason, for logs. It holds nothing of the token.
	Err error
}

// Error returns the message of [ErrInvalidToken].
func (e *TokenError) Error() string { return ErrInvalidToken.Error() }

// Unwrap returns the reason.
func (e *TokenError) Unwrap() error { return e.Err }

// Is reports whether target is [ErrInvalidToken].
func (e *TokenError) Is(target error) bool { return target == ErrInvalidToken }

// HandOff is what an accepted token says.
type HandOff struct {
	// UserID is the member: the same bytes as in the pushes.
	UserID UserID
	// ID is the token's own, for a replay store to keep with Issuer and Audience.
	// The token's text is no such key: who holds an ES256 token can write its
	// signature in a second way.
	ID               string
	Issuer, Audience string
	// IssuedAt and ExpiresAt are in whole seconds, in UTC. The token is accepted
	// until ExpiresAt plus the verifier's Skew.
	IssuedAt, ExpiresAt time.Time
	// ReturnTo is the page that the member asked for, or empty. The shop signed
	// it, but it was checked for length and control characters only: redirect to
	// it only after checking its origin against an allow-list.
	ReturnTo string
}

// VerifierConfig configures [NewVerifier].
type VerifierConfig struct {
	// Issuer is the one issuer that is accepted. Required.
	Issuer string
	// Audience is this receiver. Required.
	Audience string
	// Keys are the issuer's keys, each with an ID of its own. At least one. While
	// keys change, list the old and the new.
	Keys []VerificationKey
	// Skew is how far the issuer's clock may be off, either way; at most a
	// minute. Defaults to 30 seconds.
	Skew time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Verifier accepts the hand-offs of one issuer to one audience, and nothing
// else. It is safe for concurrent use.
type Verifier struct {
	issuer, audience string
	keys             map[string]verificationKey
	skew             time.Duration
	now              func() time.Time
	parser           *jwt.Parser
}

// NewVerifier checks the configuration and copies it. It returns an
// [*InputError] that names the first bad field.
func NewVerifier(cfg VerifierConfig) (*Verifier, error) {
	v := &Verifier{
		issuer: cfg.Issuer, audience: cfg.Audience, keys: make(map[string]verificationKey, len(cfg.Keys)),
		skew: cfg.Skew, now: cfg.Now,
	}
	if v.now == nil {
		v.now = time.Now
	}
	if v.skew == 0 {
		v.skew = 30 * time.Second
	}
	switch {
	case textProblem(cfg.Issuer, 255) != "":
		return nil, &InputError{Field: "issuer", Problem: textProblem(cfg.Issuer, 255)}
	case textProblem(cfg.Audience, 255) != "":
		return nil, &InputError{Field: "audience", Problem: textProblem(cfg.Audience, 255)}
	case v.skew < 0, v.skew > time.Minute:
		return nil, &InputError{Field: "skew", Problem: "is not between 0 and 60 seconds"}
	case len(cfg.Keys) == 0:
		return nil, &InputError{Field: "keys", Problem: "are empty"}
	}
	for i, k := range cfg.Keys {
		key, field, problem := k.check()
		if _, ok := v.keys[k.ID]; ok {
			field, problem = "id", "is listed twice"
		}
		if problem != "" {
			return nil, &InputError{Field: fmt.Sprintf("keys[%d].%s", i, field), Problem: problem}
		}
		v.keys[k.ID] = key
	}
	v.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg(), jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithStrictDecoding(), jwt.WithJSONNumber(),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithIssuer(v.issuer), jwt.WithAudience(v.audience),
		jwt.WithLeeway(v.skew), jwt.WithTimeFunc(v.now),
	)
	return v, nil
}

// Verify accepts a token only if it says exactly what [SSO.HandOff] would have
// written, signed by the listed key that its kid names and by that key's own
// algorithm, for this issuer and audience, at a time from iat minus Skew until
// just before exp plus Skew. Any other is refused with a [*TokenError].
//
// What is not promised: that the token was not used before. Verify keeps no
// record and accepts the same token until it expires; who lets people in by it
// must store (Issuer, Audience, ID) at least until ExpiresAt plus Skew, and
// refuse the second.
func (v *Verifier) Verify(token string) (HandOff, error) {
	h, err := v.verify(token)
	if err != nil {
		return HandOff{}, &TokenError{Err: err}
	}
	return h, nil
}

// verify applies our policy first, so that the library, which is more lenient,
// sees no token that we would not have written.
func (v *Verifier) verify(token string) (HandOff, error) {
	if len(token) > MaxToken {
		return HandOff{}, errors.New("token is longer than 8 KiB")
	}
	if strings.Count(token, ".") != 2 {
		return HandOff{}, errors.New("token has not two dots")
	}
	header, claims, err := segments(token)
	if err != nil {
		return HandOff{}, err
	}
	key, err := v.key(header)
	if err != nil {
		return HandOff{}, err
	}
	h, err := handOffOf(claims)
	if err != nil {
		return HandOff{}, err
	}
	if err := v.checkNow(h); err != nil {
		return HandOff{}, err
	}
	if _, err := v.parser.Parse(token, func(t *jwt.Token) (any, error) {
		// By identity: the library looks the name up in a registry that any
		// package of the program can write.
		if t.Method != key.method {
			return nil, errors.New("signing method is not that of the key")
		}
		return key.public, nil
	}); err != nil {
		return HandOff{}, err
	}
	return h, nil
}

// key finds the key that the header names. The algorithm is the key's: the
// header may only agree.
func (v *Verifier) key(segment []byte) (verificationKey, error) {
	header, err := flatObject(segment, "alg", "kid", "typ")
	if err != nil {
		return verificationKey{}, fmt.Errorf("header: %w", err)
	}
	if header["typ"] != handOffType {
		return verificationKey{}, errors.New("header: typ is not that of a hand-off")
	}
	id, _ := header["kid"].(string)
	key, ok := v.keys[id]
	if !ok {
		return verificationKey{}, errors.New("header: kid is not that of a listed key")
	}
	if header["alg"] != key.method.Alg() {
		return verificationKey{}, errors.New("header: alg is not that of the key")
	}
	return key, nil
}

// checkNow checks what depends on this verifier and its clock. The library does
// so again, with a precision that any package of the program can set.
func (v *Verifier) checkNow(h HandOff) error {
	now := v.now()
	switch {
	case h.Issuer != v.issuer:
		return errors.New("claims: iss is another issuer")
	case h.Audience != v.audience:
		return errors.New("claims: aud is another audience")
	case now.Before(h.IssuedAt.Add(-v.skew)):
		return errors.New("claims: iat is in the future")
	case !now.Before(h.ExpiresAt.Add(v.skew)):
		return errors.New("claims: exp has passed")
	}
	return nil
}
