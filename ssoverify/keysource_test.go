package ssoverify

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

func TestRevokedAtOnce(t *testing.T) {
	t.Parallel()
	now := keytest.Time
	sso, ring := ringSSO(t, now, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "old")}, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "new"), ActiveFrom: keytest.Time().Add(-time.Hour)})
	v := sourceVerifier(t, ring, now)
	signedByNew := minted(t, sso)
	_, err := v.Verify(t.Context(), signedByNew)
	require.NoError(t, err)

	require.ErrorIs(t, ring.Revoke("unheard-of"), ssokeys.ErrUnknown)
	require.NoError(t, ring.Revoke("new"))
	require.NoError(t, ring.Revoke("new"), "again is no error")
	_, err = v.Verify(t.Context(), signedByNew)
	require.ErrorIs(t, err, ErrInvalidToken)
	_, err = v.Verify(t.Context(), minted(t, sso))
	require.NoError(t, err, "the old key signs in its place")

	require.NoError(t, ring.Revoke("old"))
	_, err = sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: "U-1"}})
	require.ErrorIs(t, err, ssokeys.ErrNoActive)
}

func TestRemoteKeysVerify(t *testing.T) {
	t.Parallel()
	now := keytest.Time
	sso, ring := ringSSO(t, now, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.ES256, "a")})
	h, err := ssokeys.NewJWKS(ssokeys.JWKSConfig{Rings: []*ssokeys.Ring{ring}})
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the stranger's handshake fails
	server.StartTLS()
	defer server.Close()
	pool := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	remote, err := ssokeys.NewRemote(ssokeys.RemoteConfig{URL: server.URL, RootCAs: pool, Now: now, Timeout: time.Minute})
	require.NoError(t, err)
	got, err := sourceVerifier(t, remote, now).Verify(t.Context(), minted(t, sso))
	require.NoError(t, err)
	require.Equal(t, amsbridge.UserID("U-1"), got.User.ID)

	stranger, err := ssokeys.NewRemote(ssokeys.RemoteConfig{URL: server.URL, Now: now, Timeout: time.Minute, Report: func(error) {}})
	require.NoError(t, err)
	_, err = sourceVerifier(t, stranger, now).Verify(t.Context(), minted(t, sso))
	require.ErrorIs(t, err, ErrInvalidToken, "an unknown certificate")
	_, err = stranger.VerificationKey(t.Context(), "a")
	require.ErrorContains(t, err, "certificate")
	require.NotContains(t, err.Error(), server.URL)
}

// An error of the key source refuses the token; the log does not show the error's text.
func TestKeySourceFails(t *testing.T) {
	t.Parallel()
	cause := errors.New("dial tcp: secret-host")
	ed := keytest.Ed25519(t)
	for _, c := range []struct {
		source ssokeys.Source
		reason string
	}{
		{sourceFunc(func(string) (ssokeys.VerificationKey, error) { return ssokeys.VerificationKey{}, cause }), "the key source failed"},
		{sourceFunc(func(string) (ssokeys.VerificationKey, error) { return ssokeys.VerificationKey{}, nil }), "the key source failed"},
		{sourceFunc(func(string) (ssokeys.VerificationKey, error) {
			return ssokeys.VerificationKey{ID: "other", Public: ed.Public()}, nil
		}), "the key source failed"},
		{sourceFunc(func(string) (ssokeys.VerificationKey, error) { return ssokeys.VerificationKey{}, ssokeys.ErrUnknown }), "header: kid is not that of an accepted key"},
	} {
		v := sourceVerifier(t, c.source, keytest.Time)
		_, err := v.Verify(t.Context(), b64(goodHeader)+"."+b64(goodClaims)+".AA")
		var refused *TokenError
		require.ErrorAs(t, err, &refused)
		require.EqualError(t, refused.Err, c.reason)
	}
}

type sourceFunc func(id string) (ssokeys.VerificationKey, error)

func (f sourceFunc) VerificationKey(_ context.Context, id string) (ssokeys.VerificationKey, error) {
	return f(id)
}
