package apiclient_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/apiclient"
)

func TestScrubFindsEveryForm(t *testing.T) {
	t.Parallel()
	const key, name = `p@ss/w"ö\r<d>&'+ =`, "Zoë O'Brien/Łuk"
	c := newClient(t, func(cfg *apiclient.Config) { cfg.Secrets = []string{key} })
	plainJSON := func(s string) string {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		require.NoError(t, e.Encode(s))
		return strings.Trim(b.String(), "\"\n")
	}
	for _, v := range []string{key, name} {
		quoted, err := json.Marshal(v)
		require.NoError(t, err)
		for form, text := range map[string]string{
			"as it is":       v,
			"upper case":     strings.ToUpper(v),
			"lower case":     strings.ToLower(v),
			"form":           url.QueryEscape(v),
			"path":           url.PathEscape(v),
			"lower-case hex": strings.ToLower(url.QueryEscape(v)),
			"JSON":           strings.Trim(string(quoted), `"`),
			"plain JSON":     plainJSON(v),
			"HTML":           html.EscapeString(v),
			"base64":         base64.StdEncoding.EncodeToString([]byte(v)),
			"base64url":      base64.RawURLEncoding.EncodeToString([]byte(v)),
		} {
			got := strings.TrimRight(c.Scrub("begin "+text+" end", name), "=")
			require.Contains(t, got, "begin [removed]", form)
			require.LessOrEqual(t, len(got), len("begin [removed]== end"), form)
		}
	}
	// The JSON of PHP and .NET, by their documentation; no encoder of Go writes this.
	require.Equal(t, `"[removed]"`, c.Scrub(`"Zo\u00eb O'Brien\/\u0141uk"`, name))
	require.Equal(t, `"[removed]"`, c.Scrub(`"Zo\u00EB O\u0027Brien/\u0141uk"`, name))
}

func TestScrub(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil)
	for text, want := range map[string]string{
		"":                                  "",
		"nothing to hide":                   "nothing to hide",
		"JANE.DOE@EXAMPLE.ORG is bad":       "[removed] is bad",
		"somebody.else@example.com":         "[removed]",
		"jane%40mail.example.com&x=1":       "[removed]&x=1",
		`{"m":"jane\u002bx@example.com"}`:   `{"m":"[removed]"}`,
		"Al called Alice's halls, al.":      "[removed] called Alice's halls, [removed].",
		`{"id":7,"n":77,"s":"7"}`:           `{"id":[removed],"n":77,"s":"[removed]"}`,
		"DoeDoe doe":                        "DoeDoe [removed]",
		secret + secret + " " + secret[:4]:  "[removed] " + secret[:4],
		"a@b, @, x@, 50 % @ home, @handle.": "a@b, @, x@, 50 % @ home, @handle.",
	} {
		require.Equal(t, want, c.Scrub(text, "jane.doe@example.org", "Al", "Doe", "7", " "), text)
	}
	require.Equal(t, "<[removed]>", c.Scrub("<Janette>", " Janette "), "padded in the order, trimmed in the echo")
}

// padding matches the base64 padding that stays behind a removed value.
var padding = regexp.MustCompile(`\[removed\](%(25)*3D)+`)

