package check

import "reflect"

// IsNil tells whether v is nil, or an interface that holds a nil pointer or a nil function: both would
// panic at the first call. A nil map or slice is just empty, and not a mistake.
func IsNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}
