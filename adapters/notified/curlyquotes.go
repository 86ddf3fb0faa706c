package notified

import "strings"

// curly are the double quotes that a word processor makes of straight ones.
const curly = "\u201c\u201d"

// mendQuotes makes straight quotes of curly ones that stand as attribute quotes
// in tags, and escapes straight ones between them. It leaves text, comments,
// CDATA sections and well-quoted values as they are. It returns false when it
// changed nothing or met a tag that it cannot follow. It reads s once.
func mendQuotes(s string) (string, bool) {
	var b strings.Builder
	mended := false
	for s != "" {
		n := 0
		switch {
		case strings.HasPrefix(s, "<!--"):
			n = past(s, "-->")
		case strings.HasPrefix(s, "<![CDATA["):
			n = past(s, "]]>")
		case s[0] == '<':
			tag, read, changed := mendTag(s)
			b.WriteString(tag)
			s, mended = s[read:], mended || changed
			if read == 0 {
				return "", false
			}
			continue
		default:
			if n = strings.IndexByte(s, '<'); n < 0 {
				n = len(s)
			}
		}
		if n == 0 {
			return "", false
		}
		b.WriteString(s[:n])
		s = s[n:]
	}
	return b.String(), mended
}

// mendTag mends the tag that s begins with, and tells how many bytes of s that
// took: none when the tag does not end.
func mendTag(s string) (tag string, read int, changed bool) {
	var b strings.Builder
	afterEquals := false
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '>':
			return b.String() + ">", i + 1, changed
		case c == '"' || c == '\'':
			n := past(s[i+1:], string(c))
			if n == 0 {
				return "", 0, false
			}
			b.WriteString(s[i : i+1+n])
			i, afterEquals = i+1+n, false
		case afterEquals && isCurly(s[i:]):
			n := curlyEnd(s[i+3:])
			if n < 0 {
				return "", 0, false
			}
			b.WriteString(`"` + strings.ReplaceAll(s[i+3:i+3+n], `"`, "&quot;") + `"`)
			i, afterEquals, changed = i+3+n+3, false, true
		default:
			b.WriteByte(c)
			if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
				afterEquals = c == '='
			}
			i++
		}
	}
	return "", 0, false
}

// curlyEnd finds the curly quote that ends a value: one that white space or the
// tag's end follows. It returns -1 when there is none.
func curlyEnd(s string) int {
	for at := 0; ; {
		i := strings.IndexAny(s[at:], curly)
		if i < 0 {
			return -1
		}
		at += i
		if rest := s[at+3:]; rest != "" && strings.IndexByte(" \t\r\n/>?", rest[0]) >= 0 {
			return at
		}
		at += 3
	}
}

// isCurly tells whether s begins with a curly quote, which takes three bytes.
func isCurly(s string) bool {
	return strings.HasPrefix(s, "\u201c") || strings.HasPrefix(s, "\u201d")
}

// past returns the index after the first end in s, or 0 when there is none.
func past(s, end string) int {
	i := strings.Index(s, end)
	if i < 0 {
		return 0
	}
	return i + len(end)
}
