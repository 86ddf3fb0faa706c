package ssokeys

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"slices"
	"strings"
)

func checkEd25519(k ed25519.PublicKey) (any, string) {
	if len(k) != ed25519.PublicKeySize {
		return nil, "is not 32 bytes long"
	}
	switch {
	case smallOrder(k):
		return nil, "is a point of small order, as a key of zeros is: anyone can sign for it"
	case !canonicalPoint(k):
		return nil, "is not the one encoding of its point (RFC 8032 section 5.1.3)"
	}
	return ed25519.PublicKey(bytes.Clone(k)), ""
}

// smallOrder tells whether a key is one of the encodings of the eight points whose order divides eight.
// The sign, the last bit, is left out of the comparison.
func smallOrder(k ed25519.PublicKey) bool {
	y := hex.EncodeToString(append(bytes.Clone(k[:31]), k[31]&0x7f))
	const middle = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" // 30 bytes
	switch y {
	case strings.Repeat("00", 32), // order 4
		"01" + strings.Repeat("00", 31),                                    // order 1
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
		"ec" + middle + "7f", // order 2
		"ed" + middle + "7f", // zero, not reduced
		"ee" + middle + "7f": // one, not reduced
		return true
	}
	return false
}

// canonicalPoint tells whether y is below the field's prime, 2^255 - 19, as RFC 8032 requires and the library
// does not: a second encoding would be a second name for one key.
func canonicalPoint(k ed25519.PublicKey) bool {
	return k[31]&0x7f != 0x7f || k[0] < 0xed || slices.ContainsFunc(k[1:31], func(b byte) bool { return b != 0xff })
}
