package elevate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/wirejson"
	"github.com/amsbridge/amsbridge/outbox"
)

// maxProfile is the longest profile file, in bytes.
const maxProfile = 64 << 10

// ReadProfile reads one JSON object, at most 64 KiB of UTF-8, over a copy of
// base: a field that it names replaces the whole of base's, lists and objects
// too, and the others stay. The names are those of [Profile]'s JSON, letter for
// letter; null means none in "errors" and "extra" and is refused for texts. A
// profile holds no credentials, and a file that names some is refused.
//
// Unlike [json.Unmarshal] it returns an [*amsbridge.InputError] for a name that
// is unknown or stands there twice, for a value of the wrong type and for text
// after the object. The error names the field as the file does ("profile.auth")
// and quotes no value. What is returned has passed [Profile.Check], whose error
// names the field as Go does. An error of r is wrapped; r is not closed.
func ReadProfile(base *Profile, r io.Reader) (*Profile, error) {
	switch {
	case base == nil:
		return nil, check.Bad("elevate", "base", "is missing; name GuessedProfile() to read over our guess")
	case r == nil:
		return nil, check.Bad("elevate", "r", "is missing")
	}
	b, err := io.ReadAll(io.LimitReader(r, maxProfile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("elevate: reading the profile: %w", err)
	case len(b) > maxProfile:
		return nil, check.Bad("elevate", "profile", "is longer than 64 KiB")
	case !utf8.Valid(b):
		return nil, check.Bad("elevate", "profile", "is not valid UTF-8")
	}
	p := base.clone()
	targets := p.targets()
	err = eachField("profile", bytes.TrimPrefix(b, []byte("\ufeff")), func(field, name string, raw json.RawMessage) error {
		target, known := targets[name]
		if !known {
			return check.Bad("elevate", field, "is no field of a profile")
		}
		return fill(target, field, raw)
	})
	if err != nil {
		return nil, err
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return p, nil
}

// targets lists where each JSON name goes.
func (p *Profile) targets() map[string]any {
	return map[string]any{
		"name": &p.Name, "auth": (*string)(&p.Auth), "auth_field": &p.AuthField,
		"first_name": &p.FirstName, "last_name": &p.LastName, "email": &p.Email,
		"user_id": &p.UserID, "remote_product_id": &p.RemoteProductID,
		"confirmation": &p.Confirmation, "confirmation_on": &p.ConfirmationOn, "confirmation_off": &p.ConfirmationOff,
		"extra": &p.Extra, "success": &p.Success, "errors": &p.Errors,
		"product_url": &p.ProductURL, "accept_unmarked": &p.AcceptUnmarked,
	}
}

// fill sets one field from its JSON.
func fill(target any, field string, raw json.RawMessage) error {
	null := string(raw) == "null" // encoding/json would leave the field as it is
	want, ok := "", true
	switch t := target.(type) {
	case *string:
		want, ok = "a text", !null && json.Unmarshal(raw, t) == nil
	case *bool:
		want, ok = "true or false", !null && json.Unmarshal(raw, t) == nil
	case *[]string:
		*t = nil
		want, ok = "a list of texts", json.Unmarshal(raw, t) == nil
	case *json.RawMessage:
		*t = raw
		return checkValue(field, raw)
	case *map[string]json.RawMessage:
		*t = nil
		if null {
			return nil
		}
		all := map[string]json.RawMessage{}
		*t = all
		return eachField(field, raw, func(field, name string, raw json.RawMessage) error {
			all[name] = raw
			return checkValue(field, raw)
		})
	}
	if !ok {
		return check.Bad("elevate", field, "is not "+want)
	}
	return nil
}

// checkValue refuses what the sandbox and most readers would not take.
func checkValue(field string, raw json.RawMessage) error {
	if _, err := wirejson.Parse(fmt.Sprintf(`{"value":%s}`, raw)); err != nil {
		return check.Bad("elevate", field, "names a field twice, or nests too deeply")
	}
	return nil
}

// eachField calls f for each field of the one object that b holds, in order.
func eachField(of string, b []byte, f func(field, name string, raw json.RawMessage) error) error {
	bad := check.Bad("elevate", of, "is not one JSON object")
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
		field := of + "." + strings.TrimSpace(outbox.CutText(name, 64))
		if seen[name] {
			return check.Bad("elevate", field, "stands there twice")
		}
		seen[name] = true
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return check.Bad("elevate", field, "is not JSON")
		}
		if err := f(field, name, raw); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return bad
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return check.Bad("elevate", of, "is followed by more text")
	}
	return nil
}
