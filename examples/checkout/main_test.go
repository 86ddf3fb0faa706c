package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func testDSN(t *testing.T) string {
	t.Helper()
	return strings.Replace(dsn, "shop.db", filepath.Join(t.TempDir(), "shop.db"), 1)
}

func TestCheckout(t *testing.T) {
	t.Parallel()
	file := testDSN(t)
	for range 2 { // the second time on a database that is there
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), file, &out))
		require.Regexp(t, `^needs a person: line 3: product has an unknown mapping: .*
open task: lines \[3\]: product has an unknown mapping: .*
line 1 at elevate: delivered http://127\.0\.0\.1:\d+/products/course-101
line 2 at notified: delivered 
$`, out.String())
	}
}

func TestCheckoutEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, testDSN(t), &out), context.Canceled)
	require.Empty(t, out.String())
}

// The README shows this very program.
func TestTheReadmeShowsIt(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, code, found := strings.Cut(string(source), "package main\n")
	require.True(t, found)
	require.Contains(t, string(readme), "```go\npackage main\n"+code+"```\n")
}
