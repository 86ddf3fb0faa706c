package apiclient

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of the search in one text. A query in a URL in a query is escaped three times, and may hold a
// page that quotes JSON in JSON. A hostile text could have many more versions than maxVersions; they
// are not searched.
const (
	maxLayers   = 6
	maxVersions = 32
)

// longest returns how many bytes of a text the longest needle may take when escaped.
func longest(needles []needle) int {
	const escaped = 72 // bytes that a quotation mark takes in such a text
	most := 0
	for _, n := range needles {
		size := 0
		for i := range len(n.form) {
			if b := n.form[i]; 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || strings.IndexByte("-_.", b) >= 0 {
				size++ // no encoder changes this byte
			} else {
				size += escaped
			}
		}
		most = max(most, size)
	}
	return most
}

// version is a text after some unescaping. It knows where its bytes come from.
type version struct {
	text string
	at   []int // one for each byte and the end; nil for the original text
}

// origin returns the position of a byte in the original text.
func (v version) origin(i int) int {
	if v.at == nil {
		return i
	}
	return v.at[i]
}

// versions returns the text and everything that unescaping it in any order gives, fewer steps first.
func versions(text string) []version {
	all := []version{{text: text}}
	seen := map[string]bool{text: true}
	for last, layer := 0, 0; layer < maxLayers && last < len(all); layer++ {
		level := all[last:]
		last = len(all)
		for _, v := range level {
			for _, e := range escapes {
				next := v.unescape(e)
				if seen[next.text] || len(all) == maxVersions {
					continue
				}
				seen[next.text] = true
				all = append(all, next)
			}
		}
	}
	return all
}

// unescape undoes one layer of one kind of escape.
func (v version) unescape(e escape) version {
	if !strings.ContainsAny(v.text, e.signs) {
		return v
	}
	plain, at := make([]byte, 0, len(v.text)), make([]int, 0, len(v.text)+1)
	for i := 0; i < len(v.text); {
		b, n := v.text[i:i+1], 1
		if strings.Contains(e.signs, b) {
			if meant, length := e.read(v.text[i:]); length > 0 {
				b, n = meant, length
			}
		}
		plain = append(plain, b...)
		for range len(b) {
			at = append(at, v.origin(i))
		}
		i += n
	}
	return version{string(plain), append(at, v.origin(len(v.text)))}
}

// escape is one way to escape bytes.
type escape struct {
	signs string // the bytes that an escape may begin with
	// read returns what the escape at the beginning of s means, and its length: zero where there is
	// none.
	read func(s string) (meant string, length int)
}

var escapes = [...]escape{{"%", percent}, {"%+", form}, {`\`, slashed}, {"&", entity}}

// percent reads %41, as in URLs.
func percent(s string) (string, int) {
	if len(s) < 3 {
		return "", 0
	}
	b, err := strconv.ParseUint(s[1:3], 16, 8)
	if err != nil {
		return "", 0
	}
	return string([]byte{byte(b)}), 3
}

// form reads %41, and '+' as a space.
func form(s string) (string, int) {
	if s[0] == '+' {
		return " ", 1
	}
	return percent(s)
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

// utf16Unit reads \u0041. A surrogate is only half a character.
func utf16Unit(s string) (rune, bool) {
	if len(s) < 6 || s[:2] != `\u` {
		return 0, false
	}
	unit, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(unit), err == nil
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
