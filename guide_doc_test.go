package amsbridge_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The guide "Orders change" names each example of the hook, and none that is not there.
func TestTheGuideNamesEachExample(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("docs/orders.md")
	require.NoError(t, err)
	named := map[string]bool{}
	for _, code := range regexp.MustCompile("`(Example[A-Z]\\w*)`").FindAllStringSubmatch(string(guide), -1) {
		named[code[1]] = true
	}
	there := 0
	for name := range testFunctions(t) {
		if strings.HasPrefix(name, "ExampleHook") {
			there++
			require.True(t, named[name], "the guide does not name %s", name)
			delete(named, name)
		}
	}
	require.Greater(t, there, 30)
	require.Empty(t, named, "the guide names examples that are not there")
}
