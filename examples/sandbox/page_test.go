package main

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func TestPageIsInert(t *testing.T) {
	t.Parallel()
	p := start(t)
	learning, events := p.elevate(), p.notified()
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "'--><b>", "]]>&amp;{{.}}", strings.Repeat("a", 255), "javascript:alert(1)",
	} {
		require.Equal(t, outbox.OutcomeDelivered, outcome(t, learning, registration(hostile, "course-ethics")), hostile)
		require.Equal(t, outbox.OutcomeNotReady, outcome(t, events, addOns(hostile, 9985)), hostile)
	}
	p.do(http.MethodGet, notifiedPath+"?LASCmd=AI:4;F:APIUTILS!50500&OpCodeList="+url.QueryEscape("<i>\x1b[2J")+"&ExternalUserID="+url.QueryEscape("\u202Egpj.exe")+"&"+url.QueryEscape("<u>"+strings.Repeat("n", 500))+"=1", nil, nil)
	for _, path := range []string{"/", "/?watch=1"} {
		a := p.do(http.MethodGet, path, nil, nil)
		requireSound(t, a.body)
		require.Contains(t, a.body, "&lt;script&gt;alert(1)&lt;/script&gt;")
		require.NotRegexp(t, `<(script|img|b|i|u)\b|javascript:[^<]*"|\x1b|\x{202E}|a{101}|n{101}`, a.body)
		require.Equal(t, "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			a.header.Get("Content-Security-Policy"))
		require.Equal(t, "no-store", a.header.Get("Cache-Control"))
		require.NotContains(t, a.body, p.printed("api_key"))
		require.NotContains(t, a.body, p.printed("APIUserCredentials"))
		require.NotRegexp(t, `(?i)<style|<[^>]*\s(style|on\w+)=`, a.body, "nothing that the policy would refuse")
	}
}

// A script comes back from its form as it was meant, and cannot turn its own text round.
func TestScriptsAreInert(t *testing.T) {
	t.Parallel()
	p := start(t)
	const hostile = `{"rate": 1, "faults": [{"kind": "garbage", "body": "a` + "\u202e\u2028\u200f\U000e0041" + `b"}]}`
	for script, status := range map[string]int{hostile: http.StatusSeeOther, hostile + "x": http.StatusBadRequest} {
		a := p.post("/script", "platform", atNotified, "script", script)
		require.Equal(t, status, a.status)
		page := a.body
		if status == http.StatusSeeOther {
			page = p.page()
		}
		require.NotRegexp(t, `[\x{200f}\x{2028}\x{202e}\x{e0041}]`, page)
		require.Contains(t, page, `a\u202e\u2028\u200f\udb40\udc41b`)
	}
	for _, script := range []string{hostile, "{\n\t\"é\": \"👩‍💻\"}"} {
		var want, got any
		require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(script, "\t", " ")), &want))
		require.NoError(t, json.Unmarshal([]byte(typed(script)), &got))
		require.Equal(t, want, got)
	}
}

// requireSound wants tags that close in order, IDs that are there once, and
// labels, links and descriptions that lead to one.
func requireSound(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	ids, wanted, open := map[string]bool{}, map[string]string{}, []string{}
	labelled, controls := map[string]bool{}, []string{}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch e := tok.(type) {
		case xml.EndElement:
			require.Equal(t, open[len(open)-1], e.Name.Local)
			open = open[:len(open)-1]
		case xml.StartElement:
			open = append(open, e.Name.Local)
			is := map[string]string{}
			for _, a := range e.Attr {
				_, twice := is[a.Name.Local]
				require.False(t, twice, "<%s> has %s twice", e.Name.Local, a.Name.Local)
				is[a.Name.Local] = a.Value
			}
			if id := is["id"]; id != "" {
				require.False(t, ids[id], "the ID %s is there twice", id)
				ids[id] = true
			}
			for _, ref := range []string{is["for"], is["aria-labelledby"], is["aria-describedby"], strings.TrimPrefix(is["href"], "#")} {
				if ref != "" && !strings.ContainsAny(ref, "/:") {
					wanted[ref] = e.Name.Local
				}
			}
			labelled[is["for"]] = true
			if n := e.Name.Local; n == "select" || n == "textarea" || n == "input" && is["type"] != "hidden" {
				controls = append(controls, is["id"])
			}
			if e.Name.Local == "html" {
				require.Equal(t, "en", is["lang"])
			}
			if e.Name.Local == "th" {
				require.Equal(t, "col", is["scope"])
			}
		}
	}
	require.Empty(t, open)
	for ref, by := range wanted {
		require.True(t, ids[ref], "<%s> names the ID %s, which is not there", by, ref)
	}
	for _, id := range controls {
		require.True(t, labelled[id], "the control %q has no label", id)
	}
}

func TestWatching(t *testing.T) {
	t.Parallel()
	_, h := served(t)
	still, watched := fetch(h, "/").Body.String(), fetch(h, "/?watch=1").Body.String()
	require.NotContains(t, still, "http-equiv")
	require.Contains(t, still, "<form")
	require.Contains(t, watched, `<meta http-equiv="refresh" content="2">`)
	require.NotContains(t, watched, "<form", "nothing that a refresh could tear from under somebody's hands")
	require.Contains(t, watched, "<strong>Elevate</strong>’s faults: none")
	for _, tables := range []string{still, watched} {
		requireSound(t, tables)
	}
}

func TestJournalsAreCutOnThePageAndWholeInTheExport(t *testing.T) {
	t.Parallel()
	s, h := served(t)
	const calls = maxRows + 50
	for range calls {
		r := httptest.NewRequest(http.MethodPost, registrationPath, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		s.elevate.ServeHTTP(httptest.NewRecorder(), r)
	}
	s.notified.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, notifiedPath, nil))
	body := fetch(h, "/").Body.String()
	require.Equal(t, maxRows, strings.Count(body, `data-label="Answer"`))
	require.Contains(t, body, fmt.Sprintf("The latest %d of %d", maxRows, calls+1))
	newest := regexp.MustCompile(`data-label="To">(\w+) <span class="small">#(\d+)<`).FindAllStringSubmatch(body, 2)
	require.Equal(t, []string{"Notified", "1"}, newest[0][1:], "the newest first")
	require.Equal(t, []string{"Elevate", fmt.Sprint(calls)}, newest[1][1:])

	for path, want := range map[string]int{"/journal/elevate.jsonl": calls, "/journal/notified.jsonl": 1} {
		w := fetch(h, path)
		require.Equal(t, "application/jsonl; charset=utf-8", w.Header().Get("Content-Type"))
		lines, n := bufio.NewScanner(w.Body), 0
		for ; lines.Scan(); n++ {
			require.True(t, json.Valid(lines.Bytes()), lines.Text())
		}
		require.Equal(t, want, n, path)
	}
}
