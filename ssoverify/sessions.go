package ssoverify

import (
	"context"
	"errors"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// Session is the content of an accepted pull session.
type Session struct {
	UserID              amsbridge.UserID
	SessionID           string
	Issuer, Audience    string
	IssuedAt, ExpiresAt time.Time // in whole seconds, in UTC
}

// Alive tells whether a session of the shop still lasts and belongs to that user. False refuses the
// token: the member has signed out. An error refuses it too. It is called at each validation, from many
// goroutines.
type Alive func(ctx context.Context, user amsbridge.UserID, sessionID string) (bool, error)

// SessionsConfig configures [NewSessions]. Fields that [Config] has too mean the same.
type SessionsConfig struct {
	Issuer    string
	Audience  string
	Keys      []ssokeys.VerificationKey
	KeySource ssokeys.Source
	// Alive is called at each validation. Required.
	Alive Alive
	Audit amsbridge.SSOAudit
	Skew  time.Duration
	Now   func() time.Time
}

// Sessions accepts the pull sessions of one issuer for one audience, for as long
// as the shop's own session lasts. It is safe for concurrent use.
type Sessions struct {
	reader *tokenReader
	alive  Alive
	audit  amsbridge.SSOAudit
}

// NewSessions checks the configuration and copies it. It returns an
// *amsbridge.InputError that names the first bad field.
func NewSessions(cfg SessionsConfig) (*Sessions, error) {
	if cfg.Alive == nil {
		const problem = "is missing; without it a token would outlive the sign-out"
		return nil, check.Bad("ssoverify", "SessionsConfig.Alive", problem)
	}
	reader, err := newTokenReader(tokenReader{
		config: "SessionsConfig", typ: ssotoken.SessionType, issuer: cfg.Issuer, audience: cfg.Audience,
		maxLifetime: ssotoken.MaxSessionLifetime, names: ssotoken.SessionClaims(),
		skew: cfg.Skew, now: cfg.Now,
	}, cfg.Keys, cfg.KeySource)
	if err != nil {
		return nil, err
	}
	if cfg.Audit == nil {
		cfg.Audit = amsbridge.LogSSO
	}
	return &Sessions{reader: reader, alive: cfg.Alive, audit: amsbridge.BoundRefusals(cfg.Audit, reader.now)}, nil
}

// errSignedOut refuses a token whose session has ended.
var errSignedOut = errors.New("session has ended")

// Verify accepts a token only if it is exactly what [amsbridge.SSO.Session] would have written, as
// [Verifier.Verify] does, and if Alive says that the session lasts. Any other is refused with a
// [*TokenError].
func (v *Sessions) Verify(ctx context.Context, text string) (Session, error) {
	t, err := v.reader.read(ctx, text)
	var s Session
	if err == nil {
		s, err = v.session(ctx, t)
	}
	if err = v.reader.auditAndWrap(ctx, v.audit, t, err); err != nil {
		return Session{}, err
	}
	return s, nil
}

func (v *Sessions) session(ctx context.Context, t token) (Session, error) {
	c := claimReader{claims: t.extra}
	s := Session{
		UserID: t.user, SessionID: c.text(ssotoken.SessionID), Issuer: v.reader.issuer, Audience: v.reader.audience,
		IssuedAt: t.issuedAt, ExpiresAt: t.expiresAt,
	}
	switch {
	case c.err != nil:
		return Session{}, c.err
	case check.Text(s.SessionID, ssotoken.MaxSessionID) != "":
		return Session{}, errors.New("claims: sid is not one that is signed")
	}
	alive, err := v.alive(ctx, s.UserID, s.SessionID)
	if err != nil {
		return Session{}, &failedError{what: "the look-up of the session", err: err}
	}
	if !alive {
		return Session{}, errSignedOut
	}
	return s, nil
}
