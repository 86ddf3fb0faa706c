package elevate

import (
	"bytes"
	"fmt"
	"io"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/strictjson"
)

// maxProfile is the longest profile file, in bytes.
const maxProfile = 64 << 10

// ReadProfile reads one JSON object, at most 64 KiB of UTF-8, over a copy of base. A field that it
// names replaces base's value whole, lists and objects too; the others stay. The names are exactly
// those of [Profile]'s JSON. A profile holds no credentials, and a file that names some is refused.
//
// Unlike [json.Unmarshal] it returns an [*amsbridge.InputError] for an unknown name, for a name given
// twice, for a value of the wrong type, for null where that is not a value to be sent, and for text
// after the object. The error names the field as the file does ("profile.auth") and quotes no value.
// The returned profile has passed [Profile.Check], whose error names the field as Go does. An error of
// r is wrapped; r is not closed.
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
	}
	p := base.clone()
	extra := p.Extra
	p.Extra = nil // or the file's values would be added to base's
	if err := strictjson.Unmarshal(bytes.TrimPrefix(b, []byte("\ufeff")), p); err != nil {
		return nil, err.InputError("elevate", "profile")
	}
	if p.Extra == nil {
		p.Extra = extra
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return p, nil
}
