package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/amsbridge/amsbridge/outbox"
)

// MaxScript is the longest text that [ParseScript] takes, in bytes.
const MaxScript = 256 << 10

var errNoText = errors.New("faults: a hold, or bytes that are not UTF-8, cannot be written as text")

// ParseScript reads a script from one JSON object:
//
//	{"seed": 7, "rate": 0.3,
//	 "faults": [{"kind": "cut after"}, {"kind": "throttle", "retry_after": "2"}],
//	 "calls": {"3": {"kind": "login page"}},
//	 "users": {"U-1": [{"kind": "server error", "effect": true}]}}
//
// A script's fields may all be left out. A fault's are kind (as [Kind.String]
// has it), retry_after, delay (such as "250ms"), body, status, content_type and
// effect. An unknown name, one that stands
// there twice, a value of the wrong type (null too) and text after the object
// are refused with an [*amsbridge.InputError] that names the field. What is
// returned has passed [Script.Check].
func ParseScript(b []byte) (Script, error) {
	var s Script
	if len(b) > MaxScript {
		return Script{}, check.Bad("faults", "script", "is longer than 256 KiB")
	}
	if !utf8.Valid(b) {
		return Script{}, check.Bad("faults", "script", "is not valid UTF-8")
	}
	err := eachField("script", bytes.TrimPrefix(b, []byte("\ufeff")), func(name string, raw json.RawMessage) (err error) {
		field := "script." + shown(name)
		switch name {
		case "seed":
			return scalar(field, "a whole number from 0", raw, &s.Seed)
		case "rate":
			return scalar(field, "a number", raw, &s.Rate)
		case "faults":
			s.Faults, err = readFaults(field, raw)
		case "calls":
			s.Calls = map[int]Fault{}
			err = eachField(field, raw, func(name string, raw json.RawMessage) error {
				at := fmt.Sprintf("%s[%q]", field, shown(name))
				n, err := strconv.Atoi(name)
				if err != nil || strconv.Itoa(n) != name {
					return check.Bad("faults", at, "is not the number of a call")
				}
				s.Calls[n], err = readFault(at, raw)
				return err
			})
		case "users":
			s.Users = map[string][]Fault{}
			err = eachField(field, raw, func(name string, raw json.RawMessage) (err error) {
				s.Users[name], err = readFaults(fmt.Sprintf("%s[%q]", field, shown(name)), raw)
				return err
			})
		default:
			return check.Bad("faults", field, "is no field of a script")
		}
		return err
	})
	if err == nil {
		err = s.Check()
	}
	if err != nil {
		return Script{}, err
	}
	return s, nil
}

func readFaults(field string, raw json.RawMessage) ([]Fault, error) {
	var items []json.RawMessage
	if err := scalar(field, "a list of faults", raw, &items); err != nil {
		return nil, err
	}
	list := make([]Fault, len(items))
	for i, item := range items {
		var err error
		if list[i], err = readFault(fmt.Sprintf("%s[%d]", field, i), item); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func readFault(at string, raw json.RawMessage) (Fault, error) {
	var f Fault
	kind := ""
	err := eachField(at, raw, func(name string, raw json.RawMessage) error {
		field := at + "." + shown(name)
		switch name {
		case "kind":
			return scalar(field, "a text", raw, &kind)
		case "retry_after":
			return scalar(field, "a text", raw, &f.RetryAfter)
		case "body":
			return scalar(field, "a text", raw, &f.Body)
		case "status":
			return scalar(field, "a whole number", raw, &f.Status)
		case "content_type":
			return scalar(field, "a text", raw, &f.ContentType)
		case "effect":
			return scalar(field, "true or false", raw, &f.Effect)
		case "delay":
			var text string
			if err := scalar(field, "a text", raw, &text); err != nil {
				return err
			}
			var err error
			if f.Delay, err = time.ParseDuration(text); err != nil {
				return check.Bad("faults", field, `is not a time such as "250ms" or "2s"`)
			}
			return nil
		}
		return check.Bad("faults", field, "is no field of a fault")
	})
	if err != nil {
		return Fault{}, err
	}
	k := slices.Index(kindNames[:], kind)
	if k < 0 {
		return Fault{}, check.Bad("faults", at+".kind", "is not the name of a fault")
	}
	f.Kind = Kind(k) //nolint:gosec // an index of kindNames
	return f, nil
}

// scalar sets one value, which encoding/json would leave as it is for null.
func scalar(field, want string, raw json.RawMessage, target any) error {
	if string(raw) == "null" || json.Unmarshal(raw, target) != nil {
		return check.Bad("faults", field, "is not "+want)
	}
	return nil
}

// eachField calls f for each field of the one object that b holds, in order.
func eachField(of string, b []byte, f func(name string, raw json.RawMessage) error) error {
	bad := check.Bad("faults", of, "is not one JSON object")
	dec := json.NewDecoder(bytes.NewReader(b))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return bad
	}
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		name, ok := tok.(string)
		if err != nil || !ok {
			return bad
		}
		if seen[name] {
			return check.Bad("faults", of+"."+shown(name), "stands there twice")
		}
		seen[name] = true
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return check.Bad("faults", of+"."+shown(name), "is not JSON")
		}
		if err := f(name, raw); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return bad
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return check.Bad("faults", of, "is followed by more text")
	}
	return nil
}

// shown is a field's name as an error quotes it.
func shown(name string) string { return outbox.CutText(name, 64) }

// MarshalJSON writes the script as [ParseScript] reads it. A script whose texts
// are not UTF-8, or that has a [Hold], cannot be written.
func (s Script) MarshalJSON() ([]byte, error) {
	s = s.clone()
	for id, list := range s.Users {
		if !utf8.ValidString(id) {
			return nil, errNoText
		}
		s.Users[id] = append([]Fault{}, list...) // never null
	}
	return json.Marshal(struct {
		Seed   uint64             `json:"seed,omitempty"`
		Rate   float64            `json:"rate,omitempty"`
		Faults []Fault            `json:"faults,omitempty"`
		Calls  map[int]Fault      `json:"calls,omitempty"`
		Users  map[string][]Fault `json:"users,omitempty"`
	}(s))
}

// MarshalJSON writes the fault as [ParseScript] reads it.
func (f Fault) MarshalJSON() ([]byte, error) {
	if f.Hold != nil || !utf8.ValidString(f.RetryAfter+" "+f.Body+" "+f.ContentType) {
		return nil, errNoText
	}
	text := struct {
		Kind        Kind   `json:"kind"`
		RetryAfter  string `json:"retry_after,omitempty"`
		Delay       string `json:"delay,omitempty"`
		Body        string `json:"body,omitempty"`
		Status      int    `json:"status,omitempty"`
		ContentType string `json:"content_type,omitempty"`
		Effect      bool   `json:"effect,omitempty"`
	}{
		Kind: f.Kind, RetryAfter: f.RetryAfter, Body: f.Body, Status: f.Status, ContentType: f.ContentType, Effect: f.Effect,
	}
	if f.Delay != 0 {
		text.Delay = f.Delay.String()
	}
	return json.Marshal(text)
}
