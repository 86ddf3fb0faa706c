package record

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// token is shaped as the shop's hand-off tokens are.
const token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJVLTEwMDEifQ.c2lnbmF0dXJlLW9mLXRoZS1zaG9w" //nolint:gosec // no secret

func handOff() Request {
	return Request{Method: "POST", URL: "http://learn.example/sso", Body: url.Values{"token": {token}}.Encode()}
}

func TestLeaks(t *testing.T) {
	t.Parallel()
	claims, signature := strings.Split(token, ".")[1], strings.Split(token, ".")[2]
	tests := map[string]struct {
		call Request
		want []Kind
	}{
		"nothing":                        {call: Request{URL: "http://learn.example/course", Referer: "http://learn.example/sso"}},
		"the token in the Referer":       {Request{URL: "http://learn.example/course", Referer: "http://learn.example/sso?t=" + token}, []Kind{Referer}},
		"its claims alone":               {Request{URL: "http://learn.example/course", Referer: "http://learn.example/" + claims}, []Kind{Referer}},
		"its signature, encoded":         {Request{URL: "http://learn.example/course", Referer: "http://learn.example/?x=%63" + signature[1:]}, []Kind{Referer}},
		"the token in the URL":           {Request{URL: "http://learn.example/sso?token=" + token}, []Kind{URL}},
		"a header that all tokens share": {call: Request{URL: "http://learn.example/eyJhbGciOiJFZERTQSJ9"}},
		"another site's query":           {Request{URL: "http://learn.example/", Referer: "http://shop.example/?q=1"}, []Kind{Referer}},
		"the same site's query":          {call: Request{URL: "http://shop.example/", Referer: "http://shop.example/?q=1"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A leak counts whether the token was known before or after it.
			for _, order := range [][]Request{{handOff(), tc.call}, {tc.call, handOff()}} {
				r := New()
				for _, c := range order {
					r.Request(c)
				}
				var kinds []Kind
				for _, f := range r.Findings() {
					kinds = append(kinds, f.Kind)
					require.NotContains(t, f.String(), token, "a report must not leak in its turn")
				}
				require.Equal(t, tc.want, kinds)
			}
		})
	}
}

func TestTicketsStandInTheirOwnURLAlone(t *testing.T) {
	t.Parallel()
	const at = "http://events.example/scripts/Server.nxp?LASCmd=AI:4;F:APIUTILS!50505&LoginTicketKey=T1234567"
	r := New()
	r.Request(Request{Method: "GET", URL: strings.ReplaceAll(at, ";", "%3B")})
	r.Request(Request{Method: "GET", URL: "http://events.example/", Referer: "http://shop.example/"})
	require.Empty(t, r.Findings())
	r.Request(Request{Method: "GET", URL: "http://events.example/site.css", Referer: at})
	r.Request(Request{Method: "GET", URL: "http://events.example/?back=T1234567"})
	all := r.Findings()
	require.Equal(t, 1, Count(all, Referer))
	require.Equal(t, 1, Count(all, URL))
}

func TestLogs(t *testing.T) {
	t.Parallel()
	r := New()
	r.Request(handOff())
	r.Request(Request{Method: "GET", URL: "http://events.example/?LoginTicketKey=T1234567"})
	r.ServerLog("WARN a hand-off was refused user=U-1001 token=jti-1")
	require.Empty(t, r.Findings())
	r.ServerLog("token " + token + " ticket T1234567 of maria.keller@example.org")
	require.Equal(t, 3, Count(r.Findings(), Log))
}

func TestHandOffsAreTheFormsWithATokenAlone(t *testing.T) {
	t.Parallel()
	r := New()
	r.Request(Request{Method: "GET", URL: "http://shop.example/"})
	r.Request(Request{Method: "POST", URL: "http://shop.example/checkout", Body: "terms=yes", Referer: "http://shop.example/cart"})
	r.Request(handOff())
	require.Equal(t, []Request{handOff()}, r.HandOffs())
	require.Equal(t, 1, r.Referers())
}

func TestAnswersAndConsole(t *testing.T) {
	t.Parallel()
	r := New()
	r.ExpectStatus("/sso", 403)
	r.Response("http://learn.example/sso?x=1", 403)
	r.Response("http://learn.example/course", 200)
	r.Console(Message{Level: "error", URL: "http://learn.example/sso", Text: "Failed to load resource: the server responded with a status of 403 (Forbidden)"})
	r.Console(Message{Level: "info", Text: "hello"})
	r.ExpectMessage("in a frame")
	r.Console(Message{Level: "error", Text: "Refused to display it in a frame"})
	require.Empty(t, r.Findings())

	r.Response("http://learn.example/sso", 500)
	r.Response("http://learn.example/course", 403)
	r.Console(Message{Level: "error", URL: "http://learn.example/course", Text: "Uncaught TypeError"})
	r.Console(Message{Level: "info", URL: "http://learn.example/course", Text: "[Report Only] Content Security Policy of your site"})
	r.Console(Message{Level: "info", URL: "http://learn.example/course", Text: "[Report Only] Content Security Policy of your site"})
	r.Found(Finding{Kind: Axe, Where: "http://learn.example/course?token=" + token, Text: "color-contrast"})
	all := r.Findings()
	require.Len(t, all, 5)
	for kind, n := range map[Kind]int{Axe: 1, Response: 2, Console: 1, CSP: 1, Referer: 0} {
		require.Equal(t, n, Count(all, kind), kind)
	}
	require.Equal(t, "http://learn.example/course", all[0].Where)
}

func FuzzTokens(f *testing.F) {
	f.Add("token=" + token)
	f.Add("%zz" + token)
	f.Fuzz(func(t *testing.T, text string) {
		for _, found := range tokens(text) {
			require.True(t, holdsPart(text, found), "what was found in a text is in it")
		}
		_ = address(text)
	})
}
