package apiclient

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scrubber collects what is to go from a text.
type scrubber struct {
	text string
	hide []bool // by byte; nil while nothing is
}

// search marks what is found in one layer of the text. at maps its bytes to the
// text's, and is nil for the text itself.
func (s *scrubber) search(layer string, at []int, all []hidden) {
	low := lowerASCII(layer)
	mark := func(from, to int) {
		if at != nil {
			from, to = at[from], at[to]
		}
		if s.hide == nil {
			s.hide = make([]bool, len(s.text))
		}
		for i := from; i < to; i++ {
			s.hide[i] = true
		}
	}
	for i := range all {
		if absent(low, all[i].value) {
			continue
		}
		for _, n := range all[i].forms() {
			n.find(low, mark)
		}
	}
	if holdsAddress(low) {
		for _, m := range address.FindAllStringIndex(layer, -1) {
			mark(m[0], m[1])
		}
	}
}

// find calls mark for all places where the needle is, overlapping ones too.
func (n needle) find(low string, mark func(from, to int)) {
	marked := 0 // up to here all is, so that a text of one letter takes no long
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

// rest returns the text without what was marked.
func (s *scrubber) rest() string {
	if s.hide == nil {
		return s.text
	}
	var b strings.Builder
	for i := range len(s.text) {
		if !s.hide[i] {
			b.WriteByte(s.text[i])
		} else if i == 0 || !s.hide[i-1] {
			b.WriteString(removed)
		}
	}
	return b.String()
}

// unpercent undoes one layer of percent-encoding and says whether there was any.
// at maps the bytes of the layer to those of the text, and is nil where they are
// the same; it has one element more, for the end. A '+' becomes plus.
func unpercent(layer string, at []int, plus byte) (string, []int, bool) {
	if !anyPercent(layer) {
		return layer, at, false
	}
	out, to := make([]byte, 0, len(layer)), make([]int, 0, len(layer)+1)
	for i := 0; i <= len(layer); i++ {
		if at == nil {
			to = append(to, i)
		} else {
			to = append(to, at[i])
		}
		if i == len(layer) {
			break
		}
		b, ok := percent(layer[i:])
		switch {
		case ok:
			i += 2
		case layer[i] == '+':
			b = plus
		default:
			b = layer[i]
		}
		out = append(out, b)
	}
	return string(out), to, true
}

func anyPercent(s string) bool {
	for i := strings.IndexByte(s, '%'); i >= 0; {
		if _, ok := percent(s[i:]); ok {
			return true
		}
		next := strings.IndexByte(s[i+1:], '%')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// percent reads the percent-encoded byte that a text begins with.
func percent(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' || !hexDigits(s[1:3]) {
		return 0, false
	}
	return nibble(s[1])<<4 | nibble(s[2]), true
}

func hexDigits(s string) bool {
	return strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

func nibble(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return lower(b) - 'a' + 10
}

// ownWord tells whether s[from:to] stands between what is neither letter nor
// digit, or after an escape: in "\nal" as JSON writes it the n is no letter.
func ownWord(s string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:from])
	after, _ := utf8.DecodeRuneInString(s[to:])
	return (!wordRune(before) || endsEscape(s[:from])) && !wordRune(after)
}

func endsEscape(s string) bool {
	n := len(s)
	return n >= 2 && s[n-2] == '\\' ||
		n >= 3 && s[n-3] == '%' && hexDigits(s[n-2:]) ||
		n >= 6 && s[n-6:n-4] == `\u` && hexDigits(s[n-4:])
}

// wordRune is false for the error rune, hence at both ends of a text.
func wordRune(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
