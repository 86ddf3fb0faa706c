package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/amsbridge/amsbridge"
)

// maxConfig is the longest configuration, in bytes.
const maxConfig = 1 << 20

// unmarshal reads one JSON object into what target points at. Unlike
// json.Unmarshal it refuses names that are unknown, differ in case or stand
// there twice, null, and text after the object. The error is an
// *amsbridge.InputError whose field is the path of the value, such as
// "elevate.products[1].title", and quotes no value: a file may hold credentials.
func unmarshal(b []byte, target any) error {
	bad := func(problem string) error { return check.Bad("main", "configuration", problem) }
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	switch {
	case len(b) > maxConfig:
		return bad("is longer than 1 MiB")
	case !utf8.Valid(b):
		return bad("is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	err := walk(dec, reflect.TypeOf(target).Elem(), "")
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return json.Unmarshal(b, target)
		}
		err = bad("is followed by more text")
	}
	if wrong, ok := errors.AsType[*amsbridge.InputError](err); ok {
		return wrong
	}
	return bad(fmt.Sprintf("is not JSON from line %d on", 1+bytes.Count(b[:dec.InputOffset()], []byte("\n"))))
}

// walk goes through the next value beside the type that it is to fill.
func walk(dec *json.Decoder, t reflect.Type, at string) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	switch {
	case tok == nil:
		return badAt(at, "is null; leave it out instead")
	case tok == json.Delim('{') && t.Kind() == reflect.Struct:
		err = walkFields(dec, t, at)
	case tok == json.Delim('[') && t.Kind() == reflect.Slice:
		for i := 0; err == nil && dec.More(); i++ {
			err = walk(dec, t.Elem(), fmt.Sprintf("%s[%d]", at, i))
		}
	case t.Kind() == reflect.Struct:
		return badAt(at, "is not an object")
	case t.Kind() == reflect.Slice:
		return badAt(at, "is not a list")
	case tok == json.Delim('{') || tok == json.Delim('['):
		return badAt(at, "is not one value")
	default:
		return scalar(tok, t.Kind(), at)
	}
	if err == nil {
		_, err = dec.Token() // the end of the list or object
	}
	return err
}

func walkFields(dec *json.Decoder, t reflect.Type, at string) error {
	types := map[string]reflect.Type{}
	for f := range t.Fields() {
		if name, tagged := f.Tag.Lookup("json"); tagged {
			types[name] = f.Type
		}
	}
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := tok.(string) // nothing else passes the decoder here
		path := inert(name, 64)
		if at != "" {
			path = at + "." + path
		}
		switch of, known := types[name]; {
		case !known:
			return badAt(path, "is no field of the configuration")
		case seen[name]:
			return badAt(path, "stands there twice")
		default:
			seen[name] = true
			if err := walk(dec, of, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// scalar checks one value against the kinds that the configuration has.
func scalar(tok json.Token, want reflect.Kind, at string) error {
	fits, name := false, ""
	switch want {
	case reflect.String:
		_, fits = tok.(string)
		name = "a text"
	case reflect.Bool:
		_, fits = tok.(bool)
		name = "true or false"
	default:
		n, ok := tok.(json.Number)
		_, err := n.Int64()
		fits, name = ok && err == nil, "a whole number"
	}
	if !fits {
		return badAt(at, "is not "+name)
	}
	return nil
}

func badAt(path, problem string) error {
	if path == "" {
		path = "configuration"
	}
	return check.Bad("main", path, problem)
}
