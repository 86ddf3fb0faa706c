package amsbridge

import (
	"context"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
)

// Session signs a pull session: a token that a platform finds in a cookie and sends to the shop, as
// often as it likes, to ask who the member is. It is a JWT with the typ "ams-session+jwt" and the
// claims iss, sub, aud, iat, exp, jti and sid. It holds no profile, since it lies in a browser. The
// errors are those of [SSO.HandOff].
//
// The session ID names the shop's own session: 1 to 255 bytes without control characters. It must not
// be the value of the shop's session cookie, or whoever reads the token could sign in with it. It is
// not promised that the session still lasts: ssoverify.Sessions asks at each use.
func (s *SSO) Session(ctx context.Context, audienceName string, user UserID, sessionID string) (string, error) {
	write := func(_ audience, claims map[string]any) error {
		if p := check.Text(sessionID, MaxSessionID); p != "" {
			return check.Bad("amsbridge", "sessionID", p)
		}
		claims[ssotoken.SessionID] = sessionID
		return nil
	}
	return s.mint(ctx, ssotoken.SessionType, audienceName, user, write)
}

// SessionLifetime returns how long an audience's pull sessions are valid, or zero for an audience that
// is not configured.
func (s *SSO) SessionLifetime(audienceName string) time.Duration {
	return s.audiences[audienceName].session
}

// FreshSession tells whether a token is a pull session of this audience, user and session with at least
// half of its lifetime left, so that it need not be renewed. The token is not verified: a forged one
// only keeps its owner from a renewal.
func (s *SSO) FreshSession(audienceName, token string, user UserID, sessionID string) bool {
	a, known := s.audiences[audienceName]
	if !known || len(token) > MaxToken || strings.Count(token, ".") != 2 {
		return false
	}
	_, claims, _, err := ssotoken.Segments(token)
	if err != nil {
		return false
	}
	said, err := ssotoken.FlatObject(claims, ssotoken.SessionClaims()...)
	if err != nil {
		return false
	}
	issued, ok := ssotoken.Seconds(said[ssotoken.IssuedAt])
	age := s.now().Sub(issued)
	return ok && said[ssotoken.Subject] == string(user) && said[ssotoken.SessionID] == sessionID &&
		said[ssotoken.Audience] == a.value && age > -time.Minute && age < a.session/2
}
