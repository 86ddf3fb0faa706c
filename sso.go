package amsbridge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// Limits of tokens, which the signer keeps and the verifier demands.
const (
	// MaxToken is the longest token, in bytes.
	MaxToken = ssotoken.MaxToken
	// MaxHandOffLifetime is the longest time from iat to exp of a hand-off.
	MaxHandOffLifetime = ssotoken.MaxHandOffLifetime
	// MaxSessionLifetime is that of a pull session.
	MaxSessionLifetime = ssotoken.MaxSessionLifetime
	// MaxReturnTo is the longest return target, in bytes.
	MaxReturnTo = web.MaxTarget
	// MaxNonce is the longest nonce, in bytes.
	MaxNonce = ssotoken.MaxNonce
	// MaxSessionID is the longest session ID, in bytes.
	MaxSessionID = ssotoken.MaxSessionID
)

// ErrSignedOut is returned by the shop's CurrentUser (see the configurations of
// handoff and cartlink) for a request of nobody.
var ErrSignedOut = errors.New("amsbridge: nobody is signed in")

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
	if p := check.Text(cfg.Issuer, 255); p != "" {
		return nil, check.Bad("amsbridge", "SSOConfig.Issuer", p)
	}
	if len(cfg.Audiences) == 0 {
		return nil, check.Bad("amsbridge", "SSOConfig.Audiences", "are empty")
	}
	if cfg.Audit == nil {
		cfg.Audit = LogSSO
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &SSO{issuer: cfg.Issuer, audiences: map[string]audience{}, audit: cfg.Audit, now: cfg.Now}
	keys := &audienceKeys{held: map[string]heldKeys{}}
	for i, a := range cfg.Audiences {
		own, err := a.checked(s, keys)
		if err != nil {
			keys.drop()
			return nil, check.Renamed(err, "amsbridge", "Audience", fmt.Sprintf("SSOConfig.Audiences[%d]", i))
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
// bad nonce; and [ssokeys.ErrNoActive].
//
// Who holds the token is the member until it expires: send it to the audience
// alone, and log it nowhere. What is not promised: that it is used once, which
// the receiver sees to.
func (s *SSO) HandOff(ctx context.Context, req HandOffRequest) (string, error) {
	write := func(a audience, claims map[string]any) error { return a.writeHandOff(claims, req) }
	return s.mint(ctx, ssotoken.HandOffType, req.Audience, req.User.ID, write)
}

// writer adds the claims that one kind of token has beside the common ones.
type writer func(a audience, claims map[string]any) error

// mint signs a token of one kind and keeps the audit.
func (s *SSO) mint(ctx context.Context, typ, audienceName string, user UserID, write writer) (string, error) {
	e := SSOEvent{Time: s.now(), Action: SSORefused, Kind: ssotoken.KindOf(typ), Audience: audienceName}
	token, err := func() (string, error) {
		at := inputFields(typ)
		a, err := s.audience(ctx, audienceName, user, at)
		if err != nil {
			return "", err
		}
		e.Audience, e.UserID = a.value, user
		lifetime := a.lifetime
		if typ == ssotoken.SessionType {
			lifetime = a.session
		}
		claims := s.claims(a, user, lifetime)
		if err := write(a, claims); err != nil {
			return "", err
		}
		token, err := a.ring.Sign(typ, claims)
		switch {
		case err != nil:
			return "", err
		case len(token) > MaxToken:
			return "", check.Bad("amsbridge", at.user, "makes the token longer than 8 KiB, with all that it carries")
		}
		e.Action, e.TokenID = SSOMinted, claims[ssotoken.ID].(string)
		return token, nil
	}()
	if err != nil {
		e.Reason = reasonOf(err)
	}
	s.audit(ctx, e)
	return token, err
}

func (a audience) writeHandOff(claims map[string]any, req HandOffRequest) error {
	if err := writeProfile(claims, a.claims, req.User); err != nil {
		return err
	}
	if to := a.returns.Target(req.ReturnTo); to != "" {
		claims[ssotoken.ReturnTo] = to
	}
	if req.Nonce != "" {
		if p := check.Text(req.Nonce, MaxNonce); p != "" {
			return check.Bad("amsbridge", "HandOffRequest.Nonce", p)
		}
		claims[ssotoken.Nonce] = req.Nonce
	}
	return nil
}

// fields are what errors call the audience and the user.
type fields struct{ audience, user string }

// inputFields are those of [SSO.HandOff], or the parameters of [SSO.Session].
func inputFields(typ string) fields {
	if typ == ssotoken.SessionType {
		return fields{audience: "audienceName", user: "user"}
	}
	return fields{audience: "HandOffRequest.Audience", user: "HandOffRequest.User.ID"}
}

// audience finds one and checks who shall be handed to it.
func (s *SSO) audience(ctx context.Context, name string, user UserID, at fields) (audience, error) {
	if err := ctx.Err(); err != nil {
		return audience{}, err
	}
	a, ok := s.audiences[name]
	if !ok {
		return audience{}, check.Bad("amsbridge", at.audience, "is not configured")
	}
	if problem := user.problem(); problem != "" {
		return audience{}, check.Bad("amsbridge", at.user, problem)
	}
	return a, nil
}

// claims are those of every token.
func (s *SSO) claims(a audience, user UserID, lifetime time.Duration) map[string]any {
	iat := s.now().Unix()
	return map[string]any{
		ssotoken.Issuer: s.issuer, ssotoken.Subject: string(user), ssotoken.Audience: a.value,
		ssotoken.IssuedAt: iat, ssotoken.ExpiresAt: iat + int64(lifetime/time.Second), ssotoken.ID: rand.Text(),
	}
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

// Rings returns the key rings of all audiences, each once: what ssokeys.NewJWKS
// publishes.
func (s *SSO) Rings() []*ssokeys.Ring {
	var rings []*ssokeys.Ring
	for _, name := range s.Audiences() {
		if ring := s.audiences[name].ring; !slices.Contains(rings, ring) {
			rings = append(rings, ring)
		}
	}
	return rings
}

// ReturnTarget returns the page of an audience to which a request for to leads:
// to itself, written anew, where the audience allows it, and otherwise its
// DefaultReturn.
func (s *SSO) ReturnTarget(audienceName, to string) string {
	return s.audiences[audienceName].returns.Target(to)
}
