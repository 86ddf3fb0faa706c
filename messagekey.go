package amsbridge

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
)

// keyEncoding is base32 in lower case: 160 bits become 32 characters that are safe in headers, URLs and
// log viewers that fold case.
var keyEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// keyOf makes a message key of its parts. Each part is hashed with its length, so that different parts
// never give the same input, whatever bytes they hold.
func keyOf(parts ...string) string {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return keyEncoding.EncodeToString(h.Sum(nil)[:20])
}
