package apiclient

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge/outbox"
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
// address. It finds them in any case of ASCII letters, in base64, and escaped: up to three times over
// for URLs or forms, within that up to two times for JSON or HTML, and within that once more. Deeper
// escaping is not undone. Where the text before a value begins an escape that the value's first
// characters end, the value is found only as it is and escaped once. A '+' and a space are the same.
//
// Secrets of fewer than six bytes and private values of fewer than four are removed only where they are
// whole words: removing a name like "Al" or a password like "code" everywhere would make texts
// unreadable. Inside a longer word, where nothing marks it as one, such a secret stays.
func (c *Client) Scrub(text string, private ...string) string {
	return without(text, hidden(text, c.needles(private), maxPercent, maxQuoted))
}

// Quote returns the beginning of a text for people: scrubbed, valid UTF-8 without control characters,
// at most limit bytes. It reads little more of the text than that.
func (c *Client) Quote(text string, limit int, private ...string) string {
	return c.quote(text, false, limit, private)
}

// quote does what [Client.Quote] does. The end of a text that was cut may be part of a value; no such
// part is returned.
func (c *Client) quote(text string, cut bool, limit int, private []string) string {
	needles := c.needles(private)
	margin := longest(needles)
	if most := 2*limit + margin; len(text) > most { // twice the limit, since scrubbing shortens texts
		text, cut = text[:most], true
	}
	end := len(text)
	if cut {
		end = max(0, end-margin)
	}
	return outbox.CutText(without(text[:end], hidden(text, needles, maxPercent, maxQuoted)), limit)
}

// needles returns the needles of the client's secrets and of private values.
func (c *Client) needles(private []string) []needle {
	all := slices.Clone(c.secrets())
	for _, p := range private {
		all = append(all, needlesOf(p, shortPrivate)...)
	}
	return all
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

// search marks the bytes of every needle and address in a text. It returns nil where there is none.
func search(text string, needles []needle) (hide []bool) {
	mark := func(from, to int) {
		if hide == nil {
			hide = make([]bool, len(text))
		}
		for i := from; i < to; i++ {
			hide[i] = true
		}
	}
	folded := fold(text)
	for _, n := range needles {
		n.find(folded, mark)
	}
	if strings.Contains(text, "@") {
		for _, m := range address.FindAllStringIndex(text, -1) {
			mark(m[0], m[1])
		}
	}
	return hide
}

// needle is a folded text to find.
type needle struct {
	form string
	word bool // only as a whole word
}

// needlesOf returns the forms of a value to find: in upper and lower case, with the JSON of bytes that
// are not UTF-8, in base64 without padding, and escaped once, since the text before a value can spoil
// its unescaping.
func needlesOf(value string, short int) []needle {
	trimmed := strings.TrimSpace(value)
	if trimmed == "" {
		return nil
	}
	forms := []string{trimmed, strings.ToUpper(trimmed), strings.ToLower(trimmed), string([]rune(trimmed))}
	if strings.ContainsFunc(trimmed, escapable) {
		for _, v := range slices.Clone(forms) {
			form := url.QueryEscape(v)
			quoted, _ := json.Marshal(v) // no string makes it fail
			forms = append(forms, form, strings.ReplaceAll(form, "+", "%20"), url.PathEscape(v),
				string(quoted[1:len(quoted)-1]), html.EscapeString(v))
		}
	}
	for _, v := range slices.Compact([]string{value, trimmed}) {
		// Without padding, base64 is found whether the text has it or not.
		forms = append(forms,
			base64.RawStdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)))
	}
	for i := range forms {
		forms[i] = fold(forms[i])
	}
	slices.Sort(forms)
	var all []needle
	for _, form := range slices.Compact(forms) {
		all = append(all, needle{form: form, word: len(form) < short})
	}
	return all
}

// escapable is false for the characters that no encoder changes.
func escapable(r rune) bool {
	digit, letter := '0' <= r && r <= '9', 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !digit && !letter && !strings.ContainsRune("-_.", r)
}

// longest returns how many bytes of a text the longest needle may take when escaped.
func longest(needles []needle) int {
	const escaped = 34 // an apostrophe: &#039; escaped for HTML again, and for URLs three times
	most := 0
	for _, n := range needles {
		size := 0
		for i := range len(n.form) {
			if escapable(rune(n.form[i])) {
				size += escaped
			} else {
				size++
			}
		}
		most = max(most, size)
	}
	return most
}

// find calls mark for every occurrence of the needle, overlapping ones too.
func (n needle) find(folded string, mark func(from, to int)) {
	marked := 0 // matches are marked up to here: overlapping ones are not marked twice
	for at := 0; ; {
		i := strings.Index(folded[at:], n.form)
		if i < 0 {
			return
		}
		from, to := at+i, at+i+len(n.form)
		if !n.word || ownWord(folded, from, to) {
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

// fold puts ASCII letters in lower case, and '+', which is a space in forms, as a space. It keeps every
// byte at its position, unlike strings.ToLower.
func fold(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return 'A' <= r && r <= 'Z' || r == '+' }) {
		return s
	}
	b := []byte(s)
	for i := range b {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		} else if b[i] == '+' {
			b[i] = ' '
		}
	}
	return string(b)
}
