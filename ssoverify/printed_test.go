package ssoverify

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

func TestVerifiersPrintNoSecret(t *testing.T) {
	t.Parallel()
	secret := keytest.Generated(t, ssokeys.HS256, "s1")
	keys := []ssokeys.VerificationKey{keytest.Public(t, secret)}
	cfg := Config{Issuer: shop, Audience: elevate, Keys: keys, AllowReplay: true}
	v, err := New(cfg)
	require.NoError(t, err)
	byRing := sourceVerifier(t, keytest.Ring(t, nil, ssokeys.RingKey{Key: secret}), nil)
	sessionsConfig := SessionsConfig{Issuer: shop, Audience: elevate, Keys: keys, Alive: alive}
	sessions, err := NewSessions(sessionsConfig)
	require.NoError(t, err)
	text := keytest.Printed(t, cfg, &cfg, v, *v, *v.reader, byRing, *byRing, *byRing.reader,
		sessionsConfig, sessions, *sessions, *sessions.reader)
	require.Contains(t, text, `VerificationKey("s1")`)
	keytest.NoSecret(t, text, secret.Secret)
}
