package render

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/pages"
)

// rendered returns a page as a browser gets it.
func rendered(t *testing.T, cfg pages.Config, page pages.Page, autoSubmit bool) (body, policy string) {
	t.Helper()
	p, err := New("web", cfg)
	require.NoError(t, err)
	rec := httptest.NewRecorder()
	if autoSubmit {
		p.WriteForm(rec, page, false)
	} else {
		p.Write(rec, http.StatusOK, page)
	}
	require.Equal(t, http.StatusOK, rec.Code)
	return rec.Body.String(), rec.Header().Get("Content-Security-Policy")
}

func between(t *testing.T, text, start, end string) string {
	t.Helper()
	m := regexp.MustCompile("(?s)" + regexp.QuoteMeta(start) + "(.*?)" + regexp.QuoteMeta(end)).FindStringSubmatch(text)
	require.NotNil(t, m, text)
	return m[1]
}

// The policy allows exactly the page's style and script, to the byte, and no others.
func TestPagesAllowWhatTheyHaveInline(t *testing.T) {
	t.Parallel()
	form := &pages.Form{Action: "https://learn.example.org/in?a=b", Fields: []pages.Field{{Name: "token", Value: "x"}}, Button: "Go on"}
	body, policy := rendered(t, pages.Config{}, pages.Page{Title: "T", Form: form}, true)
	require.Contains(t, policy, "style-src "+cspHash(between(t, body, "<style>", "</style>"))+";")
	require.Contains(t, policy, "script-src "+cspHash(between(t, body, "<script>", "</script>"))+";")
	require.Contains(t, policy, "form-action https://learn.example.org;")
	require.Contains(t, body, `<button type="submit">Go on</button>`, "it works without the script")

	body, policy = rendered(t, pages.Config{Stylesheet: "/shop.css"}, pages.Page{Title: "T", Form: &pages.Form{Action: "/own", Button: "Go on"}}, false)
	require.NotContains(t, body, "<script>")
	require.NotContains(t, policy, "script-src")
	require.Contains(t, policy, "style-src "+cspHash(pageStyle)+" 'self';")
	require.Contains(t, policy, "form-action 'self';")
	require.Contains(t, body, `<link rel="stylesheet" href="/shop.css">`)
	_, policy = rendered(t, pages.Config{}, pages.Page{Title: "T"}, false)
	require.Contains(t, policy, "form-action 'none';")
}

// Under no-referrer, a form's POST would say "Origin: null", to ourselves too.
func TestPagesTellTheOriginWhereTheirFormNeedsIt(t *testing.T) {
	t.Parallel()
	p, err := New("web", pages.Config{})
	require.NoError(t, err)
	form := pages.Page{Title: "T", Form: &pages.Form{Action: "/own", Button: "Go on"}}
	for want, write := range map[string]func(http.ResponseWriter){
		"same-origin":   func(w http.ResponseWriter) { p.Write(w, http.StatusOK, form) },
		"no-referrer":   func(w http.ResponseWriter) { p.Write(w, http.StatusOK, pages.Page{Title: "T", Next: "/own"}) },
		"strict-origin": func(w http.ResponseWriter) { p.WriteForm(w, form, true) },
	} {
		rec := httptest.NewRecorder()
		write(rec)
		require.Equal(t, want, rec.Header().Get("Referrer-Policy"))
	}
	rec := httptest.NewRecorder()
	p.WriteForm(rec, form, false)
	require.Equal(t, "no-referrer", rec.Header().Get("Referrer-Policy"))
}

func TestPagesAreSound(t *testing.T) {
	t.Parallel()
	hostile := `"><script>alert(1)</script>`
	body, _ := rendered(t, pages.Config{}, pages.Page{
		Title: hostile, Text: []string{hostile}, Next: "/a?b=c&d", Links: []pages.Link{{URL: "javascript:alert(1)", Text: hostile}},
		Form: &pages.Form{Action: "/x", Fields: []pages.Field{{Name: hostile, Value: hostile}}, Button: hostile},
	}, false)
	require.NotContains(t, body, "<script>")
	require.NotContains(t, body, "javascript:")
	require.Contains(t, body, `<html lang="en">`)
	require.Contains(t, body, `name="viewport"`)
	require.Contains(t, body, `content="0; url=/a?b=c&amp;d"`)
	require.Equal(t, 1, strings.Count(body, "<h1>"))
	require.Equal(t, 1, strings.Count(body, "<main>"))
	require.Less(t, len(body), 4<<10, "small")
}

func TestPagesInTheShopsOwnLook(t *testing.T) {
	t.Parallel()
	own := template.Must(template.New("").Parse(`<html lang="{{.Lang}}"><style>{{.Style}}</style>{{.Name}}: {{.Title}}`))
	body, _ := rendered(t, pages.Config{Template: own, Lang: "de"}, pages.Page{Name: "waiting", Title: "<Fast> da"}, false)
	require.Equal(t, `<html lang="de"><style>`+pageStyle+`</style>waiting: &lt;Fast&gt; da`, body)

	broken := template.Must(template.New("").Parse(`half of it {{.Nothing}}`))
	p, err := New("web", pages.Config{Template: broken})
	require.NoError(t, err)
	rec := httptest.NewRecorder()
	p.Write(rec, http.StatusOK, pages.Page{Title: "T"})
	require.Equal(t, http.StatusInternalServerError, rec.Code)
	require.NotContains(t, rec.Body.String(), "half", "whole or not at all")
}
