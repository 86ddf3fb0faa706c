package amsbridge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/golang-jwt/jwt/v5"
)

// Limits of tokens, which the signer keeps and the verifier demands.
const (
	// MaxToken is the longest token, in bytes.
	MaxToken = 8 << 10
	// MaxHandOffLifetime is the longest time from iat to exp of a hand-off.
	MaxHandOffLifetime = 120 * time.Second
	// MaxSessionLifetime is that of a pull session.
	MaxSessionLifetime = 12 * time.Hour
	// MaxReturnTo is the longest return target, in bytes.
	MaxReturnTo = 1024
	// MaxNonce is the longest nonce, in bytes.
	MaxNonce = 255
)

// SSOConfig configures [NewSSO].
type SSOConfig struct {
	// Issuer is the iss claim: the shop's own name, best its https URL. Required;
	// at most 255 bytes without control characters.
	Issuer string
	// Audiences are all that members may be handed to. At least one.
	Audiences []Audience
	// Audit takes a row for each token that is signed, or refused to be. Defaults
	// to the log.
	Audit SSOAudit
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// SSO signs tokens that name a member by the same [UserID] as the pushes did:
// hand-offs, and sessions for platforms that ask back. It is safe for concurrent
// use, and printing it shows no key.
type SSO struct {
	issuer    string
	audiences map[string]audience
	audit     SSOAudit
	now       func() time.Time
}

// NewSSO checks the configuration and copies it. It returns an [*InputError]
// that names the first bad field.
func NewSSO(cfg SSOConfig) (*SSO, error) {
	if p := textProblem(cfg.Issuer, 255); p != "" {
		return nil, check.Bad("amsbridge", "issuer", p)
	}
	if len(cfg.Audiences) == 0 {
		return nil, check.Bad("amsbridge", "audiences", "are empty")
	}
	s := &SSO{issuer: cfg.Issuer, audiences: make(map[string]audience, len(cfg.Audiences)), audit: cfg.Audit.orLog(), now: cfg.Now}
	if s.now == nil {
		s.now = time.Now
	}
	taken := takenNames{values: map[string]bool{}, keys: map[string]verificationKey{}}
	for i, a := range cfg.Audiences {
		_, named := s.audiences[a.Name]
		own, field, problem := a.check(taken, s.now)
		switch {
		case textProblem(a.Name, 255) != "":
			field, problem = "name", textProblem(a.Name, 255)
		case named:
			field, problem = "name", "is listed twice"
		}
		if problem != "" {
			return nil, check.Bad("amsbridge", fmt.Sprintf("audiences[%d].%s", i, field), problem)
		}
		s.audiences[a.Name] = own
	}
	return s, nil
}

// HandOffRequest says who is handed where.
type HandOffRequest struct {
	// Audience is the [Audience]'s Name.
	Audience string
	// User is the member. Only the ID is told, unless the audience's Claims ask
	// for more.
	User User
	// ReturnTo is the page that the member asked for. One that is not allowed
	// (see [Audience]) is replaced by the audience's DefaultReturn, silently: it
	// comes from a query.
	ReturnTo string
	// Nonce is what a platform that started the hand-off wants to see in the
	// token: at most 255 bytes. Empty for none.
	Nonce string
}

// HandOff signs a token that hands a member to an audience: a JWT with the
// header members alg, kid and typ ("ams-handoff+jwt"), and the claims iss, sub,
// aud (one string), iat, exp (seconds), jti (128 random bits or more), and where
// there is one return_to, nonce and the profile claims. The subject is the user
// ID, byte for byte.
//
// It returns an [*InputError] for an audience that is not configured, a user
// that [UserID.Check] refuses or whose profile is not fit to be signed, and a
// bad nonce; and [ErrNoActiveKey].
//
// Who holds the token is the member until it expires: send it to the audience
// alone, and log it nowhere. What is not promised: that it is used once, which
// the receiver sees to.
func (s *SSO) HandOff(ctx context.Context, req HandOffRequest) (string, error) {
	return s.mint(ctx, handOffType, req.Audience, req.User.ID, func(a audience, claims jwt.MapClaims) error {
		return a.writeHandOff(claims, req)
	})
}

// mint signs a token of one kind and keeps the audit.
func (s *SSO) mint(ctx context.Context, typ, audienceName string, user UserID, write func(audience, jwt.MapClaims) error) (string, error) {
	e := SSOEvent{Time: s.now(), Action: SSORefused, Kind: kindOf(typ), Audience: audienceName}
	token, err := func() (string, error) {
		a, err := s.audience(ctx, audienceName, user)
		if err != nil {
			return "", err
		}
		e.Audience, e.UserID = a.value, user
		lifetime := a.lifetime
		if typ == sessionType {
			lifetime = a.session
		}
		claims := s.claims(a, user, lifetime)
		if err := write(a, claims); err != nil {
			return "", err
		}
		token, err := a.sign(typ, claims)
		if err == nil {
			e.Action, e.TokenID = SSOMinted, claims[claimID].(string)
		}
		return token, err
	}()
	if err != nil {
		e.Reason = reasonOf(err)
	}
	s.audit(ctx, e)
	return token, err
}

func kindOf(typ string) string {
	if typ == sessionType {
		return kindSession
	}
	return kindHandOff
}

func (a audience) writeHandOff(claims jwt.MapClaims, req HandOffRequest) error {
	if err := a.claims.write(claims, req.User); err != nil {
		return err
	}
	if to := a.returns.target(req.ReturnTo); to != "" {
		claims[claimReturnTo] = to
	}
	if req.Nonce != "" {
		if p := textProblem(req.Nonce, MaxNonce); p != "" {
			return check.Bad("amsbridge", "nonce", p)
		}
		claims[claimNonce] = req.Nonce
	}
	return nil
}

// audience finds one and checks who shall be handed to it.
func (s *SSO) audience(ctx context.Context, name string, user UserID) (audience, error) {
	if err := ctx.Err(); err != nil {
		return audience{}, err
	}
	a, ok := s.audiences[name]
	if !ok {
		return audience{}, check.Bad("amsbridge", "audience", "is not configured")
	}
	return a, user.Check()
}

// claims are those of every token.
func (s *SSO) claims(a audience, user UserID, lifetime time.Duration) jwt.MapClaims {
	iat := s.now().Unix()
	return jwt.MapClaims{
		claimIssuer: s.issuer, claimSubject: string(user), claimAudience: a.value,
		claimIssuedAt: iat, claimExpiresAt: iat + int64(lifetime/time.Second), claimID: rand.Text(),
	}
}

func (a audience) sign(typ string, claims jwt.MapClaims) (string, error) {
	key, err := a.ring.signer()
	if err != nil {
		return "", err
	}
	token, err := key.sign(typ, claims)
	if err != nil {
		return "", errors.New("amsbridge: the key cannot sign") // the cause may hold what was signed
	}
	if len(token) > MaxToken {
		return "", check.Bad("amsbridge", "user", "makes the token longer than 8 KiB, with its profile and return target")
	}
	return token, nil
}

// Audiences returns the names that [SSO.HandOff] knows, sorted.
func (s *SSO) Audiences() []string {
	names := make([]string, 0, len(s.audiences))
	for name := range s.audiences {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
