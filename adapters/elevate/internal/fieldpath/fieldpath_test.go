package fieldpath_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
)

func TestPaths(t *testing.T) {
	t.Parallel()
	o := map[string]any{}
	require.True(t, fieldpath.Set(o, "a.b.c", 1))
	require.True(t, fieldpath.Set(o, "a.d", "x"))
	require.False(t, fieldpath.Set(o, "a.d", "y"), "taken")
	require.False(t, fieldpath.Set(o, "a.d.e", "y"), "lies on a text")
	v, ok := fieldpath.Get(o, "a.b.c")
	require.True(t, ok)
	require.Equal(t, 1, v)
	for _, none := range []string{"a.b.x", "a.b.c.d", "x", "a."} {
		_, ok = fieldpath.Get(o, none)
		require.False(t, ok, none)
	}
	require.ElementsMatch(t, []string{"a.b.c", "a.d"}, fieldpath.All(o))
}
