package sqlcore

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
)

// parameter is the mark of the nth parameter.
func parameter(n int) string { return fmt.Sprintf("?%d", n) }

// inParameter is one parameter for the whole list.
func inParameter(d *dialect, args *[]any, kind columnKind, list any) (string, error) {
	arg, err := d.listArg(kind, list)
	*args = append(*args, arg)
	return d.list(len(*args), kind), err
}

// inLiterals gives each value of a list a parameter of its own: beside a JSON text MariaDB sometimes reads
// whole tables, for it cannot know how few the list has.
func inLiterals(_ *dialect, args *[]any, kind columnKind, list any) (string, error) {
	v := reflect.ValueOf(list)
	if v.Len() == 0 {
		return "(SELECT 1 FROM DUAL WHERE 1 = 0)", nil
	}
	marks := make([]string, v.Len())
	for i := range marks {
		value := v.Index(i).Interface()
		if text, ok := value.(string); ok && kind == kindBytes {
			b, err := hex.DecodeString(text)
			if err != nil {
				return "", err
			}
			value = b
		}
		*args = append(*args, value)
		marks[i] = parameter(len(*args))
	}
	return "(" + strings.Join(marks, ", ") + ")", nil
}
