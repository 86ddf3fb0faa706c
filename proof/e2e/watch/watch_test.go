package watch

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// token is shaped as the shop's hand-off tokens are.
const token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJVLTEwMDEifQ.c2lnbmF0dXJlLW9mLXRoZS1zaG9w" //nolint:gosec // no secret

func handOff() Call {
	return Call{Method: "POST", URL: "http://learn.example/sso", Body: url.Values{"token": {token}}.Encode()}
}

func TestLeaks(t *testing.T) {
	t.Parallel()
	claims, signature := strings.Split(token, ".")[1], strings.Split(token, ".")[2]
	tests := map[string]struct {
		call Call
		want []Kind
	}{
		"nothing":                        {call: Call{URL: "http://learn.example/course", Referer: "http://learn.example/sso"}},
		"the token in the Referer":       {Call{URL: "http://learn.example/course", Referer: "http://learn.example/sso?t=" + token}, []Kind{Referer}},
		"its claims alone":               {Call{URL: "http://learn.example/course", Referer: "http://learn.example/" + claims}, []Kind{Referer}},
		"its signature, encoded":         {Call{URL: "http://learn.example/course", Referer: "http://learn.example/?x=%63" + signature[1:]}, []Kind{Referer}},
		"the token in the URL":           {Call{URL: "http://learn.example/sso?token=" + token}, []Kind{URL}},
		"a header that all tokens share": {call: Call{URL: "http://learn.example/eyJhbGciOiJFZERTQSJ9"}},
		"another site's query":           {Call{URL: "http://learn.example/", Referer: "http://shop.example/?q=1"}, []Kind{Referer}},
		"the same site's query":          {call: Call{URL: "http://shop.example/", Referer: "http://shop.example/?q=1"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A leak counts whether the token was known before or after it.
			for _, order := range [][]Call{{handOff(), tc.call}, {tc.call, handOff()}} {
				w := New()
				for _, c := range order {
					w.Sent(c)
				}
				var kinds []Kind
				for _, f := range w.Findings() {
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
	w := New()
	w.Sent(Call{Method: "GET", URL: strings.ReplaceAll(at, ";", "%3B")})
	w.Sent(Call{Method: "GET", URL: "http://events.example/", Referer: "http://shop.example/"})
	require.Empty(t, w.Findings())
	w.Sent(Call{Method: "GET", URL: "http://events.example/site.css", Referer: at})
	w.Sent(Call{Method: "GET", URL: "http://events.example/?back=T1234567"})
	all := w.Findings()
	require.Equal(t, 1, Count(all, Referer))
	require.Equal(t, 1, Count(all, URL))
}

func TestLogs(t *testing.T) {
	t.Parallel()
	w := New()
	w.Sent(handOff())
	w.Sent(Call{Method: "GET", URL: "http://events.example/?LoginTicketKey=T1234567"})
	w.Logged("WARN a hand-off was refused user=U-1001 token=jti-1")
	require.Empty(t, w.Findings())
	w.Logged("token " + token + " ticket T1234567 of maria.keller@example.org")
	require.Equal(t, 3, Count(w.Findings(), Log))
}

func TestHandOffsAreTheFormsWithATokenAlone(t *testing.T) {
	t.Parallel()
	w := New()
	w.Sent(Call{Method: "GET", URL: "http://shop.example/"})
	w.Sent(Call{Method: "POST", URL: "http://shop.example/checkout", Body: "terms=yes", Referer: "http://shop.example/cart"})
	w.Sent(handOff())
	require.Equal(t, []Call{handOff()}, w.HandOffs())
	require.Equal(t, 1, w.Referers())
}

func TestAnswersAndConsole(t *testing.T) {
	t.Parallel()
	w := New()
	w.Meant("/sso", 403)
	w.Answered("http://learn.example/sso?x=1", 403)
	w.Answered("http://learn.example/course", 200)
	w.Said(Entry{Level: "error", URL: "http://learn.example/sso", Text: "Failed to load resource: the server responded with a status of 403 (Forbidden)"})
	w.Said(Entry{Level: "info", Text: "hello"})
	require.Empty(t, w.Findings())

	w.Answered("http://learn.example/sso", 500)
	w.Answered("http://learn.example/course", 403)
	w.Said(Entry{Level: "error", URL: "http://learn.example/course", Text: "Uncaught TypeError"})
	w.Said(Entry{Level: "info", URL: "http://learn.example/course", Text: "[Report Only] Content Security Policy of your site"})
	w.Said(Entry{Level: "info", URL: "http://learn.example/course", Text: "[Report Only] Content Security Policy of your site"})
	w.Found(Finding{Kind: Axe, Where: "http://learn.example/course?token=" + token, Text: "color-contrast"})
	all := w.Findings()
	require.Len(t, all, 5)
	for kind, n := range map[Kind]int{Axe: 1, Request: 2, Console: 1, CSP: 1, Referer: 0} {
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
