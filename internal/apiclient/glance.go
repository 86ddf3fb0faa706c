package apiclient

import (
	"encoding/base64"
	"strings"
)

// glance is what one look at a text tells: that most values are not in it.
type glance struct {
	text string
	// signs is set when a byte stands in the text with which any '@' or
	// percent-encoding would begin.
	signs bool
	// pairs tells which two bytes stand side by side, ASCII letters in lower
	// case. Several pairs share a place.
	pairs [16]uint64
}

func lookAt(text string) *glance {
	g := &glance{text: text}
	before, all := byte(0), uint8(0)
	for i := range len(text) {
		b := lowered[text[i]]
		all |= kinds[b]
		word, bit := place(before, b)
		g.pairs[word] |= bit
		before = b
	}
	g.signs = all&sign != 0
	return g
}

func place(a, b byte) (word uint, bit uint64) {
	n := uint(a)<<4 ^ uint(b)
	return n / 64 % 16, 1 << (n % 64)
}

var lowered = func() (l [256]byte) {
	for b := range l {
		l[b] = lower(byte(b))
	}
	return l
}()

// clean is false when an e-mail address or percent-encoding may be there.
func (g *glance) clean() bool {
	return !g.signs || !holdsAddress(lowerASCII(g.text)) && !anyPercent(g.text)
}

// absent is true when no form of the value can be in the text. It may be false
// though none is.
func (g *glance) absent(value string) bool {
	if g.lacks(value, plain) && strings.TrimSpace(value) == value { // base64 of it may be of a trimmed one
		var coded [32]byte
		if n := encodeSome(&coded, value[:min(len(value), 6)]); g.lacks(string(coded[:n]), alphanumeric) { // six bytes make eight
			return true
		}
	}
	return absent(lowerASCII(g.text), value)
}

// lacks tells whether two such bytes stand side by side in the value and
// nowhere in the text. All forms of the value have them: see absentRun.
func (g *glance) lacks(value string, kind uint8) bool {
	for i := 1; i < len(value); i++ {
		a, b := value[i-1], value[i]
		if kinds[a]&kinds[b]&kind == 0 {
			continue
		}
		if word, bit := place(lowered[a], lowered[b]); g.pairs[word]&bit == 0 {
			return true
		}
	}
	return false
}

// encodeSome writes base64 of the value's beginning and returns its length:
// three bytes make four.
func encodeSome(coded *[32]byte, value string) int {
	var piece [24]byte
	n := copy(piece[:], value)
	base64.RawStdEncoding.Encode(coded[:], piece[:n])
	return base64.RawStdEncoding.EncodedLen(n)
}
