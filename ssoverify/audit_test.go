package ssoverify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// auditRig signs and verifies, and records the audit and the log.
type auditRig struct {
	rows     []amsbridge.SSOEvent
	sso      *amsbridge.SSO
	handOffs *Verifier
	sessions *Sessions
	alive    error
	replay   error
	key      ssokeys.SigningKey
	secret   ssokeys.SigningKey
}

func newAuditRig(t *testing.T) *auditRig {
	t.Helper()
	a := &auditRig{key: keytest.Generated(t, ssokeys.EdDSA, "k1"), secret: keytest.Generated(t, ssokeys.HS256, "s1")}
	audit := func(_ context.Context, e amsbridge.SSOEvent) { a.rows = append(a.rows, e) }
	now := keytest.Time
	claims := amsbridge.ProfileClaims{FirstName: "name", Email: "email"}
	ring, err := ssokeys.NewRing(ssokeys.RingConfig{Keys: []ssokeys.RingKey{{Key: keytest.Generated(t, ssokeys.EdDSA, "gone"), Revoked: true}}})
	require.NoError(t, err)
	a.sso, err = amsbridge.NewSSO(amsbridge.SSOConfig{Issuer: shop, Audit: audit, Now: now, Audiences: []amsbridge.Audience{
		{Name: "elevate", Audience: elevate, Key: a.key, Claims: claims},
		{Name: "keyless", Audience: "https://keyless.example.org", Keys: ring},
	}})
	require.NoError(t, err)
	public, err := a.key.Verification()
	require.NoError(t, err)
	shared, err := a.secret.Verification()
	require.NoError(t, err)
	memory := NewMemoryReplay(now)
	a.handOffs, err = New(Config{
		Issuer: shop, Audience: elevate, Keys: []ssokeys.VerificationKey{public, shared}, Claims: claims, Audit: audit, Now: now,
		Replay: replayFunc(func(issuer, audience, id string, until time.Time) (bool, error) {
			if a.replay != nil {
				return false, a.replay
			}
			return memory.Consume(t.Context(), issuer, audience, id, until)
		}),
	})
	require.NoError(t, err)
	a.sessions, err = NewSessions(SessionsConfig{
		Issuer: shop, Audience: elevate, Keys: []ssokeys.VerificationKey{public}, Audit: audit, Now: now,
		Alive: func(context.Context, amsbridge.UserID, string) (bool, error) { return a.alive == nil, a.alive },
	})
	require.NoError(t, err)
	return a
}

