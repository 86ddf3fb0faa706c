package apiclient

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// inUTF8 returns a text in UTF-8. Bytes that are none are taken for Latin-1 (ISO-8859-1), whose bytes are the
// characters of the same numbers. Of a text with NULs that is not UTF-16, nothing is returned: what stands
// between them could not be scrubbed. NULs at its end are those of a string of C, and left out.
func inUTF8(text []byte) string {
	if order, rest := utf16Order(text); order != nil {
		return withoutNULs(fromUTF16(rest, order))
	}
	text = bytes.TrimRight(text, "\x00")
	if utf8.Valid(text) {
		return withoutNULs(string(text))
	}
	return withoutNULs(fromLatin1(text))
}

// fromLatin1 takes the bytes that are not UTF-8 for Latin-1.
func fromLatin1(text []byte) string {
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n == 1 {
			r = rune(text[0])
		}
		b.WriteRune(r)
		text = text[n:]
	}
	return b.String()
}

// withoutNULs returns the text, or nothing if it holds a NUL.
func withoutNULs(text string) string {
	if strings.ContainsRune(text, 0) {
		return ""
	}
	return text
}

// utf16Order returns the byte order of a text in UTF-16, and the text without its byte order mark, or nil for
// another text. Without a mark, a text in UTF-16 begins with a character of Latin-1, as JSON and XML do.
func utf16Order(text []byte) (binary.ByteOrder, []byte) {
	if len(text) < 2 {
		return nil, text
	}
	switch high, low := text[0], text[1]; {
	case high == 0xfe && low == 0xff:
		return binary.BigEndian, text[2:]
	case high == 0xff && low == 0xfe:
		return binary.LittleEndian, text[2:]
	case high == 0:
		return binary.BigEndian, text
	case low == 0 && len(text) > 2:
		return binary.LittleEndian, text
	}
	return nil, text
}

// fromUTF16 decodes whole units of UTF-16: half a one at the end is left out.
func fromUTF16(text []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = order.Uint16(text[2*i:])
	}
	return string(utf16.Decode(units))
}
