package amsbridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

func alive(context.Context, UserID, string) (bool, error) { return true, nil }

func sessionVerifier(t testing.TB, key SigningKey, now time.Time, change func(*SessionVerifierConfig)) *SessionVerifier {
	t.Helper()
	public, err := key.Verification()
	require.NoError(t, err)
	cfg := SessionVerifierConfig{Issuer: shop, Audience: elevate, Keys: []VerificationKey{public}, Alive: alive, Audit: quiet, Now: func() time.Time { return now }}
	if change != nil {
		change(&cfg)
	}
	v, err := NewSessionVerifier(cfg)
	require.NoError(t, err)
	return v
}

func TestSessionRoundTrip(t *testing.T) {
	t.Parallel()
	for _, alg := range benched {
		key := generated(t, alg, "k1")
		cfg := ssoConfig(nil)
		cfg.Audiences[0].Key, cfg.Audiences[0].SharedSecret = key, alg == HS256
		cfg.Audiences[0].Claims = ProfileClaims{FirstName: "given_name", Email: "email"}
		sso, err := NewSSO(cfg)
		require.NoError(t, err)
		id := strings.Repeat("é", MaxSessionID/2)
		token, err := sso.Session(t.Context(), "elevate", "U-1", id)
		require.NoError(t, err)
		v := sessionVerifier(t, key, handOffTime, nil)
		for range 3 { // as often as the platform likes
			s, err := v.Verify(t.Context(), token)
			require.NoError(t, err)
			require.Equal(t, Session{UserID: "U-1", SessionID: id, Issuer: shop, Audience: elevate, IssuedAt: handOffTime, ExpiresAt: handOffTime.Add(time.Hour)}, s)
		}
		_, err = sessionVerifier(t, key, handOffTime.Add(time.Hour+30*time.Second), nil).Verify(t.Context(), token)
		require.ErrorIs(t, err, ErrInvalidToken)
		_, err = sessionVerifier(t, key, handOffTime.Add(time.Hour+30*time.Second-1), nil).Verify(t.Context(), token)
		require.NoError(t, err)
	}
}

