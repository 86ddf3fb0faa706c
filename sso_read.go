package amsbridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"

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

// failedError says what of the caller's own failed. Its text holds nothing of
// the cause, of which nobody knows what it says.
type failedError struct {
	what string
	err  error
}

func (e *failedError) Error() string { return e.what + " failed" }
func (e *failedError) Unwrap() error { return e.err }

// tokenReader accepts the tokens of one kind, from one issuer to one audience,
// that our signer would have written, and nothing else.
type tokenReader struct {
	typ              string
	issuer, audience string
	maxLifetime      time.Duration
	names            []string
	source           KeySource
	skew             time.Duration
	now              func() time.Time
}

// token is what an accepted one says. Claims that its kind has beside the common
// ones lie in extra.
type token struct {
	user                UserID
	id                  string
	issuedAt, expiresAt time.Time
	extra               map[string]any
}

// staticKeys are the keys that a verifier was configured with, in a function
// only, where no formatting finds a secret.
type staticKeys func(id string) (verificationKey, bool)

// acceptedSource is a source of checked keys.
type acceptedSource interface {
	accepted(ctx context.Context, id string) (verificationKey, error)
}

func (s staticKeys) VerificationKey(ctx context.Context, id string) (VerificationKey, error) {
	k, err := s.accepted(ctx, id)
	if err != nil {
		return VerificationKey{}, err
	}
	return k.exported(), nil
}

func (s staticKeys) accepted(_ context.Context, id string) (verificationKey, error) {
	k, ok := s(id)
	if !ok {
		return k, ErrUnknownKey
	}
	return k, nil
}

// newTokenReader fills in what verifiers of both kinds are configured with. It
// returns an [*InputError] that names the first bad field.
func newTokenReader(r tokenReader, keys []VerificationKey) (*tokenReader, error) {
	if r.now == nil {
		r.now = time.Now
	}
	if r.skew == 0 {
		r.skew = 30 * time.Second
	}
	switch {
	case textProblem(r.issuer, 255) != "":
		return nil, check.Bad("amsbridge", "issuer", textProblem(r.issuer, 255))
	case textProblem(r.audience, 255) != "":
		return nil, check.Bad("amsbridge", "audience", textProblem(r.audience, 255))
	case r.skew < 0, r.skew > maxSkew:
		return nil, check.Bad("amsbridge", "skew", "is not between 0 and 60 seconds")
	case r.source != nil && len(keys) > 0:
		return nil, check.Bad("amsbridge", "key source", "is set beside keys")
	case r.source == nil && len(keys) == 0:
		return nil, check.Bad("amsbridge", "keys", "are empty")
	}
	if r.source == nil {
		own := make(map[string]verificationKey, len(keys))
		for i, k := range keys {
			key, field, problem := k.check()
			if _, ok := own[key.id]; ok && problem == "" {
				field, problem = "id", "is listed twice"
			}
			if problem != "" {
				return nil, check.Bad("amsbridge", fmt.Sprintf("keys[%d].%s", i, field), problem)
			}
			own[key.id] = key
		}
		r.source = staticKeys(func(id string) (verificationKey, bool) {
			k, ok := own[id]
			return k, ok
		})
	}
	return &r, nil
}

// read parses by our policy alone, and leaves the signature to the library's
// method that is pinned to the key. The library's own parser, which is more
// lenient and looks methods up in a registry that any package of the program can
// write, is not asked.
func (r *tokenReader) read(ctx context.Context, text string) (token, error) {
	if len(text) > MaxToken {
		return token{}, errors.New("token is longer than 8 KiB")
	}
	if strings.Count(text, ".") != 2 {
		return token{}, errors.New("token has not two dots")
	}
	header, claims, signature, err := signedSegments(text)
	if err != nil {
		return token{}, err
	}
	key, err := r.key(ctx, header)
	if err != nil {
		return token{}, err
	}
	t, err := r.token(claims)
	if err != nil {
		return token{}, err
	}
	if err := r.checkNow(t); err != nil {
		return token{}, err
	}
	if err := key.method.Verify(text[:strings.LastIndexByte(text, '.')], signature, key.public); err != nil {
		return token{}, fmt.Errorf("%w: %w", jwt.ErrTokenSignatureInvalid, err)
	}
	return t, nil
}

