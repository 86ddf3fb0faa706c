// Package fieldpath reads and sets fields of JSON objects by dotted paths, which
// is how a wire profile names them: "user.email" is the field email of the object
// user. The client and the sandbox share it.
package fieldpath

import "strings"

// Get returns the value at a path, and false where there is none.
func Get(object map[string]any, path string) (any, bool) {
	name, rest, nested := strings.Cut(path, ".")
	v, ok := object[name]
	if !nested || !ok {
		return v, ok
	}
	inner, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	return Get(inner, rest)
}

// Set puts a value at a path, and makes the objects on the way. It returns false where another value is
// in the way.
func Set(object map[string]any, path string, v any) bool {
	name, rest, nested := strings.Cut(path, ".")
	old, there := object[name]
	if !nested {
		object[name] = v
		return !there
	}
	if !there {
		old = map[string]any{}
		object[name] = old
	}
	inner, ok := old.(map[string]any)
	return ok && Set(inner, rest, v)
}

// All returns the path of every value that is not an object.
func All(object map[string]any) []string {
	var all []string
	for name, v := range object {
		inner, ok := v.(map[string]any)
		if !ok {
			all = append(all, name)
		}
		for _, path := range All(inner) {
			all = append(all, name+"."+path)
		}
	}
	return all
}
