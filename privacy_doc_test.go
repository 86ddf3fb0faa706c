package amsbridge_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every test that the document on personal data names exists, and so does every clause of the stores'
// suite that its tables quote.
func TestPrivacyIsHeldByTests(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("docs/privacy.md")
	require.NoError(t, err)
	text := strings.Join(strings.Fields(string(doc)), " ")
	tests, named := testFunctions(t), 0
	for _, code := range regexp.MustCompile("`((?:[a-z/]+\\.)?(?:Test|Fuzz)[A-Z]\\w*)`").FindAllStringSubmatch(text, -1) {
		if code[1] == "folder.TestName" {
			continue // the form of such names
		}
		named++
		require.True(t, tests[code[1]], "no test is called %s", code[1])
	}
	require.Greater(t, named, 30)
	files, err := filepath.Glob("outbox/outboxtest/suite_*.go")
	require.NoError(t, err)
	var suite strings.Builder
	for _, file := range files {
		source, err := os.ReadFile(file) //nolint:gosec // of this tree
		require.NoError(t, err)
		suite.Write(source)
	}
	clauses := regexp.MustCompile(`[ (|]("(?:what|old|an?|nothing) [^"]{15,}")`).FindAllStringSubmatch(text, -1)
	require.Greater(t, len(clauses), 12)
	for _, c := range clauses {
		require.Contains(t, suite.String(), c[1])
	}
}