// told keeps the audit of a token, and makes the error of its refusal.
func (r *tokenReader) told(ctx context.Context, audit SSOAudit, t token, err error) error {
	e := SSOEvent{Time: r.now(), Action: SSOVerified, Kind: kindOf(r.typ), Audience: r.audience, UserID: t.user, TokenID: t.id}
	if err != nil {
		err = &TokenError{Err: err}
		e.Action, e.Reason = SSORefused, reasonOf(err)
	}
	audit(ctx, e)
	return err
}

// key finds the key that the header names. The algorithm is the key's: the
// header may only agree.
func (r *tokenReader) key(ctx context.Context, segment []byte) (verificationKey, error) {
	header, err := flatObject(segment, "alg", "kid", "typ")
	if err != nil {
		return verificationKey{}, fmt.Errorf("header: %w", err)
	}
	if header["typ"] != r.typ {
		return verificationKey{}, errors.New("header: typ is not that of this kind of token")
	}
	id, _ := header["kid"].(string)
	if keyIDProblem(id) != "" { // no source is asked for what no key is called
		return verificationKey{}, errors.New("header: kid is not that of a key")
	}
	key, err := r.find(ctx, id)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return verificationKey{}, errors.New("header: kid is not that of an accepted key")
	case err != nil:
		return verificationKey{}, &failedError{"the key source", err}
	}
	if header["alg"] != key.method.Alg() {
		return verificationKey{}, errors.New("header: alg is not that of the key")
	}
	return key, nil
}

func (r *tokenReader) find(ctx context.Context, id string) (verificationKey, error) {
	if s, ok := r.source.(acceptedSource); ok {
		return s.accepted(ctx, id)
	}
	k, err := r.source.VerificationKey(ctx, id)
	if err != nil {
		return verificationKey{}, err
	}
	own, field, problem := k.check()
	if problem != "" || own.id != id {
		return own, fmt.Errorf("the source's key is not fit: %s %s", field, problem)
	}
	return own, nil
}

// token reads the claims, all but what depends on the clock.
func (r *tokenReader) token(segment []byte) (token, error) {
	claims, err := flatObject(segment, r.names...)
	if err != nil {
		return token{}, fmt.Errorf("claims: %w", err)
	}
	c := claimReader{claims: claims}
	t := token{
		user: UserID(c.text(claimSubject)), id: c.text(claimID),
		issuedAt: c.at(claimIssuedAt), expiresAt: c.at(claimExpiresAt), extra: claims,
	}
	issuer, audience := c.text(claimIssuer), c.text(claimAudience)
	switch {
	case c.err != nil:
		return token{}, c.err
	case issuer != r.issuer:
		return token{}, errors.New("claims: iss is another issuer")
	case audience != r.audience:
		return token{}, errors.New("claims: aud is another audience")
	case t.user.problem() != "":
		return token{}, errors.New("claims: sub " + t.user.problem())
	case len(t.id) != 26 || strings.Trim(t.id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "":
		return token{}, errors.New("claims: jti is not 26 characters of base32")
	}
	if d := t.expiresAt.Sub(t.issuedAt); d <= 0 || d > r.maxLifetime {
		return token{}, errors.New("claims: exp is not after iat, or too long after it")
	}
	return t, nil
}

// checkNow checks what depends on this verifier's clock.
func (r *tokenReader) checkNow(t token) error {
	now := r.now()
	switch {
	case now.Before(t.issuedAt.Add(-r.skew)):
		return errors.New("claims: iat is in the future")
	case !now.Before(t.expiresAt.Add(r.skew)):
		return errors.New("claims: exp has passed")
	}
	return nil
}

// claimReader reads claims and keeps the first error.
type claimReader struct {
	claims map[string]any
	err    error
}

func (c *claimReader) text(name string) string {
	value, ok := c.claims[name].(string)
	if !ok && c.err == nil {
		c.err = errors.New("claims: " + name + " is not a string")
	}
	return value
}

// optional reads a text that our signer leaves out when it is empty.
func (c *claimReader) optional(name string, limit int) string {
	if _, given := c.claims[name]; !given || name == "" {
		return ""
	}
	value := c.text(name)
	if c.err == nil && textProblem(value, limit) != "" {
		c.err = errors.New("claims: " + name + " is not one that is signed")
	}
	return value
}

func (c *claimReader) at(name string) time.Time {
	value, ok := seconds(c.claims[name])
	if !ok && c.err == nil {
		c.err = errors.New("claims: " + name + " is not a time in whole seconds")
	}
	return value
}
