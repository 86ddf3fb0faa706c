package notified

import (
	"strings"
	"unicode/utf8"
)

// xmlReader walks over the XML that [plainXML] reads.
type xmlReader struct {
	rest string
	odd  bool // something is left to readTree
	wide bool // there is more than ASCII
}

// element is what a start tag says.
type element struct {
	name  string
	empty bool // the tag ends the element too
	n     int
	attrs [8]field
}

func (e *element) value(name string) string {
	value, _ := e.find(name)
	return value
}

func (e *element) find(name string) (string, bool) {
	for i := range e.n {
		if e.attrs[i].name == name {
			return e.attrs[i].value, true
		}
	}
	return "", false
}

// child reads on to the next start tag in the element, and past its end when
// there is none.
func (r *xmlReader) child(of, e *element) bool {
	if of.empty || r.odd {
		return false
	}
	r.until('<') // of the text around elements nothing is read
	if r.end(of) {
		return false
	}
	r.open(e)
	return !r.odd
}

// text reads an element that has text only.
func (r *xmlReader) text(of *element) string {
	if of.empty {
		return ""
	}
	s, has := r.until('<')
	r.need(has&xmlReturn == 0) // a decoder makes a line feed of it
	r.need(r.end(of))
	return s
}

// end reads the element's end tag, if one comes next.
func (r *xmlReader) end(of *element) bool {
	if !r.pass("</") {
		return false
	}
	r.need(r.word() == of.name)
	r.white()
	r.need(r.pass(">"))
	return true
}

// open reads a start tag.
func (r *xmlReader) open(e *element) {
	r.need(r.pass("<"))
	e.name, e.n = r.word(), 0
	for !r.odd {
		apart := r.white()
		if e.empty = r.pass("/>"); e.empty || r.pass(">") {
			return
		}
		name := r.word()
		_, twice := e.find(name)
		if !apart || twice || name == "xmlns" || e.n == len(e.attrs) || !r.pass(`="`) {
			r.odd = true
			return
		}
		value, has := r.until('"')
		r.need(has&(xmlReturn|xmlLess) == 0)
		r.pass(`"`)
		e.attrs[e.n] = field{name, value}
		e.n++
	}
}

// need gives up unless what is needed is there.
func (r *xmlReader) need(ok bool) {
	if !ok {
		r.odd = true
	}
}

// pass passes a text over and tells whether it came next.
func (r *xmlReader) pass(text string) bool {
	rest, ok := strings.CutPrefix(r.rest, text)
	r.rest = rest
	return ok
}

// white passes white space over and tells whether there was any.
func (r *xmlReader) white() bool {
	n := 0
	for n < len(r.rest) && xmlKinds[r.rest[n]]&xmlWhite != 0 {
		n++
	}
	r.rest = r.rest[n:]
	return n > 0
}

// word reads a name.
func (r *xmlReader) word() string {
	n := 0
	for n < len(r.rest) && xmlKinds[r.rest[n]]&(xmlLetter|xmlDigit) != 0 {
		n++
	}
	r.need(n > 0 && xmlKinds[r.rest[0]]&xmlLetter != 0)
	word := r.rest[:n]
	r.rest = r.rest[n:]
	return word
}

// until reads what stands before the sign, which must come, and tells which
// kinds of bytes that has.
func (r *xmlReader) until(sign byte) (s string, has uint8) {
	n := 0
	for n < len(r.rest) && r.rest[n] != sign {
		has |= xmlKinds[r.rest[n]]
		n++
	}
	if n == len(r.rest) {
		r.odd = true
		return "", 0
	}
	s, r.rest = r.rest[:n], r.rest[n:]
	r.wide = r.wide || has&xmlWide != 0
	r.need(has&xmlOdd == 0 && (has&xmlBracket == 0 || !strings.Contains(s, "]]>")))
	return s, has
}

// Kinds of bytes.
const (
	xmlLetter uint8 = 1 << iota // a name may begin with it
	xmlDigit                    // a name may go on with it
	xmlWhite
	xmlReturn
	xmlLess
	xmlBracket
	xmlWide
	xmlOdd
)

var xmlKinds = func() (k [256]uint8) {
	for b := range k {
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', b == '_':
			k[b] = xmlLetter
		case '0' <= b && b <= '9', b == '-', b == '.':
			k[b] = xmlDigit
		case b == '\r':
			k[b] = xmlWhite | xmlReturn
		case b == ' ', b == '\t', b == '\n':
			k[b] = xmlWhite
		case b == '<':
			k[b] = xmlLess
		case b == ']':
			k[b] = xmlBracket
		case b < ' ', b == '&', b == 0xef: // U+FFFE begins with it, and XML has no such character
			k[b] = xmlOdd
		case b >= utf8.RuneSelf:
			k[b] = xmlWide
		}
	}
	return k
}()
