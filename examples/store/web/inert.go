package web

import (
	"bytes"
	"strings"
	"unicode"
)

// inert shows what is invisible in a page and could mislead its reader as a
// box, wherever in the page it stands: marks that turn the direction of reading,
// line separators, control characters. What joins letters of names stays.
func inert(page []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && !strings.ContainsRune("\n\r\t\u200c\u200d", r) {
			return '\uFFFD'
		}
		return r
	}, page)
}
