package apiclient

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// How often a text is unescaped. A query in a URL in a query is escaped three times, and may hold a page
// that quotes JSON. Whatever a text is, it is searched at most 4 x 7 times.
const (
	maxPercent = 3 // for URLs, first
	maxQuoted  = 2 // for JSON and HTML, in any order
)

// hidden marks the bytes of a text that mean a value or an address, as it is and unescaped. It returns
// nil where there are none. Percent and quoted are how many more layers of either are undone.
func hidden(text string, needles []needle, percent, quoted int) []bool {
	hide := search(text, needles)
	for _, e := range escapes {
		percent, quoted := percent-1, quoted
		if e.sign != '%' {
			percent, quoted = 0, quoted-1
		}
		if percent < 0 || quoted < 0 || strings.IndexByte(text, e.sign) < 0 {
			continue
		}
		plain := e.unescape(text)
		if plain == text {
			continue
		}
		if inner := hidden(plain, needles, percent, quoted); inner != nil {
			if hide == nil {
				hide = make([]bool, len(text))
			}
			e.mark(text, inner, hide)
		}
	}
	return hide
}

// escape is one way to escape bytes.
type escape struct {
	sign byte // the byte that an escape begins with
	// read returns what the escape at the beginning of s means, and its length: zero where there is
	// none.
	read func(s string) (meant string, length int)
}

var escapes = [...]escape{{'%', percent}, {'\\', slashed}, {'&', entity}}

// next returns what the escape at the beginning of s, or the text up to the next sign, means, and its
// length.
func (e escape) next(s string) (meant string, length int) {
	if s[0] == e.sign {
		if meant, length = e.read(s); length > 0 {
			return meant, length
		}
	}
	if length = strings.IndexByte(s[1:], e.sign) + 1; length == 0 {
		length = len(s)
	}
	return s[:length], length
}

// unescape undoes one layer of the escape.
func (e escape) unescape(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for text != "" {
		meant, length := e.next(text)
		b.WriteString(meant)
		text = text[length:]
	}
	return b.String()
}

// mark marks in hide the bytes of a text that mean bytes that are marked in inner, which is of the
// unescaped text. An escape is marked as a whole.
func (e escape) mark(text string, inner, hide []bool) {
	for text != "" {
		meant, length := e.next(text)
		escaped := meant != text[:length]
		for i := range len(meant) {
			switch {
			case inner[i] && escaped:
				for j := range length {
					hide[j] = true
				}
			case inner[i]:
				hide[i] = true
			}
		}
		text, inner, hide = text[length:], inner[len(meant):], hide[length:]
	}
}

// percent reads %41, as in URLs.
func percent(s string) (string, int) {
	if len(s) < 3 {
		return "", 0
	}
	b, ok := hexNumber(s[1:3])
	if !ok {
		return "", 0
	}
	return string([]byte{byte(b)}), 3
}

// hexNumber reads two or four hexadecimal digits. It does not let strconv see anything else, which
// would allocate an error.
func hexNumber(s string) (uint64, bool) {
	if strings.Trim(s, "0123456789abcdefABCDEF") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 16, 16)
	return n, err == nil
}

// slashed reads \n, \/ and \u0041, as in JSON.
func slashed(s string) (string, int) {
	if len(s) < 2 {
		return "", 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return "\"\\/\b\f\n\r\t"[i : i+1], 2
	}
	first, ok := utf16Unit(s)
	if !ok {
		return "", 0
	}
	if second, ok := utf16Unit(s[6:]); ok {
		if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
			return string(r), 12
		}
	}
	return string(first), 6
}

// utf16Unit reads \u0041, in upper case too. A surrogate is only half a character.
func utf16Unit(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' && s[1] != 'U' {
		return 0, false
	}
	unit, ok := hexNumber(s[2:6])
	return rune(unit), ok
}

// entity reads &amp;, &#65; and &#x41;, as in HTML.
func entity(s string) (string, int) {
	end := strings.IndexFunc(s[1:], func(r rune) bool { return r != '#' && !wordRune(r) }) + 1
	if end == 0 || s[end] != ';' {
		return "", 0
	}
	meant := html.UnescapeString(s[:end+1])
	if meant == s[:end+1] {
		return "", 0
	}
	return meant, end + 1
}