func TestScrubSeesThroughLayers(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil)
	for _, v := range []string{secret, private, `Zoë "O'Brien"`} {
		quoted, err := json.Marshal(v)
		require.NoError(t, err)
		for _, form := range []string{v, string(quoted[1 : len(quoted)-1]), html.EscapeString(v), base64.StdEncoding.EncodeToString([]byte(v))} {
			for layer := range 3 {
				form = url.QueryEscape(form)
				require.Equal(t, "a=[removed]&b", padding.ReplaceAllString(c.Scrub("a="+form+"&b", v), "[removed]"), "%s, %d", form, layer)
			}
		}
	}
	for text, want := range map[string]string{
		"to=somebody%2540example.com&x":           "to=[removed]&x",
		"to=somebody%25252525252540example.com&x": "to=somebody%25252525252540example.com&x", // too deep for encoders
		"100% of 50%2 are %zz":                    "100% of 50%2 are %zz",
		"x&commat;example.org a&#x40;b.org":       "[removed] [removed]",
		"50%25 off":                               "50%25 off",
	} {
		require.Equal(t, want, c.Scrub(text), text)
	}
	cut := url.QueryEscape(url.QueryEscape(url.QueryEscape(secret)))
	for n := range len(cut) {
		d := c.Detail(&apiclient.Reply{Body: strings.Repeat("x", 3<<10) + " " + cut[:n], Truncated: true})
		require.NotContains(t, d, "s3c", n)
	}
}

func TestScrubLeavesWordsThatHoldAShortSecret(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(cfg *apiclient.Config) { cfg.Secrets = []string{"code", "sixsix", " "} })
	for text, want := range map[string]string{
		"opcode 7 is decoded":    "opcode 7 is decoded",
		"code, CODE. a_code_b":   "[removed], [removed]. a_[removed]_b",
		"key%3Dcode%26x":         "key%3D[removed]%26x",
		`"line\ncode\u0020code"`: `"line\n[removed]\u0020[removed]"`,
		"Y29kZQ== and xY29kZQ==": "[removed]== and x[removed]==",
		"asixsixb":               "a[removed]b",
	} {
		require.Equal(t, want, c.Scrub(text), text)
	}
	require.Equal(t, `\n[removed]`, c.Scrub(`\nAl`, "Al"))
}

// Scrub never leaves a value, whatever text is around it.
func FuzzScrub(f *testing.F) {
	f.Add("text ", "value", " text")
	f.Add("", `a"b\c`, "\u0130\xff")
	f.Add("aa", "aaaa", "aa")
	c, err := apiclient.New(apiclient.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, before, value, after string) {
		// Short values may stay inside words, and blank ones anywhere. Brackets may come from the mark
		// itself.
		if len(strings.TrimSpace(value)) < 4 || strings.ContainsAny(value, "[]") || strings.Contains("removed", value) {
			return
		}
		require.NotContains(t, c.Scrub(before+value+after, value), value)
	})
}

// An error page that quotes our JSON escapes it once more.
func TestScrubJSONInHTML(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(cfg *apiclient.Config) { cfg.Secrets = []string{`key & "half"`} })
	name := "F & O'Son"
	for _, body := range []string{
		html.EscapeString(`{"name":"F \u0026 O'Son","key":"key \u0026 \"half\""}`),
		html.EscapeString(`{"name":"F & O'Son","key":"key & \"half\""}`),
		strings.ReplaceAll(html.EscapeString(`{"name":"F & O'Son"}`), "&#39;", "&apos;"),
		strings.ReplaceAll(html.EscapeString(`{"name":"F \u0026 O'Son"}`), "&#39;", "&#039;"),
		strings.ReplaceAll(html.EscapeString(`{"key":"key & \"half\""}`), "&#34;", "&quot;"),
	} {
		got := c.Scrub("<pre>"+body+"</pre>", name)
		require.NotContains(t, got, "Son", body)
		require.NotContains(t, got, "half", body)
	}
}

// encoders are those of Go and, by their documentation, of PHP and .NET.
var encoders = map[string]func(string) string{
	"form":    url.QueryEscape,
	"path":    url.PathEscape,
	"percent": func(v string) string { return strings.ReplaceAll(url.QueryEscape(v), "+", "%20") },
	"HTML":    html.EscapeString,
	"named HTML": func(v string) string {
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#039;").Replace(v)
	},
	"JSON": quoted,
	"plain JSON": func(v string) string {
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(v)
	},
	"PHP": func(v string) string { return strings.ReplaceAll(asciiJSON(v), "/", `\/`) },
	".NET": func(v string) string {
		return strings.NewReplacer("<", `\u003C`, "&", `\u0026`, "'", `\u0027`, "+", `\u002B`).Replace(asciiJSON(v))
	},
	"base64":    func(v string) string { return base64.StdEncoding.EncodeToString([]byte(v)) },
	"base64url": func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) },
	"upper":     strings.ToUpper,
	"lower":     strings.ToLower,
}

