package amsbridge

import (
	"context"
	"errors"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/golang-jwt/jwt/v5"
)

// MaxSessionID is the longest session ID, in bytes.
const MaxSessionID = 255

// Session signs a pull session: a token that a platform finds in a cookie and
// brings back to the shop, as often as it likes, to ask who the member is. It is
// a JWT with the typ "ams-session+jwt" and the claims iss, sub, aud, iat, exp,
// jti and sid: no profile, since it lies in a browser. Its errors are those of
// [SSO.HandOff].
//
// The session ID names the shop's own session, 1 to 255 bytes without control
// characters, and must not be what the shop's own cookie holds: who reads it
// must not be able to sign in by it. What is not promised: that the session is
// still alive; see [NewSessionVerifier].
func (s *SSO) Session(ctx context.Context, audienceName string, user UserID, sessionID string) (string, error) {
	return s.mint(ctx, sessionType, audienceName, user, func(_ audience, claims jwt.MapClaims) error {
		if p := textProblem(sessionID, MaxSessionID); p != "" {
			return check.Bad("amsbridge", "session ID", p)
		}
		claims[claimSessionID] = sessionID
		return nil
	})
}

// Session is what an accepted pull session says.
type Session struct {
	UserID              UserID
	SessionID           string
	Issuer, Audience    string
	IssuedAt, ExpiresAt time.Time // in whole seconds, in UTC
}

// SessionAlive tells whether a session of the shop still lasts and is that
// user's. False ends it: the member has signed out. On an error the token is
// refused. It is called at each validation, from many goroutines.
type SessionAlive func(ctx context.Context, user UserID, sessionID string) (bool, error)

// SessionVerifierConfig configures [NewSessionVerifier]. Fields are as in
// [VerifierConfig] where they have the same name.
type SessionVerifierConfig struct {
	Issuer    string
	Audience  string
	Keys      []VerificationKey
	KeySource KeySource
	// Alive is asked at each validation. Required.
	Alive SessionAlive
	Audit SSOAudit
	Skew  time.Duration
	Now   func() time.Time
}

// SessionVerifier accepts the pull sessions of one issuer for one audience, for
// as long as the shop's own session lasts. It is safe for concurrent use.
type SessionVerifier struct {
	reader *tokenReader
	alive  SessionAlive
	audit  SSOAudit
}

// NewSessionVerifier checks the configuration and copies it. It returns an
// [*InputError] that names the first bad field.
func NewSessionVerifier(cfg SessionVerifierConfig) (*SessionVerifier, error) {
	if cfg.Alive == nil {
		return nil, check.Bad("amsbridge", "alive", "is missing; without it a token would outlive the sign-out")
	}
	reader, err := newTokenReader(tokenReader{
		typ: sessionType, issuer: cfg.Issuer, audience: cfg.Audience, maxLifetime: MaxSessionLifetime,
		names: append(commonClaims[:len(commonClaims):len(commonClaims)], claimSessionID), source: cfg.KeySource, skew: cfg.Skew, now: cfg.Now,
	}, cfg.Keys)
	if err != nil {
		return nil, err
	}
	return &SessionVerifier{reader, cfg.Alive, cfg.Audit.orLog()}, nil
}

// errSignedOut refuses a token whose session has ended.
var errSignedOut = errors.New("session has ended")

// Verify accepts a token only if it says exactly what [SSO.Session] would have
// written, as [Verifier.Verify] does, and if Alive says that the session lasts.
// Any other is refused with a [*TokenError].
func (v *SessionVerifier) Verify(ctx context.Context, text string) (Session, error) {
	t, err := v.reader.read(ctx, text)
	var s Session
	if err == nil {
		s, err = v.session(ctx, t)
	}
	if err = v.reader.told(ctx, v.audit, t, err); err != nil {
		return Session{}, err
	}
	return s, nil
}

func (v *SessionVerifier) session(ctx context.Context, t token) (Session, error) {
	c := claimReader{claims: t.extra}
	s := Session{
		UserID: t.user, SessionID: c.text(claimSessionID), Issuer: v.reader.issuer, Audience: v.reader.audience,
		IssuedAt: t.issuedAt, ExpiresAt: t.expiresAt,
	}
	switch {
	case c.err != nil:
		return Session{}, c.err
	case textProblem(s.SessionID, MaxSessionID) != "":
		return Session{}, errors.New("claims: sid is not one that is signed")
	}
	alive, err := v.alive(ctx, s.UserID, s.SessionID)
	if err != nil {
		return Session{}, &failedError{"the look-up of the session", err}
	}
	if !alive {
		return Session{}, errSignedOut
	}
	return s, nil
}
