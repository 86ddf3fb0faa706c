package ssotoken

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"
)

// canonical refuses set bits in the unused end of a segment, which other decoders ignore. It skips line
// feeds, so those are checked separately.
var canonical = base64.RawURLEncoding.Strict()

// Segments decodes a token's header, claims and signature, and checks that encoding them again gives
// the same text.
func Segments(token string) (header, claims, signature []byte, err error) {
	var out [3][]byte
	for i := range out {
		segment, rest, _ := strings.Cut(token, ".")
		token = rest
		if out[i], err = canonical.DecodeString(segment); err != nil || strings.ContainsAny(segment, "\r\n") {
			return nil, nil, nil, errors.New("a segment is not canonical base64url without padding")
		}
	}
	return out[0], out[1], out[2], nil
}

// FlatObject reads a JSON object with only the given member names, each at most once and spelled
// exactly so. Values are strings, numbers (json.Number), booleans or null, but no objects and no lists.
// A string is returned exactly as it was signed, or refused.
func FlatObject(data []byte, names ...string) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var members map[string]any // a map matches names exactly, a struct's fields do not
	err := decoder.Decode(&members)
	rest := bytes.Trim(data[decoder.InputOffset():], " \t\r\n")
	if err != nil || members == nil || len(rest) > 0 || !utf8.Valid(data) {
		return nil, errors.New("not one JSON object in plain UTF-8")
	}
	written, surrogates := scan(data)
	if surrogates {
		return nil, errors.New("a surrogate is escaped")
	}
	known := 0
	for _, name := range names {
		value, given := members[name]
		switch value.(type) {
		case map[string]any, []any:
			return nil, errors.New(name + " is an object or a list")
		}
		if given {
			known++
		}
	}
	switch {
	case known != len(members):
		return nil, errors.New("a member is not known")
	case written != len(members):
		return nil, errors.New("a member stands twice")
	}
	return members, nil
}

// scan finds what the decoder hides in valid JSON. Of two members with one name the decoder keeps the
// last, so scan counts the members written, by their colons. The decoder also turns a lone surrogate
// (\ud800 to \udfff) into U+FFFD, which would make many user IDs one, so scan reports any surrogate;
// our signer writes none, not even in pairs.
func scan(data []byte) (written int, surrogates bool) {
	quoted := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			quoted = !quoted
		case c == ':' && !quoted:
			written++
		case c == '\\':
			if i++; data[i] == 'u' && data[i+1]|0x20 == 'd' && data[i+2] >= '8' {
				surrogates = true
			}
		}
	}
	return written, surrogates
}

// Seconds reads a NumericDate (RFC 7519 section 2) in digits alone, up to the year 5138. A time in
// milliseconds is longer and is refused.
func Seconds(value any) (time.Time, bool) {
	number, _ := value.(json.Number)
	n, err := number.Int64()
	if err != nil || n <= 0 || n >= 1e11 {
		return time.Time{}, false
	}
	return time.Unix(n, 0).UTC(), true
}
