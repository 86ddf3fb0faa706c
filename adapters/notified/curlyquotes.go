package notified

import (
	"strings"
	"unicode/utf8"
)

// curly are the double quotes that a word processor puts in place of straight ones. Each takes three
// bytes.
const (
	curly     = "\u201c\u201d"
	curlySize = len("\u201d")
)

const xmlSpace = " \t\r\n"

// mendQuotes replaces curly quotes by straight ones where they enclose an attribute's value, and
// escapes straight quotes inside the value. Text, comments, CDATA sections and values in straight
// quotes are unchanged. It returns false when there was nothing to replace, or when a tag, value,
// comment or section does not end. It passes over s once, whatever s holds.
func mendQuotes(s string) (mended string, ok bool) {
	var b strings.Builder
	inTag, afterEquals := false, false
	for s != "" {
		first, n := utf8.DecodeRuneInString(s) // n is how many bytes are copied unchanged
		switch {
		case !inTag && strings.HasPrefix(s, "<!--"):
			n = past(s, len("<!--"), "-->")
		case !inTag && strings.HasPrefix(s, "<![CDATA["):
			n = past(s, len("<![CDATA["), "]]>")
		case !inTag:
			inTag = first == '<'
		case first == '>':
			inTag = false
		case first == '"' || first == '\'':
			n = past(s, 1, string(first))
		case afterEquals && strings.ContainsRune(curly, first):
			value, rest, found := cutCurly(s[curlySize:])
			if !found {
				return "", false
			}
			b.WriteString(`"` + strings.ReplaceAll(value, `"`, "&quot;") + `"`)
			s, afterEquals, ok = rest, false, true
			continue
		}
		if n == 0 {
			return "", false
		}
		afterEquals = first == '=' || afterEquals && strings.ContainsRune(xmlSpace, first)
		b.WriteString(s[:n])
		s = s[n:]
	}
	return b.String(), ok && !inTag
}

// cutCurly cuts s at the curly quote that ends a value: the first one before white space or the tag's
// end.
func cutCurly(s string) (value, rest string, found bool) {
	for at := 0; ; at += curlySize {
		i := strings.IndexAny(s[at:], curly)
		if i < 0 {
			return "", "", false
		}
		at += i
		if rest = s[at+curlySize:]; rest != "" && strings.Contains(xmlSpace+"/>?", rest[:1]) {
			return s[:at], rest, true
		}
	}
}

// past returns the index after the first end at or after from, or 0 where there is none.
func past(s string, from int, end string) int {
	i := strings.Index(s[from:], end)
	if i < 0 {
		return 0
	}
	return from + i + len(end)
}
