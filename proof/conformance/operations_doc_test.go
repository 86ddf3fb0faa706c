package conformance

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// docs/operations.md names a test for each claim: they exist.
func TestOperationsPageNamesTests(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	var code strings.Builder
	for _, dir := range []string{"..", "../../outbox", "../../adapters", "../../internal"} {
		require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") && !strings.Contains(path, "suite_") {
				return err
			}
			text, err := os.ReadFile(path)
			code.Write(text)
			return err
		}))
	}
	root, err := filepath.Glob("../../*_test.go")
	require.NoError(t, err)
	for _, path := range root {
		text, err := os.ReadFile(path) //nolint:gosec // of this tree
		require.NoError(t, err)
		code.Write(text)
	}
	names := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(names), 15)
	for _, name := range names {
		require.Contains(t, code.String(), "func "+name[1]+"(t *testing.T)", "docs/operations.md names a test that is not there")
	}
}
