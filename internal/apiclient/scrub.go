package apiclient

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// removed replaces what was removed.
const removed = "[removed]"

// Shorter values are removed only where they are whole words.
const (
	shortPrivate = 4
	shortSecret  = 6
)

// address matches anything like an e-mail address, whoever's it is.
var address = regexp.MustCompile(`(?i)[a-z0-9._%+'\\-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+`)

// Scrub removes from a text the client's secrets, the private values and everything like an e-mail
// address. It finds them in any case of ASCII letters, in base64, and escaped for URLs, forms, JSON and
// HTML, in any order and up to six times over.
//
// Secrets of fewer than six bytes and private values of fewer than four are removed only where they are
// whole words: removing a name like "Al" or a password like "code" everywhere would make texts
// unreadable. Inside a longer word, where nothing marks it as one, such a secret stays.
func (c *Client) Scrub(text string, private ...string) string {
	return scrub(text, len(text), c.needles(private))
}

// needles returns the needles of the client's secrets and of private values.
func (c *Client) needles(private []string) []needle {
	all := slices.Clone(c.secrets())
	for _, p := range private {
		all = append(all, needlesOf(p, shortPrivate)...)
	}
	return all
}

// scrub returns the first end bytes of a text, scrubbed. A value that continues beyond them is
// recognised too.
func scrub(text string, end int, needles []needle) string {
	var hide []bool // one for each byte; nil while nothing is to be removed
	for _, v := range versions(text) {
		mark := func(from, to int) {
			if hide == nil {
				hide = make([]bool, len(text))
			}
			for i := v.origin(from); i < v.origin(to); i++ {
				hide[i] = true
			}
		}
		low := lowerASCII(v.text)
		for _, n := range needles {
			n.find(low, mark)
		}
		if strings.Contains(low, "@") {
			for _, m := range address.FindAllStringIndex(v.text, -1) {
				mark(m[0], m[1])
			}
		}
	}
	return without(text[:end], hide)
}

// without returns the text without the bytes that are marked in hide.
func without(text string, hide []bool) string {
	if hide == nil {
		return text
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

// needle is a text to find, its ASCII letters in lower case.
type needle struct {
	form string
	word bool // only as a whole word
}

// needlesOf returns the forms of a value that unescaping does not restore: other cases, base64 without
// padding, and the JSON of bytes that are not UTF-8.
func needlesOf(value string, short int) []needle {
	trimmed := strings.TrimSpace(value)
	if trimmed == "" {
		return nil
	}
	forms := []string{value, trimmed, strings.ToUpper(value), strings.ToLower(value), string([]rune(value))}
	for _, v := range slices.Compact([]string{value, trimmed}) {
		// Without padding, base64 is found whether the text has it or not.
		forms = append(forms,
			base64.RawStdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)))
	}
	for i := range forms {
		forms[i] = lowerASCII(forms[i])
	}
	slices.Sort(forms)
	var all []needle
	for _, form := range slices.Compact(forms) {
		all = append(all, needle{form: form, word: len(form) < short})
	}
	return all
}

// find calls mark for every occurrence of the needle, overlapping ones too.
func (n needle) find(low string, mark func(from, to int)) {
	marked := 0 // matches are marked up to here: overlapping ones are not marked twice
	for at := 0; ; {
		i := strings.Index(low[at:], n.form)
		if i < 0 {
			return
		}
		from, to := at+i, at+i+len(n.form)
		if !n.word || ownWord(low, from, to) {
			mark(max(from, marked), to)
			marked = to
		}
		at = from + 1
	}
}

// ownWord tells whether s[from:to] is a whole word, with neither letter nor digit on either side.
func ownWord(s string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:from])
	after, _ := utf8.DecodeRuneInString(s[to:])
	return !wordRune(before) && !wordRune(after)
}

// wordRune is false for the error rune, hence at both ends of a text.
func wordRune(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// lowerASCII keeps every byte at its position, unlike strings.ToLower.
func lowerASCII(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return 'A' <= r && r <= 'Z' }) {
		return s
	}
	b := []byte(s)
	for i := range b {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
