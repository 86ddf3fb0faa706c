package amsbridge_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The hand-off in the README is code that was compiled.
func TestReadmeShowsTheHandOff(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	code, err := os.ReadFile("handoff/example_test.go")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(code), "\t// README: hand-off\n")
	shown, _, found := strings.Cut(rest, "\t// README: end\n")
	require.True(t, found)
	var snippet strings.Builder
	for line := range strings.Lines(shown) {
		snippet.WriteString(strings.TrimPrefix(line, "\t"))
	}
	require.Contains(t, string(readme), "```go\n"+snippet.String()+"```\n")
}

// Every package that the README's map names exists, and every package is named there.
func TestReadmeMapsThePackages(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	named := regexp.MustCompile("(?m)^\\| `([a-z0-9/]+)` \\|").FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, named)
	for _, n := range named {
		info, err := os.Stat(n[1])
		require.NoError(t, err, "the README names a folder that is not there")
		require.True(t, info.IsDir())
	}
	for _, dir := range []string{
		"ssokeys", "ssoverify", "handoff", "cartlink", "pages", "outbox", "outbox/outboxtest", "outbox/migrations", "adapters/sqlstore", "adapters/pgxstore", "adapters/elevate", "adapters/notified", "adapters/sqlreplay", "adapters/muxroutes", "adapters/contract", "proof/conformance",
		"ssotest", "examples/store", "examples/checkout", "examples/worker", "examples/sandbox", "examples/check", "proof/e2e", "proof/bench", "proof/chaos", "proof/crash", "proof/orders",
	} {
		require.Contains(t, string(readme), "| `"+dir+"` |")
	}
}
