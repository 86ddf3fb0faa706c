package apiclient

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// removed stands where something was taken out.
const removed = "[removed]"

// address is anything like an e-mail address, whoever's it is; '%40' and '\u0040'
// are the same sign, escaped.
var address = regexp.MustCompile(`(?i)[a-z0-9._%+'\\-]+(?:@|%40|\\u0040|&#64;)[a-z0-9-]+(?:\.[a-z0-9-]+)+`)

// Scrub removes the client's secrets, the private values and everything like an
// e-mail address from a text: as they are, whatever the case of ASCII letters,
// and escaped for URLs, forms, JSON and HTML or in base64. Private values of
// fewer than four bytes are removed where they stand as a word of their own,
// since a name like "Al" would otherwise tear every text apart.
func (c *Client) Scrub(text string, private ...string) string {
	return scrub(text, c.needles(private))
}

// needle is a text to find, with ASCII letters in lower case.
type needle struct {
	form string
	word bool // only as a word of its own
}

func (c *Client) needles(private []string) []needle {
	all := slices.Clone(c.secrets())
	for _, p := range private {
		all = append(all, needles(p, false)...)
	}
	return all
}

func longest(needles []needle) int {
	n := 0
	for _, f := range needles {
		n = max(n, len(f.form))
	}
	return n
}

func needles(value string, secret bool) []needle {
	var out []needle
	if strings.TrimSpace(value) == "" {
		return nil
	}
	seen := map[string]bool{"": true}
	add := func(form string) {
		form = lowerASCII(form)
		if !seen[form] {
			seen[form] = true
			out = append(out, needle{form: form, word: !secret && len(form) < 4})
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
	// The padding is left out: whether it is there, the rest stands before it.
	add(base64.RawStdEncoding.EncodeToString([]byte(value)))
	add(base64.RawURLEncoding.EncodeToString([]byte(value)))
	return out
}

func special(r rune) bool {
	return (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r) && (r < '0' || '9' < r) && r != '-' && r != '_' && r != '.'
}

// jsonEscapes finds what encoding/json escapes.
func jsonEscapes(r rune) bool {
	return r < ' ' || r == '"' || r == '\\' || r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

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

func scrub(text string, needles []needle) string {
	if text == "" {
		return ""
	}
	hide := make([]bool, len(text))
	mark := func(from, to int) {
		for i := from; i < to; i++ {
			hide[i] = true
		}
	}
	low := lowerASCII(text)
	for _, n := range needles {
		for at := 0; ; {
			i := strings.Index(low[at:], n.form)
			if i < 0 {
				break
			}
			from := at + i
			if !n.word || ownWord(low, from, from+len(n.form)) {
				mark(from, from+len(n.form))
			}
			at = from + 1
		}
	}
	if strings.Contains(low, "@") || strings.Contains(low, "40") || strings.Contains(low, "&#64;") {
		for _, m := range address.FindAllStringIndex(text, -1) {
			mark(m[0], m[1])
		}
	}
	var b strings.Builder
	for i := range len(text) {
		if !hide[i] {
			b.WriteByte(text[i])
		} else if i == 0 || !hide[i-1] {
			b.WriteString(removed)
		}
	}
	return b.String()
}

func ownWord(s string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:from])
	after, _ := utf8.DecodeRuneInString(s[to:])
	return !wordRune(before) && !wordRune(after)
}

// wordRune is false for the error rune, hence at both ends of a text.
func wordRune(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// lowerASCII keeps every byte in its place, unlike strings.ToLower.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