// quoted returns JSON without the quotes.
func quoted(v string) string {
	b, err := json.Marshal(v)
	if err != nil || len(b) < 2 {
		return v
	}
	return string(b[1 : len(b)-1])
}

// asciiJSON returns JSON in ASCII only.
func asciiJSON(v string) string {
	var b strings.Builder
	for _, r := range quoted(v) {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// A value is removed in the form of any encoder, of two in a row, and of a query nested in a query.
func TestScrubFindsWhatEncodersMake(t *testing.T) {
	t.Parallel()
	for _, v := range []string{
		"Ada Lovelace", `p@ss/w"\r<d>&'+ =`, "Zo\u00eb O'Brien/\u0141uk", "50%25 off?", `\u0041&amp;%41+"`, "李小龍 \U0001F600 &",
		"jane.doe+shop@members.example.org", strings.Repeat("a b&", 60), "???~~~<>",
	} {
		c := newClient(t, func(cfg *apiclient.Config) { cfg.Secrets = []string{v} })
		for first, encode := range encoders {
			for second, again := range encoders {
				if strings.Contains(second, "base64") || second == "upper" || second == "lower" {
					continue // these encoders change the value itself
				}
				for layer, text := range []string{encode(v), again(encode(v)), url.QueryEscape(url.QueryEscape(again(encode(v))))} {
					got := c.Scrub("begin "+text+" end", "Grace")
					require.Contains(t, got, "begin [removed]", "%q by %s, %s, %d: %s", v, first, second, layer, text)
					require.LessOrEqual(t, len(got), len("begin [removed]%25252525253D%25252525253D end"), "%s", got)
				}
			}
		}
	}
}

// The same as above, for any value in any text.
func FuzzScrubEncoded(f *testing.F) {
	names := slices.Sorted(maps.Keys(encoders))
	f.Add("nothing here ", "value", " and after", uint8(0), uint8(0))
	f.Add("b64 ", " Zo\u00eb O'Brien", " x", uint8(9), uint8(1))
	f.Add("\u0130\u212a ", "%41<\u0131d\u00df K", "%25", uint8(3), uint8(2))
	f.Add("x%2", "jane@example.org", `\`, uint8(7), uint8(3))
	f.Add("&", "\xff\xfe?>\xff\xfe", "&lt", uint8(4), uint8(5))
	c, err := apiclient.New(apiclient.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, before, value, after string, first, second uint8) {
		value = strings.TrimSpace(value)
		if len(value) < 6 || strings.ContainsAny(value, "[]") {
			return
		}
		text := encoders[names[int(first)%len(names)]](value)
		if then := names[int(second)%len(names)]; !strings.Contains(then, "base64") && then != "upper" && then != "lower" {
			text = encoders[then](text)
		}
		if len(text) < 6 || strings.Contains(before+" "+after, text) {
			return
		}
		require.NotContains(t, c.Scrub(before+" "+text+" "+after, value), text)
	})
}

func BenchmarkScrub(b *testing.B) {
	c, err := apiclient.New(apiclient.Config{Secrets: []string{"5up3r-s3cr3t/key+1"}})
	require.NoError(b, err)
	for name, text := range map[string]string{
		"clean": `{"success":true,"product_url":"https://elevate.example.org/products/course-1"}`,
		"echo":  `{"success":true,"email":"ada@example.org","product_url":"https://elevate.example.org/products/course-1"}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Scrub(text, "ada@example.org", "Ada", "Byron", "u-00000001")
			}
		})
	}
}
