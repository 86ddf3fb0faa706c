package amsbridge_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/amsbridge/amsbridge"

// Other modules, named in the table below.
const (
	jose      = "github.com/go-jose/go-jose/v4"
	jwt       = "github.com/golang-jwt/jwt/v5"
	mux       = "github.com/gorilla/mux"
	pgx       = "github.com/jackc/pgx/v5"
	prom      = "github.com/prometheus/client_golang"
	retryable = "github.com/hashicorp/go-retryablehttp"
	testify   = "github.com/stretchr/testify"
	xrate     = "golang.org/x/time/rate"
)

// mayImport lists what a folder's files may import besides the standard library, tests excepted. A line
// holds for the folders below it too, unless they have one of their own. "." is the root package,
// "/..." includes folders below, and "*" is anything.
var mayImport = map[string][]string{
	// Orders, and the signing of hand-offs.
	".":                 {"outbox", "ssokeys", "internal/check", "internal/ssotoken", "internal/web"},
	"outbox":            {"internal/check"},
	"outbox/migrations": {},
	"outbox/outboxtest": {"outbox", "internal/check", testify + "/..."},
	"internal/check":    {},
	// Hand-offs and links.
	"ssokeys":             {"internal/check", "internal/ssotoken", "internal/web", jose, jwt},
	"ssoverify":           {".", "ssokeys", "pages", "internal/check", "internal/render", "internal/ssotoken", "internal/web"},
	"handoff":             {".", "outbox", "ssoverify", "pages", "internal/check", "internal/render", "internal/ssotoken", "internal/web", xrate},
	"cartlink":            {".", "pages", "internal/check", "internal/query", "internal/render", "internal/web"},
	"pages":               {},
	"ssotest":             {".", "ssokeys", "ssoverify", "internal/check", jose, jwt, testify + "/..."},
	"internal/keytest":    {"ssokeys", "internal/check", testify + "/..."},
	"internal/query":      {},
	"internal/render":     {"pages", "internal/check", "internal/web"},
	"internal/ssotoken":   {"internal/check"},
	"internal/web":        {"internal/check"},
	"internal/strictjson": {"internal/check"},
	// Platforms.
	"adapters/contract":              {},
	"adapters/elevate":               {".", "outbox", "adapters/contract", "adapters/elevate/internal/...", "internal/..."},
	"adapters/elevate/elevatetest":   {".", "outbox", "adapters/elevate/...", "internal/...", mux},
	"adapters/notified":              {".", "outbox", "adapters/contract", "internal/..."},
	"adapters/notified/notifiedtest": {".", "outbox", "adapters/notified", "internal/...", mux},
	"internal":                       {".", "outbox", "adapters/contract", "internal/...", retryable},
	"internal/outcometest":           {".", "outbox/...", "internal/...", testify + "/..."},
	// Stores, which do not know orders.
	"adapters/sqlstore":   {"outbox", "internal/check", "internal/sqlcore", "internal/sqlmigrate"},
	"adapters/pgxstore":   {"outbox", "internal/check", "internal/sqlcore", "internal/sqlmigrate", pgx + "/..."},
	"internal/sqlcore":    {"outbox", "outbox/migrations", "internal/check", "internal/sqlmigrate"},
	"internal/sqlmigrate": {"internal/check"},
	"adapters/sqlreplay":  {".", "ssoverify", "internal/check", "internal/sqlmigrate"},
	// The rest.
	"adapters/muxroutes":  {"cartlink", "handoff", "internal/check", mux},
	"adapters/prometheus": {"outbox", "internal/check", prom + "/..."},
	"examples":            {"*"},
	"proof":               {"*"},
}

func TestWhoImportsWhom(t *testing.T) {
	t.Parallel()
	seen := 0
	require.NoError(t, filepath.WalkDir(".", func(file string, e fs.DirEntry, err error) error {
		file = filepath.ToSlash(file)
		switch {
		case err != nil:
			return err
		case e.IsDir() && file != "." && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata"):
			return filepath.SkipDir
		case e.IsDir(), !strings.HasSuffix(file, ".go"), strings.HasSuffix(file, "_test.go"):
			return nil
		}
		seen++
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range source.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if problem := importProblem(path.Dir(file), name); problem != "" {
				t.Errorf("%s imports %s: %s", file, name, problem)
			}
		}
		return nil
	}))
	require.NotZero(t, seen)
}

