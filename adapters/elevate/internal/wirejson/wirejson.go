// Package wirejson reads and builds JSON objects by dotted paths, which is how
// a wire profile names fields. The client and the sandbox share it.
package wirejson

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// Object is a JSON object. Its values are nil, bool, string, [json.Number],
// []any and Object.
type Object map[string]any

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

// Encode returns the object as [json.Marshal] would, names in order, in a
// fraction of the time.
func (o Object) Encode() ([]byte, error) {
	return o.write(make([]byte, 0, 256))
}

func (o Object) write(b []byte) ([]byte, error) {
	if o == nil {
		return append(b, "null"...), nil
	}
	names := make([]string, 0, 8)
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = write(b, name); err != nil {
			return nil, err
		}
		if b, err = write(append(b, ':'), o[name]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func write(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case Object:
		return v.write(b)
	case string:
		if plain(v) {
			b = append(b, '"')
			b = append(b, v...)
			return append(b, '"'), nil
		}
	case json.RawMessage:
		if s := string(v); s == "true" || s == "false" {
			return append(b, s...), nil
		}
	}
	text, err := json.Marshal(v)
	return append(b, text...), err
}

// plain tells whether nothing in s is to be escaped.
func plain(s string) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case b < ' ', b >= utf8.RuneSelf, b == '"', b == '\\', b == '<', b == '>', b == '&':
			return false
		}
	}
	return true
}
