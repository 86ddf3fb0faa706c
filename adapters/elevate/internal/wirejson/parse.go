package wirejson

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep objects and lists may nest.
const maxDepth = 32

// Errors of [Parse]. They quote nothing of what was read.
var (
	errNotObject = errors.New("not one JSON object")
	errDuplicate = errors.New("a JSON object that names a field twice")
	errDeep      = errors.New("a JSON object that nests too deeply")
)

// Parse reads exactly one JSON object, after a byte order mark if there is one.
// Unlike encoding/json it refuses a field named twice, of which different
// readers would see different values.
func Parse(text string) (Object, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	r := reader{rest: text}
	if r.next() == '{' {
		o, err := r.object(0)
		if r.next(); err == nil && r.rest == "" {
			return o, nil
		}
		if err != nil && json.Valid([]byte(text)) { // why it is refused all the same
			return nil, err
		}
	}
	return nil, errNotObject
}

// reader walks over a text. It takes no other than encoding/json does, which
// reads for it what is rare.
type reader struct{ rest string }

// next passes white space over and returns the byte that follows, or zero, which
// is no sign of JSON.
func (r *reader) next() byte {
	for n := range len(r.rest) {
		if b := r.rest[n]; b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			r.rest = r.rest[n:]
			return b
		}
	}
	r.rest = ""
	return 0
}

// take passes a sign over, if it comes next.
func (r *reader) take(sign byte) bool {
	if r.next() != sign {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *reader) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	switch r.next() {
	case '{':
		return r.object(depth)
	case '[':
		return r.list(depth)
	case '"':
		return r.text()
	}
	word := r.rest
	if n := strings.IndexAny(word, ",]} \t\r\n"); n >= 0 {
		word = word[:n]
	}
	r.rest = r.rest[len(word):]
	switch word {
	case "null":
		return nil, nil
	case "true", "false":
		return word == "true", nil
	}
	if !json.Valid([]byte(word)) {
		return nil, errNotObject
	}
	return json.Number(word), nil
}

func (r *reader) object(depth int) (Object, error) {
	o := Object{}
	r.take('{')
	if r.take('}') {
		return o, nil
	}
	for {
		name, err := r.text()
		if err != nil {
			return nil, err
		}
		if _, twice := o[name]; twice {
			return nil, errDuplicate
		}
		if !r.take(':') {
			return nil, errNotObject
		}
		if o[name], err = r.value(depth + 1); err != nil {
			return nil, err
		}
		if r.take('}') {
			return o, nil
		}
		if !r.take(',') {
			return nil, errNotObject
		}
	}
}

func (r *reader) list(depth int) ([]any, error) {
	list := []any{}
	r.take('[')
	if r.take(']') {
		return list, nil
	}
	for {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if r.take(']') {
			return list, nil
		}
		if !r.take(',') {
			return nil, errNotObject
		}
	}
}

// text reads a string. encoding/json reads those that are not plain ASCII.
func (r *reader) text() (string, error) {
	if r.next() != '"' {
		return "", errNotObject
	}
	simple := true
	for n := 1; n < len(r.rest); n++ {
		switch b := r.rest[n]; {
		case b == '"':
			quoted := r.rest[:n+1]
			r.rest = r.rest[n+1:]
			if simple {
				return quoted[1:n], nil
			}
			var s string
			if json.Unmarshal([]byte(quoted), &s) != nil {
				return "", errNotObject
			}
			return s, nil
		case b == '\\':
			n++ // what is escaped may be a quote
			simple = false
		case b < ' ', b >= utf8.RuneSelf:
			simple = false
		}
	}
	return "", errNotObject
}
