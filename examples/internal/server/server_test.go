package server

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var fine = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

func TestNobodyHoldsAServerUp(t *testing.T) {
	t.Parallel()
	s := New(fine)
	for name, limit := range map[string]time.Duration{
		"header": s.ReadHeaderTimeout, "read": s.ReadTimeout, "write": s.WriteTimeout, "idle": s.IdleTimeout,
	} {
		require.Positive(t, limit, name)
		require.LessOrEqual(t, limit, 2*time.Minute, name)
	}
	running := httptest.NewUnstartedServer(nil)
	running.Config = s
	running.Start()
	t.Cleanup(running.Close)
	ask := func(header int) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, running.URL, nil)
		require.NoError(t, err)
		r.Header.Set("X-Large", strings.Repeat("x", header))
		resp, err := running.Client().Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	require.Equal(t, http.StatusNoContent, ask(12<<10), "a token and some cookies")
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, ask(64<<10))
}

// A server that an example makes by itself would have other bounds.
func TestEveryExampleServesByThisPackage(t *testing.T) {
	t.Parallel()
	files := 0
	require.NoError(t, filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || filepath.Base(path) == "server.go" {
			return err
		}
		source, err := os.ReadFile(path)
		files++
		require.NotRegexp(t, `http\.(Server\{|Serve\(|ServeTLS\(|ListenAndServe)|new\(http\.Server\)`, string(source), path)
		return err
	}))
	require.Greater(t, files, 20)
}

// deadlined notes the deadline of an answer.
type deadlined struct {
	http.ResponseWriter
	at []time.Time
}

func (d *deadlined) SetWriteDeadline(t time.Time) error {
	d.at = append(d.at, t)
	return nil
}

func TestPatientLiftsTheDeadlineOfTheAnswerAlone(t *testing.T) {
	t.Parallel()
	w := &deadlined{ResponseWriter: httptest.NewRecorder()}
	Patient(fine).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Equal(t, []time.Time{{}}, w.at)
}

func TestForeignHostNamesAreRefused(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]int{
		"127.0.0.1": 204, "127.0.0.1:8080": 204, "[::1]:8080": 204, "[::1]": 204, "localhost": 204, "LOCALHOST:8080": 204, "192.0.2.7:80": 204,
		"": 421, "evil.example": 421, "evil.example:8080": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "localhost.": 421,
		"127.0.0.1@evil.example": 421, "xlocalhost": 421, "127.1": 421, "2130706433": 421, "localhost:80:80": 421, "127.0.0.1 evil": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		r.Header.Set("X-Forwarded-Host", "localhost")
		rec := httptest.NewRecorder()
		Addressed(fine).ServeHTTP(rec, r)
		require.Equal(t, want, rec.Code, "%q", host)
	}
}
