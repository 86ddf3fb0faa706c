package amsbridge

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// segments decodes a token's header and claims. Each of the three segments must
// be what encoding the decoded bytes gives again: the decoder alone skips line
// feeds and ignores the last segment's spare bits.
func segments(token string) (header, claims []byte, err error) {
	var out [3][]byte
	for i, s := range strings.SplitN(token, ".", 3) {
		if out[i], err = base64.RawURLEncoding.DecodeString(s); err != nil || base64.RawURLEncoding.EncodeToString(out[i]) != s {
			return nil, nil, errors.New("a segment is not canonical base64url without padding")
		}
	}
	return out[0], out[1], nil
}

// flatObject reads a JSON object of the given member names, each at most once
// and spelled exactly so, whose values are strings, numbers (json.Number),
// booleans or null, but no objects and no lists. Strings come out as they were
// signed, or not at all.
func flatObject(data []byte, names ...string) (map[string]any, error) {
	if !utf8.Valid(data) || escapesSurrogate(data) || !json.Valid(data) {
		return nil, errors.New("not JSON in plain UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	members := make(map[string]any, len(names))
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok || !slices.Contains(names, name) {
			return nil, errors.New("a member is not known")
		}
		if _, twice := members[name]; twice {
			return nil, errors.New(name + " stands twice")
		}
		value, err := dec.Token()
		if _, nested := value.(json.Delim); err != nil || nested {
			return nil, errors.New(name + " is an object or a list")
		}
		members[name] = value
	}
	return members, nil
}

// escapesSurrogate finds \ud800 to \udfff. The decoder turns a lone one into
// U+FFFD, which would make one user ID of many; our signer writes no pairs.
func escapesSurrogate(data []byte) bool {
	for i := 0; i+3 < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		if i++; data[i] == 'u' && data[i+1]|0x20 == 'd' && data[i+2] >= '8' {
			return true
		}
	}
	return false
}

// seconds takes a NumericDate (RFC 7519 section 2) written in digits alone, up
// to the year 5138: a time in milliseconds is longer.
func seconds(value any) (time.Time, bool) {
	number, _ := value.(json.Number)
	n, err := number.Int64()
	if err != nil || n <= 0 || n >= 1e11 {
		return time.Time{}, false
	}
	return time.Unix(n, 0).UTC(), true
}
