package handoff

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
