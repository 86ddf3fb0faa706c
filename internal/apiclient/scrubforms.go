package apiclient

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Forms of fewer bytes are looked for as words of their own.
const (
	shortPrivate = 4
	shortSecret  = 6
)

// needle is a text to find, with ASCII letters in lower case.
type needle struct {
	form string
	word bool // only as a word of its own
}

// longest is how many bytes a form of any of the values takes at most.
func longest(all []hidden) int {
	n := 0
	for i := range all {
		for _, f := range all[i].forms() {
			n = max(n, len(f.form))
		}
	}
	// The first layer of percent-encoding makes three bytes of one, each further
	// layer two more of that.
	return n * (1 + 2*maxLayers)
}

// needles are the forms in which a value is looked for.
func needles(value string, secret bool) []needle {
	var out []needle
	short := shortPrivate
	if secret {
		short = shortSecret
	}
	if strings.TrimSpace(value) == "" {
		return nil
	}
	seen := map[string]bool{"": true}
	add := func(form string) {
		form = lowerASCII(form)
		if !seen[form] {
			seen[form] = true
			out = append(out, needle{form: form, word: len(form) < short})
		}
	}
	for _, v := range []string{value, strings.TrimSpace(value), strings.ToUpper(value), strings.ToLower(value)} {
		if seen[lowerASCII(v)] {
			continue
		}
		add(v)
		if !strings.ContainsFunc(v, special) {
			continue // no encoder changes it
		}
		add(url.QueryEscape(v))
		add(strings.ReplaceAll(url.QueryEscape(v), "+", "%20"))
		add(url.PathEscape(v))
		add(html.EscapeString(v))
		add(asciiEscape(v, "/"))
		add(asciiEscape(v, "<>&'\"+`"))
	}
	// A reply in JSON may quote a request in JSON, so these go twice.
	for range 2 {
		for _, n := range slices.Clone(out) {
			if !strings.ContainsFunc(n.form, jsonEscapes) {
				continue
			}
			add(jsonEscape(n.form))
			add(quoteEscape.Replace(n.form))
		}
	}
	// And an error page may quote that JSON in HTML.
	for _, n := range slices.Clone(out) {
		if strings.ContainsAny(n.form, `<>&"'`) {
			add(html.EscapeString(n.form))
			add(namedEscape.Replace(n.form))
			add(paddedEscape.Replace(n.form))
		}
	}
	// The padding is left out: whether it is there, the rest stands before it.
	for _, v := range []string{value, strings.TrimSpace(value)} {
		std := base64.RawStdEncoding.EncodeToString([]byte(v))
		add(std)
		add(strings.ReplaceAll(std, "/", `\/`))
		add(base64.RawURLEncoding.EncodeToString([]byte(v)))
	}
	return out
}

func special(r rune) bool {
	return (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r) && (r < '0' || '9' < r) && r != '-' && r != '_' && r != '.'
}

// jsonEscapes finds what encoding/json escapes.
func jsonEscapes(r rune) bool {
	return r < ' ' || r == '"' || r == '\\' || r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

// Other encoders than Go's write quotes in HTML so.
var (
	namedEscape  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")
	paddedEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#039;")
)

// quoteEscape writes JSON that escapes only what it must.
var quoteEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// jsonEscape returns s as encoding/json writes it, without the quotes.
func jsonEscape(s string) string {
	b, err := json.Marshal(s)
	if err != nil || len(b) < 2 {
		return s
	}
	return string(b[1 : len(b)-1])
}

// asciiEscape returns s as the JSON encoders that write ASCII only do: with
// "/" among the signs as PHP does it, otherwise as .NET and Java do.
func asciiEscape(s, signs string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '/' && signs == "/":
			b.WriteString(`\/`)
		case r == '"' && signs == "/", r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= utf8.RuneSelf, r < ' ', strings.ContainsRune(signs, r):
			for _, u := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, u)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
