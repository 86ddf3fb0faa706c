package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/strictjson"
)

// MaxScript is the longest text that [ParseScript] takes, in bytes.
const MaxScript = 256 << 10

var errNoText = errors.New("a hold, or bytes that are not UTF-8, cannot be written as text")

// scriptText is the JSON form of a script.
type scriptText struct {
	Seed   uint64                 `json:"seed"`
	Rate   float64                `json:"rate"`
	Faults []faultText            `json:"faults"`
	Calls  map[string]faultText   `json:"calls"`
	Users  map[string][]faultText `json:"users"`
}

// faultText is the JSON form of a fault.
type faultText struct {
	Kind        string `json:"kind"`
	RetryAfter  string `json:"retry_after,omitempty"`
	Delay       string `json:"delay,omitempty"`
	Body        string `json:"body,omitempty"`
	Status      int    `json:"status,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Effect      bool   `json:"effect,omitempty"`
}

// ParseScript reads a script from one JSON object:
//
//	{"seed": 7, "rate": 0.3,
//	 "faults": [{"kind": "cut after"}, {"kind": "throttle", "retry_after": "2"}],
//	 "calls": {"3": {"kind": "login page"}},
//	 "users": {"U-1": [{"kind": "server error", "effect": true}]}}
//
// All fields of a script may be left out. The fields of a fault are kind (see [Kind.String]),
// retry_after, delay (such as "250ms"), body, status, content_type and effect. An unknown name, a name
// given twice, a value of the wrong type (null too) and text after the object are refused with an
// [*amsbridge.InputError] of the package pkg that names the field. [Plan.Follow] accepts the script
// that is returned.
func ParseScript(pkg string, text []byte) (Script, error) {
	if len(text) > MaxScript {
		return Script{}, check.Bad(pkg, "script", "is longer than 256 KiB")
	}
	var t scriptText
	if err := strictjson.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &t); err != nil {
		return Script{}, err.InputError(pkg, "script")
	}
	s, err := t.script(pkg)
	if err == nil {
		err = s.check(pkg)
	}
	if err != nil {
		return Script{}, err
	}
	return s, nil
}

func (t scriptText) script(pkg string) (s Script, err error) {
	s = Script{Seed: t.Seed, Rate: t.Rate}
	if s.Faults, err = faultsOf(pkg, "script.faults", t.Faults); err != nil {
		return Script{}, err
	}
	if len(t.Calls) > 0 {
		s.Calls = map[int]Fault{}
	}
	for _, number := range slices.Sorted(maps.Keys(t.Calls)) {
		at := callPath(number)
		n, err := strconv.Atoi(number)
		if err != nil || strconv.Itoa(n) != number {
			return Script{}, check.Bad(pkg, at, "is not the number of a call")
		}
		if s.Calls[n], err = t.Calls[number].fault(pkg, at); err != nil {
			return Script{}, err
		}
	}
	if len(t.Users) > 0 {
		s.Users = map[string][]Fault{}
	}
	for _, id := range slices.Sorted(maps.Keys(t.Users)) {
		if s.Users[id], err = faultsOf(pkg, userPath(id), t.Users[id]); err != nil {
			return Script{}, err
		}
	}
	return s, nil
}

func faultsOf(pkg, at string, list []faultText) (all []Fault, err error) {
	if list == nil {
		return nil, nil
	}
	all = make([]Fault, len(list))
	for i, f := range list {
		if all[i], err = f.fault(pkg, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (t faultText) fault(pkg, at string) (Fault, error) {
	f := Fault{
		RetryAfter: t.RetryAfter, Body: t.Body, Status: t.Status, ContentType: t.ContentType, Effect: t.Effect,
	}
	kind := slices.Index(kindNames[:], t.Kind)
	if kind < 0 {
		return Fault{}, check.Bad(pkg, at+".kind", "is not the name of a fault")
	}
	f.Kind = Kind(kind) //nolint:gosec // an index of kindNames
	if t.Delay != "" {
		var err error
		if f.Delay, err = time.ParseDuration(t.Delay); err != nil {
			return Fault{}, check.Bad(pkg, at+".delay", `is not a time such as "250ms" or "2s"`)
		}
	}
	return f, nil
}

// MarshalJSON writes the script as [ParseScript] reads it. A script with texts that are not UTF-8, or
// with a [Hold], cannot be written.
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
	t := faultText{
		Kind: f.Kind.String(), RetryAfter: f.RetryAfter, Body: f.Body, Status: f.Status,
		ContentType: f.ContentType, Effect: f.Effect,
	}
	if f.Delay != 0 {
		t.Delay = f.Delay.String()
	}
	return json.Marshal(t)
}
