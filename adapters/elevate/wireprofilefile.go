package elevate

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/strictjson"
)

// maxProfile is the longest profile file, in bytes.
const maxProfile = 64 << 10

// ReadProfile reads one JSON object, at most 64 KiB of UTF-8. What it does not name is not in the profile: nothing
// of [GuessedProfile] is. The names are exactly those of [Profile]'s JSON. A profile holds no credentials, and a
// file that names some is refused. docs/connect-elevate.md has a file to fill in.
//
// Unlike [json.Unmarshal] it returns an [*amsbridge.InputError] for an unknown name, for a required one that is
// missing, for a name given twice, for a value of the wrong type, for null where that is not a value to be sent, and
// for text after the object. The error names the field as the file does ("profile.auth") and quotes no value.
// The returned profile has passed [Profile.Check], whose error names the field as Go does. An error of
// r is wrapped; r is not closed.
func ReadProfile(r io.Reader) (*Profile, error) {
	if r == nil {
		return nil, check.Bad("elevate", "r", "is missing")
	}
	b, err := io.ReadAll(io.LimitReader(r, maxProfile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("elevate: reading the profile: %w", err)
	case len(b) > maxProfile:
		return nil, check.Bad("elevate", "profile", "is longer than 64 KiB")
	}
	p := new(Profile)
	if err := strictjson.Unmarshal(bytes.TrimPrefix(b, []byte("\ufeff")), p); err != nil {
		return nil, err.InputError("elevate", "profile")
	}
	if missing := p.missing(); len(missing) > 0 {
		problem := "is missing or empty"
		if len(missing) > 1 {
			problem += ", and so is " + strings.Join(missing[1:], ", ")
		}
		return nil, check.Bad("elevate", "profile."+missing[0], problem)
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return p, nil
}

// missing returns the names of the required fields that a file left out, in the order of the file's template.
func (p *Profile) missing() (names []string) {
	for _, f := range []struct{ name, value string }{
		{"name", p.Name},
		{"auth", string(p.Auth)},
		{"first_name", p.FirstName},
		{"last_name", p.LastName},
		{"email", p.Email},
		{"user_id", p.UserID},
		{"remote_product_id", p.RemoteProductID},
		{"confirmation", p.Confirmation},
		{"confirmation_on", string(p.ConfirmationOn)},
		{"confirmation_off", string(p.ConfirmationOff)},
		{"product_url", p.ProductURL},
	} {
		if f.value == "" {
			names = append(names, f.name)
		}
	}
	if p.AuthField == "" && (p.Auth == AuthBody || p.Auth == AuthHeader) {
		names = append(names, "auth_field")
	}
	return names
}
