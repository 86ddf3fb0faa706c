package elevate

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Bytes are a success only as one JSON object whose success field says so and which reports no error.
func FuzzReply(f *testing.F) {
	for _, s := range []string{
		`{"success":true,"product_url":"https://x.example/p"}`, `{"success":false,"success":true}`, `{"errors":["a"]}`,
		`{"success":"ok","error":{"a":[1,2.5e3]}}`, `{"status":200,"error":"none","errors":{"a":[0,""]}}`, "\ufeff{}", "[]", "<html>", "{\"success\":true", `{"a":[[[[]]]]}`,
	} {
		f.Add([]byte(s))
	}
	p := GuessedProfile()
	f.Fuzz(func(t *testing.T, body []byte) {
		a := p.read(string(body))
		if a.verdict != verdictDone {
			return
		}
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(string(body), "\ufeff")), &o))
		said := func(v any) (yes, no bool) {
			if n, ok := v.(float64); ok {
				return n == 1 || n >= 200 && n < 300, n == 0 || n >= 400 && n < 600
			}
			return truth(v)
		}
		yes, no := said(o["success"])
		also, not := said(o["status"])
		require.True(t, yes || also)
		require.False(t, no || not)
		for _, path := range p.Errors {
			switch v := o[path].(type) {
			case nil, bool, float64, []any, map[string]any:
				b, err := json.Marshal(v)
				require.NoError(t, err)
				require.NotRegexp(t, `true|[1-9]`, string(b), "nothing but empty values")
			case string:
				require.Contains(t, append([]string{"", "none", "null", "false", "0"}, p.NoError...), strings.ToLower(strings.TrimSpace(v)))
			}
		}
	})
}

// A link that is stored leads to an allowed host over https, and rewriting it again changes nothing.
func FuzzProductURL(f *testing.F) {
	for _, s := range []string{
		"https://learn.example.org/p", "https://learn.example.org@evil.org/", `https:\\learn.example.org`, "//learn.example.org",
		"https://learn.example.org:443/%2f?x=%zz#y", "https://learn.example.org/p\xfc@arn.e", "https://learn.example.org:", "HTTPS://LEARN.EXAMPLE.ORG",
	} {
		f.Add(s)
	}
	c, err := New(Config{
		Endpoint: "https://learn.example.org/api", Credentials: Key("planted-key"), Profile: GuessedProfile(),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		link, problem := c.productURL(raw, "jane@example.org")
		require.NotEqual(t, link == "", problem == "")
		if link == "" {
			return
		}
		u, err := url.Parse(link)
		require.NoError(t, err)
		require.Equal(t, "https", u.Scheme)
		require.Equal(t, "learn.example.org", u.Host)
		require.Nil(t, u.User)
		again, _ := c.productURL(link, "jane@example.org")
		require.Equal(t, link, again)
	})
}
