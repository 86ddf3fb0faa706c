// Package strictjson reads JSON that means the same to every reader. encoding/json accepts a name given
// twice, a name in another case and an unknown name; it ignores null, and its decoder may stop before
// the end of the text. This package refuses all of these.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge/internal/check"
)

// maxDepth is how deep objects and lists may nest.
const maxDepth = 32

// maxName is the longest part of a name that a path quotes, in bytes.
const maxName = 64

// Error says why a text was refused.
type Error struct {
	// Path leads to the value: ".name" in an object with known fields, `["name"]` in one whose names
	// are data, "[0]" in a list. It is empty for the whole text. It may quote names of the text, which
	// may be hostile.
	Path string
	// Problem says what is wrong with the value, such as "stands there twice". It quotes nothing of the
	// text.
	Problem string

	line int // the line of the syntax error, if it is one
}

// Error returns path and problem.
func (e *Error) Error() string { return "JSON" + e.Path + " " + e.Problem }

// About returns the error for a text whose names are not to be quoted; text is what to call it, such as
// "the reply".
func (e *Error) About(text string) string {
	if e.Path != "" {
		text = "a field of " + text
	}
	return text + " " + e.Problem
}

// InputError returns the error as one of pkg about its caller's input; name is what the whole text is
// called.
func (e *Error) InputError(pkg, name string) *check.InputError {
	if e.line > 0 {
		return check.Bad(pkg, name, fmt.Sprintf("is not JSON from line %d on", e.line))
	}
	return check.Bad(pkg, name+e.Path, e.Problem)
}

// under puts a part before the path, unless the error is about the whole text.
func (e *Error) under(part string) *Error {
	if e.line == 0 && e.Problem != tooDeep {
		e.Path = part + e.Path
	}
	return e
}

// tooDeep is said without a path, which would be as deep.
const tooDeep = "nests too deeply"

// Unmarshal reads one JSON value, in UTF-8 and with nothing after it, into what target points at. A
// struct takes an object with exactly the names of its json tags; a map, which must be empty, takes an
// object with any names. Both may hold structs, maps with string keys, slices, strings, booleans and
// numbers. An any or a [json.RawMessage] takes every value, also null; numbers in an any are
// [json.Number]. Values may nest 32 deep.
//
// After an error the target may hold a part of the text.
func Unmarshal(data []byte, target any) *Error {
	if !utf8.Valid(data) {
		return &Error{Problem: "is not valid UTF-8"}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	r := reader{data, dec}
	if err := r.value(reflect.TypeOf(target).Elem(), 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &Error{Problem: "is followed by more text"}
	}
	dec = json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(target); err != nil {
		return r.broken()
	}
	return nil
}

// reader walks through a text and its type side by side.
type reader struct {
	data []byte
	dec  *json.Decoder
}

// broken returns the error of a text that is not JSON.
func (r reader) broken() *Error {
	return &Error{Problem: "is not JSON", line: 1 + bytes.Count(r.data[:r.dec.InputOffset()], []byte("\n"))}
}

var raw = reflect.TypeFor[json.RawMessage]()

// value reads the next value. Its errors have the path from there on: whoever called puts its own part before.
func (r reader) value(t reflect.Type, depth int) *Error {
	token, err := r.dec.Token()
	if err != nil {
		return r.broken()
	}
	if depth > maxDepth {
		return &Error{Problem: tooDeep}
	}
	kind := t.Kind()
	free := kind == reflect.Interface || t == raw
	switch {
	case token == json.Delim('{') && (free || kind == reflect.Struct || kind == reflect.Map):
		return r.object(t, depth)
	case token == json.Delim('[') && (free || kind == reflect.Slice):
		return r.list(t, depth)
	case free || fits(token, t):
		return nil
	case token == nil && depth > 0:
		return &Error{Problem: "is null; leave it out instead"}
	}
	return &Error{Problem: "is not " + wanted(kind)}
}

// object reads an object after its opening brace.
func (r reader) object(t reflect.Type, depth int) *Error {
	fields, seen := fieldsOf(t), map[string]bool{}
	for r.dec.More() {
		token, err := r.dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return r.broken()
		}
		of, known := t, true // a raw message and an any take everything in them
		switch t.Kind() {
		case reflect.Map:
			of = t.Elem()
		case reflect.Struct:
			of, known = fields[name]
		}
		var bad *Error
		switch {
		case !known:
			bad = &Error{Problem: "is not a known field"}
		case seen[name]:
			bad = &Error{Problem: "stands there twice"}
		default:
			seen[name] = true
			bad = r.value(of, depth+1)
		}
		switch {
		case bad == nil:
		case t.Kind() == reflect.Struct:
			return bad.under("." + shown(name))
		default:
			return bad.under(fmt.Sprintf("[%q]", shown(name)))
		}
	}
	return r.end()
}

// list reads a list after its opening bracket.
func (r reader) list(t reflect.Type, depth int) *Error {
	of := t
	if t.Kind() == reflect.Slice && t != raw {
		of = t.Elem()
	}
	for i := 0; r.dec.More(); i++ {
		if bad := r.value(of, depth+1); bad != nil {
			return bad.under(fmt.Sprintf("[%d]", i))
		}
	}
	return r.end()
}

// end reads the end of an object or a list.
func (r reader) end() *Error {
	if _, err := r.dec.Token(); err != nil {
		return r.broken()
	}
	return nil
}

// fieldsOf returns a struct's fields by their JSON names.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if t.Kind() != reflect.Struct {
		return nil
	}
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = f.Type
		}
	}
	return fields
}

// fits tells whether a scalar value is of the type.
func fits(token json.Token, t reflect.Type) bool {
	switch v := token.(type) {
	case string:
		return t.Kind() == reflect.String
	case bool:
		return t.Kind() == reflect.Bool
	case json.Number:
		return t.Kind() != reflect.String && json.Unmarshal([]byte(v), reflect.New(t).Interface()) == nil
	}
	return false
}

func wanted(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number in range"
}

// shown returns a name as a path quotes it.
func shown(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, name)
	if len(name) <= maxName {
		return name
	}
	cut := maxName
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut]
}