func importProblem(dir, name string) string {
	if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	if name == module {
		name = "."
	}
	name = strings.TrimPrefix(name, module+"/")
	owner := dir
	allowed, ok := mayImport[owner]
	for !ok && owner != "." {
		if owner = path.Dir(owner); owner != "." {
			allowed, ok = mayImport[owner]
		}
	}
	switch {
	case !ok:
		return "the folder has no line in mayImport"
	case slices.Equal(allowed, []string{"*"}):
		return ""
	case strings.HasSuffix(name, "test") && !strings.HasSuffix(dir, "test"):
		return "it is for tests"
	}
	for _, a := range allowed {
		if below, ok := strings.CutSuffix(a, "/..."); name == a || ok && (name == below || strings.HasPrefix(name, below+"/")) {
			return ""
		}
	}
	return "it may import only " + strings.Join(append(allowed, "the standard library"), ", ")
}

func TestImportProblem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dir, name string
		allowed   bool
	}{
		{".", "crypto/ecdsa", true},
		{".", module + "/outbox", true},
		{".", module + "/outbox/outboxtest", false},
		{".", module + "/adapters/elevate", false},
		{".", module + "/handoff", false},
		{".", module + "/ssoverify", false},
		{".", "github.com/golang-jwt/jwt/v5", false},
		{"ssokeys", module, false},
		{"ssokeys", module + "/outbox", false},
		{"ssoverify", module + "/handoff", false},
		{"ssoverify", module + "/cartlink", false},
		{"handoff", module + "/cartlink", false},
		{"cartlink", module + "/handoff", false},
		{"cartlink", module + "/ssoverify", false},
		{"pages", module + "/internal/web", false},
		{"internal/check", module, false},
		{"internal/web", module, false},
		{"outbox", module + "/internal/check", true},
		{"outbox", module + "/internal/web", false},
		{"handoff", module + "/ssoverify", true},
		{".", testify + "/require", false},
		{"outbox", module, false},
		{"outbox", module + "/outbox/migrations", false},
		{"outbox", mux, false},
		{"outbox/migrations", module + "/outbox", false},
		{"outbox/outboxtest", testify + "/require", true},
		{"adapters/elevate", module, true},
		{"adapters/elevate", module + "/internal/apiclient", true},
		{"adapters/elevate", module + "/adapters/notified", false},
		{"adapters/elevate", module + "/adapters/sqlstore", false},
		{"adapters/elevate", module + "/adapters/elevate/elevatetest", false},
		{"adapters/elevate/elevatetest", module + "/adapters/elevate", true},
		{"adapters/notified/notifiedtest", module + "/adapters/elevate", false},
		{"adapters/sqlstore", module + "/internal/sqlcore", true},
		{"internal/sqlcore", module + "/outbox/migrations", true},
		{"internal/sqlcore", pgx, false},
		{"adapters/sqlstore", module, false},
		{"adapters/sqlstore", "github.com/lib/pq", false},
		{"adapters/unheard-of", module, false},
		{"unheard-of", module, false},
		{"examples/store", module + "/adapters/elevate/elevatetest", true},
	} {
		require.Equal(t, c.allowed, importProblem(c.dir, c.name) == "", "%s imports %s", c.dir, c.name)
	}
}

// A shop that requires the library gets these modules and no database driver.
func TestDirectRequirements(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	var direct []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(fields) == 2 && strings.HasPrefix(fields[1], "v") {
			direct = append(direct, fields[0])
		}
	}
	must := []string{jwt, mux, retryable, testify}
	may := []string{"github.com/go-jose/go-jose/v4", "golang.org/x/time"}
	require.Subset(t, direct, must)
	require.Subset(t, append(must, may...), direct)
}
