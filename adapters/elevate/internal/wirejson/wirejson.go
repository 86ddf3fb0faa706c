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
	w := writer{b: make([]byte, 0, 256)}
	err := w.object(o)
	return w.b, err
}

// writer writes JSON, and notes where gaps are.
type writer struct {
	b     []byte
	texts [][]byte // those before each gap
	gaps  []Gap
	size  int // of the texts
}

func (w *writer) gap(g Gap) {
	w.texts, w.gaps, w.size = append(w.texts, w.b), append(w.gaps, g), w.size+len(w.b)
	w.b = nil
}

func (w *writer) object(o Object) error {
	if o == nil {
		w.b = append(w.b, "null"...)
		return nil
	}
	names := make([]string, 0, 8)
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	w.b = append(w.b, '{')
	for i, name := range names {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		if err := w.text(name); err != nil {
			return err
		}
		w.b = append(w.b, ':')
		if err := w.value(o[name]); err != nil {
			return err
		}
	}
	w.b = append(w.b, '}')
	return nil
}

func (w *writer) value(v any) error {
	switch v := v.(type) {
	case Object:
		return w.object(v)
	case string:
		return w.text(v)
	case Gap:
		w.gap(v)
		return nil
	}
	return w.other(v)
}

func (w *writer) text(s string) error {
	if !plain(s) {
		return w.other(s)
	}
	w.b = append(append(append(w.b, '"'), s...), '"')
	return nil
}

func (w *writer) other(v any) error {
	text, err := json.Marshal(v)
	w.b = append(w.b, text...)
	return err
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
