package wirejson

import (
	"bytes"
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
func Parse(b []byte) (Object, error) {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	r := reader{rest: string(b)}
	if !json.Valid(b) || r.next() != '{' {
		return nil, errNotObject
	}
	return r.object(0)
}

// reader walks over a text that is known to be valid JSON.
type reader struct{ rest string }

// next passes white space over and returns the byte that follows.
func (r *reader) next() byte {
	r.rest = strings.TrimLeft(r.rest, " \t\r\n")
	return r.rest[0]
}

// sign passes the next byte over and returns it.
func (r *reader) sign() byte {
	b := r.next()
	r.rest = r.rest[1:]
	return b
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
	end := strings.IndexAny(r.rest, ",]} \t\r\n") // there is one, for all is in an object
	word := r.rest[:end]
	r.rest = r.rest[end:]
	switch word {
	case "null":
		return nil, nil
	case "true", "false":
		return word == "true", nil
	}
	return json.Number(word), nil
}

func (r *reader) object(depth int) (Object, error) {
	o := Object{}
	r.sign()
	for r.next() != '}' {
		name, err := r.text()
		if err != nil {
			return nil, err
		}
		if _, twice := o[name]; twice {
			return nil, errDuplicate
		}
		r.sign() // the colon
		if o[name], err = r.value(depth + 1); err != nil {
			return nil, err
		}
		if r.next() == ',' {
			r.sign()
		}
	}
	r.sign()
	return o, nil
}

func (r *reader) list(depth int) ([]any, error) {
	list := []any{}
	r.sign()
	for r.next() != ']' {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if r.next() == ',' {
			r.sign()
		}
	}
	r.sign()
	return list, nil
}

// text reads a string. encoding/json reads those that are not plain ASCII.
func (r *reader) text() (string, error) {
	r.next()
	simple, end := true, 1
	for ; r.rest[end] != '"'; end++ {
		switch b := r.rest[end]; {
		case b == '\\':
			simple = false
			end++ // what is escaped may be a quote
		case b >= utf8.RuneSelf:
			simple = false
		}
	}
	quoted := r.rest[:end+1]
	r.rest = r.rest[end+1:]
	if simple {
		return quoted[1:end], nil
	}
	var s string
	if err := json.Unmarshal([]byte(quoted), &s); err != nil {
		return "", errNotObject
	}
	return s, nil
}
