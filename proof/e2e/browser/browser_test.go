package browser

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryPageIsSeenInFourViews(t *testing.T) {
	t.Parallel()
	seen := map[[2]bool]string{}
	for _, v := range views() {
		seen[[2]bool{v.dark, v.phone}] = v.name
	}
	require.Len(t, seen, 4)
	require.Equal(t, "dark-phone", seen[[2]bool{true, true}])
	require.Equal(t, lightDesktop, views()[3], "a person goes on as they began")
}

func TestFileName(t *testing.T) {
	t.Parallel()
	require.Equal(t, "failed-James-O-Neill-light-phone", fileName("failed-James O’Neill-light-phone"))
	require.Equal(t, "sandbox-down", fileName("../sandbox, down"))
}
