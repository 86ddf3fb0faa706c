package browse

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoadsCountADocumentOnceItHasLoaded(t *testing.T) {
	t.Parallel()
	l := newLoads()
	l.begin()
	l.begin() // the first one never loaded
	before, done, more := l.now()
	require.Equal(t, 2, before)
	require.Zero(t, done)
	l.end()
	<-more
	_, done, more = l.now()
	require.Equal(t, 2, done, "the end is that of the document which began last")
	require.LessOrEqual(t, done, before, "a load that began before a step does not count for it")
	l.begin()
	l.end()
	<-more
	_, done, _ = l.now()
	require.Greater(t, done, before)
}

func TestEveryPageIsSeenInFourViews(t *testing.T) {
	t.Parallel()
	seen := map[[2]bool]string{}
	for _, v := range Views() {
		seen[[2]bool{v.Dark, v.Phone}] = v.Name
	}
	require.Len(t, seen, 4)
	require.Equal(t, "dark-phone", seen[[2]bool{true, true}])
	require.Equal(t, Desktop, Views()[3], "a person goes on as they began")
}

func TestFileName(t *testing.T) {
	t.Parallel()
	require.Equal(t, "failed-James-O-Neill-light-phone", fileName("failed-James O’Neill-light-phone"))
	require.Equal(t, "sandbox-down", fileName("../sandbox, down"))
}
