package ssoverify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// tokenReader accepts only tokens that our signer would have written: of one kind, from one issuer, to
// one audience.
type tokenReader struct {
	config           string // the type name of its configuration, for errors
	typ              string
	issuer, audience string
	maxLifetime      time.Duration
	names            []string
	skew             time.Duration
	now              func() time.Time
	// find returns a checked key. The function holds the configured keys, so that no printing shows a
	// secret.
	find func(ctx context.Context, id string) (ssokeys.VerificationKey, error)
}

// token is the content of an accepted token. Claims of its kind alone are in extra.
type token struct {
	user                amsbridge.UserID
	id                  string
	issuedAt, expiresAt time.Time
	extra               map[string]any
}

// newTokenReader checks the configuration that both kinds of verifier share. It returns an
// *amsbridge.InputError that names the first bad field.
func newTokenReader(
	r tokenReader, keys []ssokeys.VerificationKey, source ssokeys.Source,
) (*tokenReader, error) {
	if r.now == nil {
		r.now = time.Now
	}
	if r.skew == 0 {
		r.skew = 30 * time.Second
	}
	bad := func(field, problem string) error { return check.Bad("ssoverify", r.config+"."+field, problem) }
	switch {
	case check.Text(r.issuer, 255) != "":
		return nil, bad("Issuer", check.Text(r.issuer, 255))
	case check.Text(r.audience, 255) != "":
		return nil, bad("Audience", check.Text(r.audience, 255))
	case r.skew < 0, r.skew > ssotoken.MaxSkew:
		return nil, bad("Skew", "is not between 0 and 60 seconds")
	case source != nil && check.IsNil(source):
		return nil, bad("KeySource", "holds a nil pointer")
	case source != nil && len(keys) > 0:
		return nil, bad("KeySource", "is set beside Keys")
	case source == nil && len(keys) == 0:
		return nil, bad("Keys", "are empty")
	}
	if source != nil {
		r.find = findIn(source)
		return &r, nil
	}
	own := make(map[string]ssokeys.VerificationKey, len(keys))
	for i, k := range keys {
		at := fmt.Sprintf("Keys[%d]", i)
		key, err := k.Checked()
		if err != nil {
			return nil, check.Renamed(err, "ssoverify", "VerificationKey", r.config+"."+at)
		}
		if _, twice := own[key.ID]; twice {
			return nil, bad(at+".ID", "is listed twice")
		}
		for _, other := range own {
			if other.Equal(key) { // who takes the one off the list would leave the other
				return nil, bad(at, "is listed twice, under two IDs")
			}
		}
		own[key.ID] = key
	}
	r.find = func(_ context.Context, id string) (ssokeys.VerificationKey, error) {
		if key, ok := own[id]; ok {
			return key, nil
		}
		return ssokeys.VerificationKey{}, ssokeys.ErrUnknown
	}
	return &r, nil
}

// findIn finds keys in a source, and refuses a key that is bad or has another ID.
func findIn(source ssokeys.Source) func(context.Context, string) (ssokeys.VerificationKey, error) {
	return func(ctx context.Context, id string) (ssokeys.VerificationKey, error) {
		key, err := source.VerificationKey(ctx, id)
		if err != nil {
			return ssokeys.VerificationKey{}, err
		}
		if key, err = key.Checked(); err != nil {
			return ssokeys.VerificationKey{}, err
		}
		if key.ID != id {
			return ssokeys.VerificationKey{}, errors.New("ssoverify: the source returned a key of another ID")
		}
		return key, nil
	}
}

// read parses by our own policy, and leaves only the signature to the library's method for the key. It
// does not use the library's parser, which is more lenient and takes methods from a registry that any
// package of the program can change.
func (r *tokenReader) read(ctx context.Context, text string) (token, error) {
	if len(text) > ssotoken.MaxToken {
		return token{}, errors.New("token is longer than 8 KiB")
	}
	if strings.Count(text, ".") != 2 {
		return token{}, errors.New("token has not two dots")
	}
	header, claims, signature, err := ssotoken.Segments(text)
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
	if err := key.Verify(text[:strings.LastIndexByte(text, '.')], signature); err != nil {
		return token{}, err
	}
	return t, nil
}

// auditAndWrap writes the audit row of a token, and wraps the error of a refusal.
func (r *tokenReader) auditAndWrap(ctx context.Context, audit amsbridge.SSOAudit, t token, err error) error {
	e := amsbridge.SSOEvent{
		Time: r.now(), Action: amsbridge.SSOVerified, Kind: ssotoken.KindOf(r.typ), Audience: r.audience,
		UserID: t.user, TokenID: t.id,
	}
	if err != nil {
		e.Action, e.Reason = amsbridge.SSORefused, reasonOf(err)
		err = &TokenError{Err: err}
	}
	audit(ctx, e)
	return err
}

// key finds the key that the header names. The algorithm is that of the key; the header must name the
// same.
func (r *tokenReader) key(ctx context.Context, segment []byte) (ssokeys.VerificationKey, error) {
	header, err := ssotoken.FlatObject(segment, "alg", "kid", "typ")
	if err != nil {
		return ssokeys.VerificationKey{}, fmt.Errorf("header: %w", err)
	}
	if header["typ"] != r.typ {
		return ssokeys.VerificationKey{}, mismatch("header: typ", r.typ, header["typ"])
	}
	id, _ := header["kid"].(string)
	if check.Name(id, 128) != "" { // a source is asked only for IDs that a key can have
		return ssokeys.VerificationKey{}, errors.New("header: kid is not that of a key")
	}
	key, err := r.find(ctx, id)
	switch {
	case errors.Is(err, ssokeys.ErrUnknown):
		return ssokeys.VerificationKey{}, errors.New("header: kid is not that of an accepted key")
	case err != nil:
		return ssokeys.VerificationKey{}, &failedError{what: "the key source", err: err}
	}
	if header["alg"] != string(key.Algorithm()) {
		return ssokeys.VerificationKey{}, mismatch("header: alg", string(key.Algorithm()), header["alg"])
	}
	return key, nil
}

// token reads the claims and checks all that does not depend on the clock.
func (r *tokenReader) token(segment []byte) (token, error) {
	claims, err := ssotoken.FlatObject(segment, r.names...)
	if err != nil {
		return token{}, fmt.Errorf("claims: %w", err)
	}
	c := claimReader{claims: claims}
	t := token{
		user: amsbridge.UserID(c.text(ssotoken.Subject)), id: c.text(ssotoken.ID),
		issuedAt: c.at(ssotoken.IssuedAt), expiresAt: c.at(ssotoken.ExpiresAt), extra: claims,
	}
	issuer, audience := c.text(ssotoken.Issuer), c.text(ssotoken.Audience)
	switch {
	case c.err != nil:
		return token{}, c.err
	case issuer != r.issuer:
		return token{}, mismatch("claims: iss", r.issuer, issuer)
	case audience != r.audience:
		return token{}, mismatch("claims: aud", r.audience, audience)
	case t.user.Check() != nil:
		return token{}, errors.New("claims: sub " + check.Problem(t.user.Check()))
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
		return errors.New("claims: iat " + clock(t.issuedAt) + " is in the future, at " + clock(now))
	case !now.Before(t.expiresAt.Add(r.skew)):
		return errors.New("claims: exp " + clock(t.expiresAt) + " has passed, at " + clock(now))
	}
	return nil
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }
