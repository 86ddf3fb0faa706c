package amsbridge

import (
	"encoding/base32"
	"encoding/binary"
)

// keyEncoding is base32 in lower case: 160 bits become 32 characters that are safe in headers, URLs and
// log viewers that fold case.
var keyEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// keyOf makes a message key of its parts.
func keyOf(parts ...string) string {
	sum := hashOf(parts...)
	return keyEncoding.EncodeToString(sum[:20])
}

// delimited joins parts, each after its length, so that different parts never give the same bytes,
// whatever they hold.
func delimited(parts []string) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.BigEndian.AppendUint64(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}
