package sqlcore

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"sync"
)

// Rows and lists are the last parameters of a statement: as one JSON text, or
// as native arrays where the driver can send those.

// withRowsLast returns a statement's parameters: first, then what stands for
// rows, a slice of structs whose fields are tagged with the columns' names.
// Bytes are a string in hexadecimal or []byte; nil is NULL.
func (d *dialect) withRowsLast(columns []column, rows any, first ...any) ([]any, error) {
	if d.arrays {
		arrays, err := columnArrays(columns, rows)
		return append(first, arrays...), err
	}
	text, err := jsonText(rows)
	return append(first, text), err
}

// listArg is the parameter for a list: of integers, or of strings, in
// hexadecimal for bytes.
func (d *dialect) listArg(kind columnKind, list any) (any, error) {
	if !d.arrays {
		return jsonText(list)
	}
	v := reflect.ValueOf(list)
	out := newArray(kind, v.Len())
	for i := range v.Len() {
		if err := out.add(v.Index(i)); err != nil {
			return nil, err
		}
	}
	return out.value(), nil
}

// columnArrays turns rows into one array a column.
func columnArrays(columns []column, rows any) ([]any, error) {
	v := reflect.ValueOf(rows)
	fields, err := fieldsOf(v.Type().Elem(), columns)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(columns))
	for c, column := range columns {
		a := newArray(column.kind, v.Len())
		for i := range v.Len() {
			if err := a.add(v.Index(i).FieldByIndex(fields[c])); err != nil {
				return nil, fmt.Errorf("column %s: %w", column.name, err)
			}
		}
		out[c] = a.value()
	}
	return out, nil
}

// fieldPlans remembers where the columns of a kind of row lie: a map from
// fieldPlan to [][]int.
var fieldPlans sync.Map

type fieldPlan struct {
	row     reflect.Type
	columns *column
}

func fieldsOf(row reflect.Type, columns []column) ([][]int, error) {
	plan := fieldPlan{row, &columns[0]}
	if known, ok := fieldPlans.Load(plan); ok {
		return known.([][]int), nil
	}
	tagged := map[string][]int{}
	for _, f := range reflect.VisibleFields(row) {
		tagged[f.Tag.Get("json")] = f.Index
	}
	fields := make([][]int, len(columns))
	for i, c := range columns {
		at, ok := tagged[c.name]
		if !ok {
			return nil, fmt.Errorf("%s has no column %s", row, c.name)
		}
		fields[i] = at
	}
	fieldPlans.Store(plan, fields)
	return fields, nil
}

// array collects the values of one column.
type array struct {
	kind  columnKind
	ints  []int64
	texts []string
	bytes [][]byte
	// hexed is what the last of bytes was in hexadecimal: many are the same.
	hexed string
}

func newArray(kind columnKind, n int) *array {
	a := &array{kind: kind}
	switch kind {
	case kindInt:
		a.ints = make([]int64, 0, n)
	case kindText:
		a.texts = make([]string, 0, n)
	case kindBytes:
		a.bytes = make([][]byte, 0, n)
	}
	return a
}

func (a *array) value() any {
	switch a.kind {
	case kindInt:
		return a.ints
	case kindText:
		return a.texts
	}
	return a.bytes
}

func (a *array) add(v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() && a.kind == kindBytes {
			a.bytes = append(a.bytes, nil)
			return nil
		}
		v = v.Elem()
	}
	switch {
	case a.kind == kindInt && v.CanInt():
		a.ints = append(a.ints, v.Int())
	case a.kind == kindInt && v.CanUint():
		a.ints = append(a.ints, int64(v.Uint())) //nolint:gosec // states and doubts are small
	case a.kind == kindText && v.Kind() == reflect.String:
		a.texts = append(a.texts, v.String())
	case a.kind == kindBytes && v.Kind() == reflect.String:
		if n := len(a.bytes); n > 0 && v.String() == a.hexed && a.bytes[n-1] != nil {
			a.bytes = append(a.bytes, a.bytes[n-1])
			return nil
		}
		b, err := hex.DecodeString(v.String())
		a.bytes, a.hexed = append(a.bytes, b), v.String()
		return err
	case a.kind == kindBytes && v.Kind() == reflect.Slice:
		a.bytes = append(a.bytes, v.Bytes())
	default:
		return fmt.Errorf("a %s is no value for it", v.Kind())
	}
	return nil
}
