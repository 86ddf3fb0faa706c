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

// Limits of tokens. The signer keeps them, and the verifier enforces them.
const (
	// MaxToken is the longest token, in bytes.
	MaxToken = ssotoken.MaxToken
	// MaxHandOffLifetime is the longest time from iat to exp of a hand-off.
	MaxHandOffLifetime = ssotoken.MaxHandOffLifetime
	// MaxSessionLifetime is the longest time from iat to exp of a pull session.
	MaxSessionLifetime = ssotoken.MaxSessionLifetime
	// MaxReturnTo is the longest return target, in bytes.
	MaxReturnTo = web.MaxTarget
	// MaxNonce is the longest nonce, in bytes.
	MaxNonce = ssotoken.MaxNonce
	// MaxSessionID is the longest session ID, in bytes.
	MaxSessionID = ssotoken.MaxSessionID
)

// ErrSignedOut is returned by the shop's CurrentUser (see the configurations of handoff and cartlink)
// for a request without a signed-in member.
var ErrSignedOut = errors.New("amsbridge: nobody is signed in")

// SSOConfig configures [NewSSO].
type SSOConfig struct {
	// Issuer is the iss claim: the shop's own name, preferably its https URL. Required; at most 255
	// bytes without control characters.
	Issuer string
	// Audiences are all the platforms that members may be handed over to. At least one.
	Audiences []Audience
	// Audit gets a row for each token that was signed, or that could not be. Defaults to the log.
	Audit SSOAudit
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// SSO signs tokens that name a member by the same [UserID] as the pushes: hand-offs, and pull sessions
// for platforms that ask the shop. It is safe for concurrent use, and printing it shows no key.
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
	s := &SSO{issuer: cfg.Issuer, audiences: map[string]audience{}, audit: BoundRefusals(cfg.Audit, cfg.Now), now: cfg.Now}
	keys := &audienceKeys{held: map[string]heldKeys{}}
	for i, a := range cfg.Audiences {
		own, err := a.checked(s, keys)
		if err != nil {
			keys.drop()
			return nil, check.Renamed(err, "amsbridge", "Audience", fmt.Sprintf("SSOConfig.Audiences[%d]", i))
		}
		s.audiences[a.Name] = own
	}
	ssokeys.ShareRevocations(s.Rings()...)
	return s, nil
}

// HandOffRequest says who is handed over, and where.
type HandOffRequest struct {
	// Audience is the [Audience]'s Name.
	Audience string
	// User is the member. The token holds only the ID, unless the audience's Claims name more.
	User User
	// ReturnTo is the page that the member asked for. One that is not allowed (see [Audience]) is
	// silently replaced by the audience's DefaultReturn, since it comes from a query.
	ReturnTo string
	// Nonce is the value that a platform which started the hand-off expects in the token: at most 255
	// bytes. Empty for none.
	Nonce string
}

// HandOff signs a token that hands a member over to an audience. It is a JWT with the header members
// alg, kid and typ ("ams-handoff+jwt") and the claims iss, sub, aud (one string), iat, exp (seconds),
// jti (at least 128 random bits), and, where they are set, return_to, nonce and the profile claims. The
// subject is the user ID, byte for byte.
//
// It returns an [*InputError] for an audience that is not configured, a user that [UserID.Check]
// refuses, a profile that cannot be signed and a bad nonce; and [ssokeys.ErrNoActive].
//
// Whoever holds the token can act as the member until it expires: send it only to the audience, and
// never log it. Single use is not promised here; the receiver enforces it.
func (s *SSO) HandOff(ctx context.Context, req HandOffRequest) (string, error) {
	write := func(a audience, claims map[string]any) error { return a.writeHandOff(claims, req) }
	return s.mint(ctx, ssotoken.HandOffType, req.Audience, req.User.ID, write)
}

// writer adds the claims of one kind of token to the common ones.
type writer func(a audience, claims map[string]any) error

// mint signs a token of one kind and writes the audit row.
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

// fields are the names of the audience and the user in errors.
type fields struct{ audience, user string }

// inputFields returns the field names of [SSO.HandOff] or the parameter names of [SSO.Session].
func inputFields(typ string) fields {
	if typ == ssotoken.SessionType {
		return fields{audience: "audienceName", user: "user"}
	}
	return fields{audience: "HandOffRequest.Audience", user: "HandOffRequest.User.ID"}
}

// audience finds an audience by name and checks the user.
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

// claims returns the claims that every token has.
func (s *SSO) claims(a audience, user UserID, lifetime time.Duration) map[string]any {
	iat := s.now().Unix()
	return map[string]any{
		ssotoken.Issuer: s.issuer, ssotoken.Subject: string(user), ssotoken.Audience: a.value,
		ssotoken.IssuedAt: iat, ssotoken.ExpiresAt: iat + int64(lifetime/time.Second), ssotoken.ID: rand.Text(),
	}
}

// Audiences returns the names that [SSO.HandOff] accepts, sorted.
func (s *SSO) Audiences() []string {
	names := make([]string, 0, len(s.audiences))
	for name := range s.audiences {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Rings returns the key rings of all audiences, each once. ssokeys.NewJWKS publishes them. Whoever holds a
// ring can sign with it, without a row of the audit.
func (s *SSO) Rings() []*ssokeys.Ring {
	var rings []*ssokeys.Ring
	for _, name := range s.Audiences() {
		if ring := s.audiences[name].ring; !slices.Contains(rings, ring) {
			rings = append(rings, ring)
		}
	}
	return rings
}

// ReturnTarget returns the page of an audience that a request for "to" leads to: "to" itself,
// rewritten, where the audience allows it, and its DefaultReturn otherwise.
func (s *SSO) ReturnTarget(audienceName, to string) string {
	return s.audiences[audienceName].returns.Target(to)
}
