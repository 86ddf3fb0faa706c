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

// canonical refuses what the decoder alone ignores: spare bits that are set at a
// segment's end. Line feeds, which it skips, are looked for beside it.
var canonical = base64.RawURLEncoding.Strict()

// segments decodes a token's header and claims, and checks that all three
// segments are what encoding the decoded bytes gives again.
func segments(token string) (header, claims []byte, err error) {
	header, claims, _, err = signedSegments(token)
	return header, claims, err
}

func signedSegments(token string) (header, claims, signature []byte, err error) {
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

// flatObject reads a JSON object of the given member names, each at most once
// and spelled exactly so, whose values are strings, numbers (json.Number),
// booleans or null, but no objects and no lists. Strings come out as they were
// signed, or not at all.
func flatObject(data []byte, names ...string) (map[string]any, error) {
	if !utf8.Valid(data) || escapesSurrogate(data) || !json.Valid(data) {
		return nil, errors.New("not JSON in plain UTF-8")
	}
	s := scalars{data}
	if s.next() != '{' {
		return nil, errors.New("not a JSON object")
	}
	members := make(map[string]any, len(names))
	for s.skip(); s.next() != '}'; {
		if s.next() == ',' {
			s.skip()
		}
		name, ok := s.value().(string)
		if !ok || !slices.Contains(names, name) {
			return nil, errors.New("a member is not known")
		}
		if _, twice := members[name]; twice {
			return nil, errors.New(name + " stands twice")
		}
		s.next()
		s.skip()
		if c := s.next(); c == '{' || c == '[' {
			return nil, errors.New(name + " is an object or a list")
		}
		members[name] = s.value()
	}
	return members, nil
}

// scalars walks through a JSON object that json.Valid has found to be one: it
// is several times as fast as the decoder's tokens.
type scalars struct{ rest []byte }

// next is the first byte that is not white space, still to be read.
func (s *scalars) next() byte {
	s.rest = bytes.TrimLeft(s.rest, " \t\r\n")
	return s.rest[0]
}

func (s *scalars) skip() { s.rest = s.rest[1:] }

// value reads a string, number, boolean or null.
func (s *scalars) value() any {
	first, n := s.next(), 1
	if first == '"' {
		for ; s.rest[n] != '"'; n++ {
			if s.rest[n] == '\\' {
				n++
			}
		}
		n++
	} else {
		n = bytes.IndexAny(s.rest, ",} \t\r\n")
	}
	text := s.rest[:n]
	s.rest = s.rest[n:]
	switch first {
	case '"':
		return unquoted(text)
	case 't', 'f':
		return first == 't'
	case 'n':
		return nil
	}
	return json.Number(text)
}

func unquoted(text []byte) any {
	if !bytes.ContainsRune(text, '\\') {
		return string(text[1 : len(text)-1])
	}
	var value string
	if json.Unmarshal(text, &value) != nil {
		return nil
	}
	return value
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
