package limit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	l := New(3, func() time.Time { return now })
	for range 3 {
		require.True(t, l.Left("a"))
		require.True(t, l.Left("a"), "looking counts nothing")
		require.True(t, l.Allow("a"))
	}
	require.False(t, l.Left("a"))
	require.False(t, l.Allow("a"))
	require.True(t, l.Allow("b"), "another caller is free")
	now = now.Add(20 * time.Second)
	require.True(t, l.Allow("a"), "a third of a minute is one call")
	require.False(t, l.Allow("a"))
}

// However many callers come, and however long their names, the memory is bounded.
func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	l := New(3, func() time.Time { return time.Unix(1_800_000_000, 0) })
	long := strings.Repeat("x", 1<<20)
	for range 3 {
		require.True(t, l.Allow(long))
	}
	require.False(t, l.Allow(long))
	require.True(t, l.Allow(long+"y"), "names are told apart to their ends")
	for i := range 3 * maxCallers {
		l.Left(fmt.Sprint(i))
	}
	require.LessOrEqual(t, len(l.young)+len(l.old), 2*maxCallers)
	for name := range l.young {
		require.Len(t, name, 32)
	}
}
