package amsbridge_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The README's Go snippets are those which the compiler has seen.
func TestReadmeShowsTheExamples(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	code, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	parts := regexp.MustCompile(`(?s)\t// README: (\w+)\n(.*?)\t// README: end\n`).FindAllStringSubmatch(string(code), -1)
	require.Len(t, parts, 2)
	for _, p := range parts {
		var snippet strings.Builder
		for line := range strings.Lines(p[2]) {
			snippet.WriteString(strings.TrimPrefix(line, "\t"))
		}
		require.Contains(t, string(readme), "```go\n"+snippet.String()+"```\n", p[1])
	}
}

// Every package that the README's map names is there, and every package there
// is named.
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
		"outbox", "outbox/outboxtest", "outbox/migrations", "adapters/sqlstore", "adapters/pgxstore", "adapters/elevate", "adapters/notified", "adapters/sqlreplay", "adapters/muxroutes", "proof/conformance",
		"ssotest", "examples/store", "examples/checkout", "examples/worker", "examples/sandbox", "examples/check", "proof/e2e", "proof/bench", "proof/chaos", "proof/crash",
	} {
		require.Contains(t, string(readme), "| `"+dir+"` |")
	}
}
