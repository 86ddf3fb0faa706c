package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestStoredTextIsInert(t *testing.T) {
	t.Parallel()
	site, err := New(fstest.MapFS{
		"pages/p.html": {Data: []byte("<h1>{{.}}</h1>\n<a title=\"{{.}}\" href=\"/x?y={{.}}\">{{.}}</a>")}, "assets/a.css": {},
	})
	require.NoError(t, err)
	for _, mark := range []string{
		"\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069",
		"\u2028", "\u2029", "\u0085", "\x1b", "\x07", "\x7f", "\u009b", "\ufeff", "\u200b", "\u00ad", "\U000e0041", "\xff",
	} {
		rec := httptest.NewRecorder()
		site.Show(rec, http.StatusOK, "p.html", "U-1"+mark+"gpj.exe")
		require.NotContains(t, rec.Body.String(), mark, "%q", mark)
		require.Contains(t, rec.Body.String(), "<h1>U-1\uFFFDgpj.exe</h1>", "%q", mark)
	}
	rec := httptest.NewRecorder()
	const names = "محمد\nمی\u200cخواهم 👩\u200d💻 O’Neill\tZoë\u00a0é"
	site.Show(rec, http.StatusOK, "p.html", names)
	require.Contains(t, rec.Body.String(), "<h1>"+names+"</h1>")
}
