package ssoverify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

func TestSessionRoundTrip(t *testing.T) {
	t.Parallel()
	for _, alg := range keytest.Algorithms() {
		key := keytest.Generated(t, alg, "k1")
		cfg := ssoConfig(key)
		cfg.Audiences[0].Claims = amsbridge.ProfileClaims{FirstName: "given_name", Email: "email"}
		sso := newSSO(t, cfg)
		id := strings.Repeat("é", amsbridge.MaxSessionID/2)
		token, err := sso.Session(t.Context(), "elevate", "U-1", id)
		require.NoError(t, err)
		v := newSessions(t, key, keytest.Time(), nil)
		for range 3 { // as often as the platform likes
			s, err := v.Verify(t.Context(), token)
			require.NoError(t, err)
			require.Equal(t, Session{UserID: "U-1", SessionID: id, Issuer: shop, Audience: elevate, IssuedAt: keytest.Time(), ExpiresAt: keytest.Time().Add(time.Hour)}, s)
		}
		_, err = newSessions(t, key, keytest.Time().Add(time.Hour+30*time.Second), nil).Verify(t.Context(), token)
		require.ErrorIs(t, err, ErrInvalidToken)
		_, err = newSessions(t, key, keytest.Time().Add(time.Hour+30*time.Second-1), nil).Verify(t.Context(), token)
		require.NoError(t, err)
	}
}

// Neither kind of token is accepted as the other, though one key signs both.
func TestTwoKindsOfToken(t *testing.T) {
	t.Parallel()
	key := keytest.Generated(t, ssokeys.EdDSA, "ed")
	sso := newSSO(t, ssoConfig(key))
	public := keytest.Public(t, key)
	handOffs, sessions := newVerifier(t, keytest.Time(), public), newSessions(t, key, keytest.Time(), func(c *SessionsConfig) {
		c.Alive = func(context.Context, amsbridge.UserID, string) (bool, error) {
			t.Error("asked about a token that is no session")
			return true, nil
		}
	})
	session, err := sso.Session(t.Context(), "elevate", "U-1", "s-1")
	require.NoError(t, err)
	signed := func(header, claims string) string {
		return forge(t, jwt.SigningMethodEdDSA, key.Private, header, claims)
	}
	sessionHeader := replace(t, goodHeader, "handoff", "session")
	sessionClaims := replace(t, replace(t, goodClaims, `"return_to":"/c",`, ``), `"sub"`, `"sid":"s-1","sub"`)
	for _, c := range []struct {
		verify func(context.Context, string) error
		token  string
		reason string
	}{
		{handOffs.refuse, session, `header: typ is "ams-session+jwt", expected "ams-handoff+jwt"`},
		{sessions.refuse, minted(t, sso), `header: typ is "ams-handoff+jwt", expected "ams-session+jwt"`},
		{handOffs.refuse, signed(goodHeader, sessionClaims), "claims: a member is not known"},
		{sessions.refuse, signed(sessionHeader, goodClaims), "claims: a member is not known"},
		{sessions.refuse, signed(sessionHeader, replace(t, sessionClaims, `"sid":"s-1",`, ``)), "claims: sid is not a string"},
		{sessions.refuse, signed(sessionHeader, replace(t, sessionClaims, `"s-1"`, `""`)), "claims: sid is not one that is signed"},
		{sessions.refuse, signed(sessionHeader, replace(t, sessionClaims, `"s-1"`, `"s\u0000"`)), "claims: sid is not one that is signed"},
		{sessions.refuse, signed(sessionHeader, replace(t, sessionClaims, `"s-1"`, `7`)), "claims: sid is not a string"},
		{sessions.refuse, signed(sessionHeader, replace(t, sessionClaims, `{`, `{"email":"a@example.org",`)), "claims: a member is not known"},
		{sessions.refuse, signed(sessionHeader, replace(t, sessionClaims, `{`, `{"nonce":"n",`)), "claims: a member is not known"},
		{sessions.refuse, signed(sessionHeader, replace(t, sessionClaims, `1800000060`, `1800043201`)), "claims: exp is not after iat, or too long after it"},
		{handOffs.refuse, signed(goodHeader, replace(t, goodClaims, `1800000060`, `1800000121`)), "claims: exp is not after iat, or too long after it"},
	} {
		require.EqualError(t, c.verify(t.Context(), c.token), c.reason)
	}
}

func (v *Verifier) refuse(ctx context.Context, token string) error {
	_, err := v.Verify(ctx, token)
	return errors.Unwrap(err)
}

func (v *Sessions) refuse(ctx context.Context, token string) error {
	_, err := v.Verify(ctx, token)
	return errors.Unwrap(err)
}

// The shop is asked each time: no token is accepted after a sign-out.
func TestSessionAlive(t *testing.T) {
	t.Parallel()
	key := keytest.Generated(t, ssokeys.EdDSA, "k1")
	sso := newSSO(t, ssoConfig(key))
	token, err := sso.Session(t.Context(), "elevate", "U-1", "s-1")
	require.NoError(t, err)
	lives, cause := true, error(nil)
	v := newSessions(t, key, keytest.Time(), func(c *SessionsConfig) {
		c.Alive = func(_ context.Context, user amsbridge.UserID, id string) (bool, error) {
			require.Equal(t, "U-1 s-1", fmt.Sprint(user, " ", id))
			return lives, cause
		}
	})
	_, err = v.Verify(t.Context(), token)
	require.NoError(t, err)
	lives = false
	s, err := v.Verify(t.Context(), token)
	require.ErrorIs(t, err, ErrInvalidToken)
	require.EqualError(t, errors.Unwrap(err), "session has ended")
	require.Zero(t, s)
	lives, cause = true, errors.New("dsn=hunter2")
	s, err = v.Verify(t.Context(), token)
	require.ErrorIs(t, err, ErrInvalidToken)
	require.ErrorIs(t, err, cause)
	require.EqualError(t, errors.Unwrap(err), "the look-up of the session failed")
	require.Zero(t, s)
}

func TestNewSessionsNamesTheBadField(t *testing.T) {
	t.Parallel()
	good := SessionsConfig{
		Issuer: shop, Audience: elevate, Alive: alive,
		Keys: []ssokeys.VerificationKey{keytest.Public(t, keytest.Generated(t, ssokeys.EdDSA, "k1"))},
	}
	for field, change := range map[string]func(*SessionsConfig){
		"Issuer":         func(c *SessionsConfig) { c.Issuer = "" },
		"Audience":       func(c *SessionsConfig) { c.Audience = "a\n" },
		"Alive":          func(c *SessionsConfig) { c.Alive = nil },
		"Keys":           func(c *SessionsConfig) { c.Keys = nil },
		"Keys[1].ID":     func(c *SessionsConfig) { c.Keys = append(c.Keys, c.Keys[0]) },
		"Keys[0].Public": func(c *SessionsConfig) { c.Keys = []ssokeys.VerificationKey{{ID: "k1"}} },
		"KeySource":      func(c *SessionsConfig) { c.KeySource = &ssokeys.Ring{} },
		"Skew":           func(c *SessionsConfig) { c.Skew = time.Hour },
	} {
		cfg := good
		change(&cfg)
		_, err := NewSessions(cfg)
		require.Equal(t, "ssoverify: SessionsConfig."+field, keytest.BadField(t, err))
	}
}
