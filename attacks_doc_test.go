package amsbridge_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssotest"
)

// Every test and every case that the document names exists, and it names the group of every case of
// ssotest.
func TestAttacksAreHeldByTests(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("docs/attacks.md")
	require.NoError(t, err)
	tests, cases, groups := testFunctions(t), map[string]bool{}, map[string]bool{}
	for _, cfg := range []ssotest.Config{{}, {Kind: ssotest.Sessions, Algorithms: []ssokeys.Algorithm{ssokeys.ES256}}} {
		cfg.New = refuseAll
		results, err := ssotest.Check(t.Context(), cfg)
		require.NoError(t, err)
		for _, r := range results {
			group, _, _ := strings.Cut(r.Name, "/")
			cases[r.Name], groups[group] = true, true
			cases[group+"/*"] = true
		}
	}
	named, mentioned := 0, map[string]bool{}
	for _, code := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(string(doc), -1) {
		name := code[1]
		group, _, isCase := strings.Cut(name, "/")
		switch {
		case regexp.MustCompile(`^(?:[a-z/]+\.)?(?:Test|Fuzz)[A-Z0-9]\w*$`).MatchString(name):
			if name == "folder.TestName" {
				continue // the form of such names
			}
			named++
			require.True(t, tests[name], "no test is called %s", name)
		case isCase && groups[group]:
			mentioned[group] = true
			require.True(t, cases[name], "no case is called %s", name)
		}
	}
	require.Greater(t, named, 50)
	for group := range groups {
		require.True(t, mentioned[group], "the document does not mention the cases %s/*", group)
	}
}

func refuseAll(ssotest.Setup) (ssotest.Verifier, error) {
	return func(context.Context, string) (ssotest.Accepted, error) { return ssotest.Accepted{}, errors.New("no") }, nil
}

// testFunctions returns the names of all modules' tests: "folder.TestName", and "TestName" for the
// root.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	require.NoError(t, filepath.WalkDir(".", func(file string, e fs.DirEntry, err error) error {
		file = filepath.ToSlash(file)
		switch {
		case err != nil:
			return err
		case e.IsDir() && file != "." && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata"):
			return filepath.SkipDir
		case e.IsDir(), !strings.HasSuffix(file, "_test.go"):
			return nil
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		prefix := path.Dir(file) + "."
		if prefix == ".." {
			prefix = ""
		}
		for _, d := range source.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				found[prefix+f.Name.Name] = true
			}
		}
		return nil
	}))
	return found
}
