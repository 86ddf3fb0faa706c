package handoff

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

func TestStateServesItsPurposeWhileItLasts(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	s, err := newStateSigner(randomBytes(32), func() time.Time { return now })
	require.NoError(t, err)
	for _, text := range []string{"", "/a?b=c", "sign out\n9999999999\n/a", "\n\n", "\x00é"} {
		signed := s.sign(forWayBack, text, time.Hour)
		require.Equal(t, -1, strings.IndexFunc(signed, func(r rune) bool {
			return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", r)
		}))
		got, ok := s.open(forWayBack, signed)
		require.True(t, ok, "%q", text)
		require.Equal(t, text, got)
		_, ok = s.open(forSignOut, signed)
		require.False(t, ok, "another purpose")
		for i := range signed {
			changed := []byte(signed)
			changed[i] ^= 1
			_, ok := s.open(forWayBack, string(changed))
			require.False(t, ok, "a change at %d", i)
		}
		other, err := newStateSigner(randomBytes(32), s.now)
		require.NoError(t, err)
		_, ok = other.open(forWayBack, signed)
		require.False(t, ok, "another key")
	}
	signed := s.sign(forWayBack, "/", time.Hour)
	now = now.Add(time.Hour - time.Second)
	_, ok := s.open(forWayBack, signed)
	require.True(t, ok)
	now = now.Add(time.Second)
	_, ok = s.open(forWayBack, signed)
	require.False(t, ok)
}

// Who shares a secret with a platform must not sign its own ways back and sign-outs with it, from the start
// and after each change of a ring.
func TestStateKeyIsNoAudiencesSecret(t *testing.T) {
	t.Parallel()
	secret := keytest.Generated(t, ssokeys.HS256, "s")
	ring := keytest.Ring(t, nil, ssokeys.RingKey{Key: secret})
	sso, err := amsbridge.NewSSO(amsbridge.SSOConfig{Issuer: shop, Audit: quiet, Audiences: []amsbridge.Audience{
		{Name: "elevate", Audience: learn, Keys: ring, SharedSecret: true},
	}})
	require.NoError(t, err)
	with := func(stateKey []byte) error {
		cfg := newEnv(t, nil).cfg
		cfg.SSO, cfg.Platforms, cfg.StateKey = sso, cfg.Platforms[:1], stateKey
		_, err := New(cfg)
		return err
	}
	require.Equal(t, "handoff: Config.StateKey", keytest.BadField(t, with(secret.Secret)))
	padded := append(slices.Clone(secret.Secret), 0)
	require.Equal(t, "handoff: Config.StateKey", keytest.BadField(t, with(padded)), "the same HMAC key")
	other := randomBytes(32)
	require.NoError(t, with(other))
	next := []ssokeys.RingKey{{Key: ssokeys.SigningKey{ID: "next", Secret: other}}}
	require.Equal(t, "handoff: keys[0].Key.Secret", keytest.BadField(t, ring.Replace(next)))
}

// FuzzState: nothing that a browser sends makes open panic, and what it accepts was signed.
func FuzzState(f *testing.F) {
	s, err := newStateSigner(randomBytes(32), time.Now)
	require.NoError(f, err)
	f.Add("")
	f.Add("d2F5IGJhY2sKMQov.AAAA")
	f.Add(s.sign(forWayBack, "/", -time.Hour))
	f.Fuzz(func(t *testing.T, signed string) {
		_, ok := s.open(forWayBack, signed)
		require.False(t, ok)
	})
}
