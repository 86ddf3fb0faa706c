package amsbridge

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// plainJSON reads JSON as this package writes it, and as databases lay it out
// anew, in a fraction of encoding/json's time. It understands no more than
// that: anything else (escapes, null, names that are unknown or there twice)
// makes it odd, and encoding/json is to read the whole then.
type plainJSON struct {
	rest string
	odd  bool
}

func newPlainJSON(b []byte) plainJSON { return plainJSON{rest: string(b), odd: !utf8.Valid(b)} }

// whole tells whether all was understood and nothing is left.
func (r *plainJSON) whole() bool {
	r.space()
	return !r.odd && r.rest == ""
}

func (r *plainJSON) space() {
	n := 0
	for n < len(r.rest) && (r.rest[n] == ' ' || r.rest[n] == '\t' || r.rest[n] == '\r' || r.rest[n] == '\n') {
		n++
	}
	r.rest = r.rest[n:]
}

// at passes a sign over, if it comes next.
func (r *plainJSON) at(sign byte) bool {
	if r.rest == "" || r.rest[0] <= ' ' {
		r.space()
	}
	if r.rest == "" || r.rest[0] != sign {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *plainJSON) need(sign byte) {
	if !r.at(sign) {
		r.odd = true
	}
}

// object calls field for each name; it is to read the value.
func (r *plainJSON) object(field func(name string)) {
	r.need('{')
	if r.at('}') {
		return
	}
	for !r.odd {
		name := r.quoted()
		r.need(':')
		field(name)
		if r.at('}') {
			return
		}
		r.need(',')
	}
}

// list calls value for each element; it is to read that.
func (r *plainJSON) list(value func()) {
	r.need('[')
	if r.at(']') {
		return
	}
	for !r.odd {
		value()
		if r.at(']') {
			return
		}
		r.need(',')
	}
}

// quoted reads a text without escapes.
func (r *plainJSON) quoted() string {
	r.need('"')
	for end := range len(r.rest) {
		switch b := r.rest[end]; {
		case b == '"':
			s := r.rest[:end]
			r.rest = r.rest[end+1:]
			return s
		case b < ' ', b == '\\':
			r.odd = true
			return ""
		}
	}
	r.odd = true
	return ""
}

// text reads one into a field that has none yet.
func (r *plainJSON) text(to *string) {
	r.odd = r.odd || *to != ""
	*to = r.quoted()
}

// number reads a whole number into a field that is zero yet.
func (r *plainJSON) number(to *int64) {
	r.space()
	end := 0
	for end < len(r.rest) && (r.rest[end] == '-' || '0' <= r.rest[end] && r.rest[end] <= '9') {
		end++
	}
	digits := strings.TrimPrefix(r.rest[:end], "-")
	n, err := strconv.ParseInt(r.rest[:end], 10, 64)
	if err != nil || *to != 0 || strings.HasPrefix(digits, "0") && end > 1 { // neither -0 nor 01
		r.odd = true
	}
	*to, r.rest = n, r.rest[end:]
}

// yes reads true into a field that is false yet.
func (r *plainJSON) yes(to *bool) {
	r.space()
	rest, ok := strings.CutPrefix(r.rest, "true")
	r.odd = r.odd || !ok || *to
	*to, r.rest = ok, rest
}

// plainText tells whether JSON writes s as it is, between quotes.
func plainText(s string) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case b < ' ', b >= utf8.RuneSelf, b == '"', b == '\\', b == '<', b == '>', b == '&':
			return false
		}
	}
	return true
}
