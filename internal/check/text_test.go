package check_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
)

func TestTexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{check.Text("é", 2), ""},
		{check.Text("é", 1), "is longer than 1 bytes"},
		{check.Text("", 1), "is empty"},
		{check.Text("\xff", 9), "is not valid UTF-8"},
		{check.Text("a\nb", 9), "has control characters"},
		{check.Text("a\u2028b", 9), "has control characters"},
		{check.Name("a.B_9-", 6), ""},
		{check.Name("a b", 6), "is not 1 to 6 of [A-Za-z0-9._-]"},
		{check.Name("abcdefg", 6), "is not 1 to 6 of [A-Za-z0-9._-]"},
		{check.Email("ada@example.org", 255), ""},
		{check.Email("", 255), "is empty"},
		{check.Email("ada", 255), "is not an e-mail address"},
		{check.Email(" ada@example.org", 255), "is not an e-mail address"},
		{check.Email("Ada <ada@example.org>", 255), "is not an e-mail address"},
		{check.Email("ada@example.org, eve@example.org", 255), "is not an e-mail address"},
		{check.Email(strings.Repeat("a", 250)+"@b.org", 255), "is longer than 255 bytes"},
		{check.Secret([]byte("short")), "is shorter than 32 bytes"},
		{check.Secret([]byte(strings.Repeat("ab", 16))), "is not random"},
		{check.Secret([]byte("0123456789abcdef0123456789abcdef")), ""},
	} {
		require.Equal(t, c.want, c.got)
	}
}

func TestInputErrorsSayWhoSpeaksOnce(t *testing.T) {
	t.Parallel()
	inner := fmt.Errorf("wrapped: %w", check.Bad("ssokeys", "RingConfig.Keys[0].Key.Secret", "is not random"))
	outer := check.Renamed(inner, "amsbridge", "RingConfig.Keys[0]", "SSOConfig.Audiences[2]")
	require.EqualError(t, outer, "amsbridge: SSOConfig.Audiences[2].Key.Secret is not random")
	require.EqualError(t, check.Renamed(inner, "amsbridge", "Other", "Config.Keys"), "amsbridge: Config.Keys is not random")
	require.Equal(t, "is not random", check.Problem(inner))
	other := errors.New("of the database")
	require.Equal(t, other, check.Renamed(other, "amsbridge", "a", "b"))
	require.Empty(t, check.Problem(other))
}