// Neither kind passes for the other, though one key signs both.
func TestTwoKindsOfToken(t *testing.T) {
	t.Parallel()
	key := generated(t, EdDSA, "ed")
	cfg := ssoConfig(nil)
	cfg.Audiences[0].Key = key
	sso, err := NewSSO(cfg)
	require.NoError(t, err)
	public, err := key.Verification()
	require.NoError(t, err)
	handOffs, sessions := newVerifier(t, handOffTime, public), sessionVerifier(t, key, handOffTime, func(c *SessionVerifierConfig) {
		c.Alive = func(context.Context, UserID, string) (bool, error) {
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
		{handOffs.refuse, session, "header: typ is not that of this kind of token"},
		{sessions.refuse, minted(t, sso), "header: typ is not that of this kind of token"},
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

func (v *SessionVerifier) refuse(ctx context.Context, token string) error {
	_, err := v.Verify(ctx, token)
	return errors.Unwrap(err)
}

// The shop is asked each time: a token outlives no sign-out.
func TestSessionAlive(t *testing.T) {
	t.Parallel()
	key := generated(t, EdDSA, "k1")
	sso, err := NewSSO(ssoConfig(key.Private))
	require.NoError(t, err)
	token, err := sso.Session(t.Context(), "elevate", "U-1", "s-1")
	require.NoError(t, err)
	lives, cause := true, error(nil)
	v := sessionVerifier(t, key, handOffTime, func(c *SessionVerifierConfig) {
		c.Alive = func(_ context.Context, user UserID, id string) (bool, error) {
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

func TestSessionRefusesToSign(t *testing.T) {
	t.Parallel()
	sso, err := NewSSO(ssoConfig(newEd25519(t)))
	require.NoError(t, err)
	for _, c := range []struct{ audience, user, session, field string }{
		{"notified", "U-1", "s", "audience"},
		{"elevate", "", "s", "user ID"},
		{"elevate", "null", "s", "user ID"},
		{"elevate", "U-1", "", "session ID"},
		{"elevate", "U-1", "s\n", "session ID"},
		{"elevate", "U-1", "s\xff", "session ID"},
		{"elevate", "U-1", strings.Repeat("s", MaxSessionID+1), "session ID"},
	} {
		token, err := sso.Session(t.Context(), c.audience, UserID(c.user), c.session)
		require.Equal(t, c.field, badField(t, err))
		require.Empty(t, token)
	}
	_, err = NewSessionVerifier(SessionVerifierConfig{Issuer: shop, Audience: elevate})
	require.Equal(t, "alive", badField(t, err))
	_, err = NewSessionVerifier(SessionVerifierConfig{Issuer: shop, Audience: elevate, Alive: alive})
	require.Equal(t, "keys", badField(t, err))
}

// The profile is told to who asks, claim by claim, and to nobody else.
func TestProfileClaims(t *testing.T) {
	t.Parallel()
	key := generated(t, EdDSA, "k1")
	public, err := key.Verification()
	require.NoError(t, err)
	ada := User{ID: "U-1", FirstName: "Ada", LastName: "O'Neil \"<&>\" \\", Email: "ada@example.org", MemberType: "член"}
	told := func(signs, reads ProfileClaims, u User) (HandOff, error) {
		cfg := ssoConfig(key.Private)
		cfg.Audiences[0].Claims = signs
		sso, err := NewSSO(cfg)
		require.NoError(t, err)
		token, err := sso.HandOff(t.Context(), HandOffRequest{Audience: "elevate", User: u})
		if err != nil {
			return HandOff{}, err
		}
		v, err := NewVerifier(VerifierConfig{Issuer: shop, Audience: elevate, Keys: []VerificationKey{public}, AllowReplay: true, Audit: quiet, Claims: reads, Now: cfg.Now})
		require.NoError(t, err)
		return v.Verify(t.Context(), token)
	}
	all := ProfileClaims{FirstName: "given_name", LastName: "family_name", Email: "https://shop.example.org/email", MemberType: "type"}
	for _, c := range []struct {
		claims ProfileClaims
		want   User
	}{
		{ProfileClaims{}, User{ID: "U-1"}},
		{ProfileClaims{Email: "mail"}, User{ID: "U-1", Email: ada.Email}},
		{ProfileClaims{FirstName: "a", MemberType: "b"}, User{ID: "U-1", FirstName: ada.FirstName, MemberType: ada.MemberType}},
		{all, ada},
	} {
		h, err := told(c.claims, c.claims, ada)
		require.NoError(t, err)
		require.Equal(t, c.want, h.User)
	}
	h, err := told(all, all, User{ID: "U-1"})
	require.NoError(t, err, "what the shop does not know is left out")
	require.Equal(t, User{ID: "U-1"}, h.User)
	_, err = told(all, ProfileClaims{}, ada)
	require.ErrorIs(t, err, ErrInvalidToken, "a claim that the receiver did not ask for")
	h, err = told(ProfileClaims{}, all, ada)
	require.NoError(t, err)
	require.Equal(t, User{ID: "U-1"}, h.User)

	for field, hostile := range map[string]User{
		"first name":  {ID: "U-1", FirstName: "Ada\r\nBcc: x"},
		"last name":   {ID: "U-1", LastName: "\xff"},
		"email":       {ID: "U-1", Email: strings.Repeat("a", maxProfileClaim+1)},
		"member type": {ID: "U-1", MemberType: "\u2028"},
	} {
		_, err := told(all, all, hostile)
		require.Equal(t, field, badField(t, err))
	}
	h, err = told(all, all, User{ID: "U-1", FirstName: `","sub":"U-2`, LastName: "\u202e{{.}}", Email: strings.Repeat("&", maxProfileClaim)})
	require.NoError(t, err)
	require.Equal(t, UserID("U-1"), h.User.ID)
	require.Equal(t, `","sub":"U-2`, h.User.FirstName)
}

func TestClaimNamesThatNoProfileMayHave(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "sid", "nonce", "return_to", "SUB", "Iss", "ſub", "Return_To", "a b", "a\"b", "a\nb", "ü", strings.Repeat("a", 65), "a{b", " ",
	} {
		cfg := ssoConfig(newEd25519(t))
		cfg.Audiences[0].Claims.Email = name
		_, err := NewSSO(cfg)
		require.Equal(t, "audiences[0].claims.email", badField(t, err), name)
	}
	_, problem := ProfileClaims{FirstName: "name", LastName: "NAME"}.problem()
	require.NotEmpty(t, problem, "two in one, once case is folded")
}
