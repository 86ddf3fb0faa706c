package amsbridge

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Limits of a hand-off token, which the signer keeps and the verifier demands.
const (
	// MaxToken is the longest token, in bytes.
	MaxToken = 8 << 10
	// MaxHandOffLifetime is the longest time from iat to exp.
	MaxHandOffLifetime = 120 * time.Second
	// MaxReturnTo is the longest return_to, in bytes.
	MaxReturnTo = 1024
)

// handOffType is the typ header (RFC 8725 section 3.11): it keeps any other
// kind of token from being taken for a hand-off, whoever signed it.
const handOffType = "ams-handoff+jwt"

// The claims of a hand-off (RFC 7519 section 4.1, and our return_to). There is
// no nbf: it could only repeat iat.
const (
	claimIssuer    = "iss"
	claimSubject   = "sub"
	claimAudience  = "aud"
	claimIssuedAt  = "iat"
	claimExpiresAt = "exp"
	claimID        = "jti"
	claimReturnTo  = "return_to"
)

// Audience is one platform, or one site of a platform, that members walk to.
type Audience struct {
	// Name is what the shop calls it in [SSO.HandOff], such as "elevate".
	// Required, unique; at most 255 bytes.
	Name string
	// Audience is the aud claim, by which the receiver knows that the token is
	// meant for it. Required, unique, so that no platform's token serves at
	// another; at most 255 bytes.
	Audience string
	// Key signs. Several audiences may share one.
	Key SigningKey
	// Lifetime is how long a token is valid, in whole seconds, at most
	// [MaxHandOffLifetime]. Defaults to 60 seconds.
	Lifetime time.Duration
}

// SSOConfig configures [NewSSO].
type SSOConfig struct {
	// Issuer is the iss claim: the shop's own name, best its https URL. Required;
	// at most 255 bytes without control characters.
	Issuer string
	// Audiences are all that members may be handed to. At least one.
	Audiences []Audience
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// SSO signs hand-offs: short-lived tokens that name a member by the same
// [UserID] as the pushes did. It is safe for concurrent use, and printing it
// shows no key.
type SSO struct {
	issuer    string
	audiences map[string]audience
	now       func() time.Time
}

// audience holds its key in a function only, where no formatting finds it.
type audience struct {
	value    string
	lifetime time.Duration
	sign     func(jwt.MapClaims) (string, error)
}

// NewSSO checks the configuration and copies it. It returns an [*InputError]
// that names the first bad field.
func NewSSO(cfg SSOConfig) (*SSO, error) {
	if p := textProblem(cfg.Issuer, 255); p != "" {
		return nil, &InputError{Field: "issuer", Problem: p}
	}
	if len(cfg.Audiences) == 0 {
		return nil, &InputError{Field: "audiences", Problem: "are empty"}
	}
	s := &SSO{issuer: cfg.Issuer, audiences: make(map[string]audience, len(cfg.Audiences)), now: cfg.Now}
	if s.now == nil {
		s.now = time.Now
	}
	values, keys := map[string]bool{}, map[string]signingKey{}
	for i, a := range cfg.Audiences {
		bad := func(field, problem string) error {
			return &InputError{Field: fmt.Sprintf("audiences[%d].%s", i, field), Problem: problem}
		}
		if a.Lifetime == 0 {
			a.Lifetime = time.Minute
		}
		key, field, problem := a.Key.check()
		_, named := s.audiences[a.Name]
		other, known := keys[a.Key.ID]
		switch {
		case textProblem(a.Name, 255) != "":
			return nil, bad("name", textProblem(a.Name, 255))
		case named:
			return nil, bad("name", "is listed twice")
		case textProblem(a.Audience, 255) != "":
			return nil, bad("audience", textProblem(a.Audience, 255))
		case values[a.Audience]:
			return nil, bad("audience", "is listed twice")
		case problem != "":
			return nil, bad(field, problem)
		case known && !other.equal(key):
			return nil, bad("key.id", "is that of another key")
		case a.Lifetime < time.Second, a.Lifetime > MaxHandOffLifetime:
			return nil, bad("lifetime", "is not between 1 and 120 seconds")
		case a.Lifetime%time.Second != 0:
			return nil, bad("lifetime", "is not in whole seconds")
		}
		values[a.Audience], keys[a.Key.ID] = true, key
		s.audiences[a.Name] = audience{a.Audience, a.Lifetime, key.signer(a.Key.ID)}
	}
	return s, nil
}

// HandOff signs a token that hands the member to an audience: a JWT with the
// header members alg, kid and typ ("ams-handoff+jwt"), and the claims iss, sub,
// aud (one string), iat, exp (seconds), jti (128 random bits or more) and, where
// returnTo is not empty, return_to. The subject is the user ID, byte for byte.
//
// It returns an [*InputError] for an audience that is not configured, a user ID
// that [UserID.Check] refuses, and a returnTo that is longer than [MaxReturnTo],
// not UTF-8 or has control characters.
//
// Who holds the token is the member until it expires: send it to the audience
// alone, and log it nowhere. What is not promised: that returnTo is a page the
// shop wants to send people to, which the caller checks, and the receiver once
// more; and that a token is used once, which the receiver sees to.
func (s *SSO) HandOff(ctx context.Context, audienceName string, user UserID, returnTo string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	a, ok := s.audiences[audienceName]
	if !ok {
		return "", &InputError{Field: "audience", Problem: "is not configured"}
	}
	if err := user.Check(); err != nil {
		return "", err
	}
	iat := s.now().Unix()
	claims := jwt.MapClaims{
		claimIssuer: s.issuer, claimSubject: string(user), claimAudience: a.value,
		claimIssuedAt: iat, claimExpiresAt: iat + int64(a.lifetime/time.Second), claimID: rand.Text(),
	}
	if returnTo != "" {
		if p := textProblem(returnTo, MaxReturnTo); p != "" {
			return "", &InputError{Field: "return to", Problem: p}
		}
		claims[claimReturnTo] = returnTo
	}
	token, err := a.sign(claims)
	if err != nil {
		return "", fmt.Errorf("amsbridge: sign a hand-off: %w", err)
	}
	if len(token) > MaxToken {
		return "", &InputError{Field: "return to", Problem: "makes the token longer than 8 KiB"}
	}
	return token, nil
}
