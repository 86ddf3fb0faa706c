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

// FreshSession tells whether a token is a pull session of this audience, user and session that a verifier
// accepts, with at least half of its lifetime left, so that it need not be renewed. It is not fresh where
// the key that signed it was revoked or has retired since, or where the configuration has changed. It does
// not ask whether the session still lasts.
func (s *SSO) FreshSession(audienceName, token string, user UserID, sessionID string) bool {
	a, known := s.audiences[audienceName]
	if !known || len(token) > MaxToken || strings.Count(token, ".") != 2 {
		return false
	}
	header, claims, signature, err := ssotoken.Segments(token)
	if err != nil || !a.signed(header, token[:strings.LastIndexByte(token, '.')], signature) {
		return false
	}
	said, err := ssotoken.FlatObject(claims, ssotoken.SessionClaims()...)
	if err != nil {
		return false
	}
	issued, ok1 := ssotoken.Seconds(said[ssotoken.IssuedAt])
	expires, ok2 := ssotoken.Seconds(said[ssotoken.ExpiresAt])
	age, left := s.now().Sub(issued), expires.Sub(s.now())
	return ok1 && ok2 && said[ssotoken.Issuer] == s.issuer && said[ssotoken.Audience] == a.value &&
		said[ssotoken.Subject] == string(user) && said[ssotoken.SessionID] == sessionID &&
		age > -time.Minute && age < a.session/2 && left > a.session/2
}

// signed tells whether a key that is accepted now signed a pull session.
func (a audience) signed(header []byte, text string, signature []byte) bool {
	said, err := ssotoken.FlatObject(header, "alg", "kid", "typ")
	if err != nil || said["typ"] != ssotoken.SessionType {
		return false
	}
	id, _ := said["kid"].(string)
	key, err := a.ring.VerificationKey(context.Background(), id) // a ring waits for nothing
	return err == nil && said["alg"] == string(key.Algorithm()) && key.Verify(text, signature) == nil
}
