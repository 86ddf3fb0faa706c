// Package wirejson reads and builds JSON objects by dotted paths, which is how
// a wire profile names fields. The client and the sandbox share it.
package wirejson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// maxDepth is how deep objects and lists may nest.
const maxDepth = 32

// Errors of [Parse]. They quote nothing of what was read.
var (
	errNotObject = errors.New("not one JSON object")
	errDuplicate = errors.New("a JSON object that names a field twice")
	errDeep      = errors.New("a JSON object that nests too deeply")
)

// Object is a JSON object. Its values are nil, bool, string, [json.Number],
// []any and Object.
type Object map[string]any

// Parse reads exactly one JSON object, after a byte order mark if there is one.
// Unlike encoding/json it refuses a field named twice, of which different
// readers would see different values.
func Parse(b []byte) (Object, error) {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	dec.UseNumber()
	v, err := value(dec, 0)
	if err != nil {
		return nil, err
	}
	o, ok := v.(Object)
	if !ok {
		return nil, errNotObject
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	return o, nil
}

func value(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, errNotObject
	}
	switch tok {
	case json.Delim('{'):
		return object(dec, depth)
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := value(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, end(dec)
	}
	return tok, nil
}

func object(dec *json.Decoder, depth int) (any, error) {
	o := Object{}
	for dec.More() {
		tok, err := dec.Token()
		name, ok := tok.(string)
		if err != nil || !ok {
			return nil, errNotObject
		}
		if _, twice := o[name]; twice {
			return nil, errDuplicate
		}
		if o[name], err = value(dec, depth+1); err != nil {
			return nil, err
		}
	}
	return o, end(dec)
}

func end(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return errNotObject
	}
	return nil
}

// Get returns the value at a path such as "data.url", and false where there is
// none.
func (o Object) Get(path string) (any, bool) {
	name, rest, nested := strings.Cut(path, ".")
	v, ok := o[name]
	if !nested || !ok {
		return v, ok
	}
	inner, ok := v.(Object)
	if !ok {
		return nil, false
	}
	return inner.Get(rest)
}

// Set puts a value at a path, with the objects on the way. It returns false
// where something else stands there already.
func (o Object) Set(path string, v any) bool {
	name, rest, nested := strings.Cut(path, ".")
	old, there := o[name]
	if !nested {
		o[name] = v
		return !there
	}
	if !there {
		old = Object{}
		o[name] = old
	}
	inner, ok := old.(Object)
	return ok && inner.Set(rest, v)
}

// Paths returns the path of every value that is not an object.
func (o Object) Paths() []string {
	var all []string
	for name, v := range o {
		if inner, ok := v.(Object); ok {
			for _, p := range inner.Paths() {
				all = append(all, name+"."+p)
			}
			continue
		}
		all = append(all, name)
	}
	return all
}