// There is one row for each signature, verification and refusal. No row holds anything that lets
// somebody in or a member's name or address.
func TestAuditRows(t *testing.T) {
	t.Parallel()
	a := newAuditRig(t)
	ada := amsbridge.User{ID: "U-1", FirstName: "Augusta", Email: "ada@example.org"}
	row := func(action amsbridge.SSOAction, kind, audience string, user amsbridge.UserID, reason string, identified bool) {
		t.Helper()
		require.Len(t, a.rows, 1)
		got := a.rows[0]
		require.Equal(t, identified, len(got.TokenID) == 26)
		got.TokenID = ""
		require.Equal(t, amsbridge.SSOEvent{Time: keytest.Time(), Action: action, Kind: kind, Audience: audience, UserID: user, Reason: reason}, got)
	}
	var said bytes.Buffer
	var secrets []string
	next := func() { // collect the rows
		t.Helper()
		for _, e := range a.rows {
			fmt.Fprintf(&said, "%+v\n", e)
			text, err := json.Marshal(e)
			require.NoError(t, err)
			said.Write(text)
			slogTo(&said, e)
		}
		a.rows = nil
	}
	hand := func(u amsbridge.User, audience string) string {
		token, _ := a.sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: audience, User: u, ReturnTo: "/private?token=abc", Nonce: "nonce-of-the-browser"})
		return token
	}
	good := hand(ada, "elevate")
	row(amsbridge.SSOMinted, ssotoken.HandOff, elevate, "U-1", "", true)
	next()
	hand(amsbridge.User{ID: "null", Email: "ada@example.org"}, "elevate")
	row(amsbridge.SSORefused, ssotoken.HandOff, "elevate", "", "HandOffRequest.User.ID is the text of a missing value", false)
	next()
	hand(amsbridge.User{ID: "U-1", Email: "ada@example.org\n"}, "elevate")
	row(amsbridge.SSORefused, ssotoken.HandOff, elevate, "U-1", "HandOffRequest.User.Email has control characters", false)
	next()
	hand(ada, "keyless")
	row(amsbridge.SSORefused, ssotoken.HandOff, "https://keyless.example.org", "U-1", "no key is active", false)
	next()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := a.sso.HandOff(ended, amsbridge.HandOffRequest{Audience: "elevate", User: ada})
	require.ErrorIs(t, err, context.Canceled)
	row(amsbridge.SSORefused, ssotoken.HandOff, "elevate", "", "the request ended", false)
	next()

	a.replay = errors.New("dsn: password=hunter2")
	_, err = a.handOffs.Verify(t.Context(), good)
	require.Error(t, err)
	row(amsbridge.SSORefused, ssotoken.HandOff, elevate, "U-1", "the replay store failed", true)
	next()
	a.replay = nil
	_, err = a.handOffs.Verify(t.Context(), good)
	require.NoError(t, err)
	row(amsbridge.SSOVerified, ssotoken.HandOff, elevate, "U-1", "", true)
	next()
	_, err = a.handOffs.Verify(t.Context(), good)
	require.Error(t, err)
	row(amsbridge.SSORefused, ssotoken.HandOff, elevate, "U-1", "token was used before", true)
	next()
	_, err = a.handOffs.Verify(t.Context(), good[:len(good)-4]+"AAAA")
	require.Error(t, err)
	require.Len(t, a.rows, 1)
	require.Empty(t, a.rows[0].UserID, "nobody knows who signed it")
	require.Empty(t, a.rows[0].TokenID)
	next()
	_, err = a.handOffs.Verify(t.Context(), "ada@example.org")
	require.Error(t, err)
	row(amsbridge.SSORefused, ssotoken.HandOff, elevate, "", "token has not two dots", false)
	next()

	session, err := a.sso.Session(t.Context(), "elevate", "U-1", "session-of-the-shop")
	require.NoError(t, err)
	row(amsbridge.SSOMinted, ssotoken.Session, elevate, "U-1", "", true)
	next()
	_, err = a.sessions.Verify(t.Context(), session)
	require.NoError(t, err)
	row(amsbridge.SSOVerified, ssotoken.Session, elevate, "U-1", "", true)
	next()
	a.alive = errors.New("dsn: password=hunter2")
	_, err = a.sessions.Verify(t.Context(), session)
	require.Error(t, err)
	row(amsbridge.SSORefused, ssotoken.Session, elevate, "U-1", "the look-up of the session failed", true)
	next()
	_, err = a.sessions.Verify(t.Context(), good)
	require.Error(t, err)
	row(amsbridge.SSORefused, ssotoken.Session, elevate, "", `header: typ is "ams-handoff+jwt", expected "ams-session+jwt"`, false)
	next()

	for _, token := range []string{good, session} {
		for part := range strings.SplitSeq(token, ".") {
			secrets = append(secrets, part[:16])
		}
	}
	secrets = append(secrets, b64(string(a.secret.Secret))[:16], string(a.secret.Secret), "ada@example", "Augusta", "hunter2",
		"session-of-the-shop", "nonce-of-the-browser", "/private")
	require.Contains(t, said.String(), "U-1")
	for _, secret := range secrets {
		require.NotContains(t, said.String(), secret)
	}
}

// Strangers' tokens do not fill the audit, whatever they hold.
func TestStrangersDoNotFillTheAudit(t *testing.T) {
	t.Parallel()
	a := newAuditRig(t)
	for i := range 2000 {
		_, err := a.handOffs.Verify(t.Context(), fmt.Sprint("junk", i))
		require.Error(t, err)
		_, err = a.sessions.Verify(t.Context(), strings.Repeat(".", i))
		require.Error(t, err)
	}
	require.LessOrEqual(t, len(a.rows), 600)
}

// A token that is accepted many times, and a pull session that a platform asks about, do not fill the audit.
func TestRepeatsDoNotFillTheAudit(t *testing.T) {
	t.Parallel()
	a := newAuditRig(t)
	v, err := New(Config{
		Issuer: shop, Audience: elevate, Keys: []ssokeys.VerificationKey{keytest.Public(t, a.key)}, AllowReplay: true,
		Claims: amsbridge.ProfileClaims{FirstName: "name", Email: "email"},
		Audit:  func(_ context.Context, e amsbridge.SSOEvent) { a.rows = append(a.rows, e) }, Now: keytest.Time,
	})
	require.NoError(t, err)
	token, session := minted(t, a.sso), ""
	session, err = a.sso.Session(t.Context(), "elevate", "U-1", "s-1")
	require.NoError(t, err)
	a.rows = nil
	for range 2000 {
		_, err := v.Verify(t.Context(), token)
		require.NoError(t, err)
		_, err = a.sessions.Verify(t.Context(), session)
		require.NoError(t, err)
	}
	require.Len(t, a.rows, 600)
}

// slogTo logs the event whole.
func slogTo(out *bytes.Buffer, e amsbridge.SSOEvent) {
	slog.New(slog.NewJSONHandler(out, nil)).Info("sso", "event", e)
}
