package ssokeys_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/ssokeys"
)

// For each of these keys the library accepts a signature that nobody made: R is the neutral point and S is
// zero, which fits as soon as the hash of a text is a multiple of the key's order.
func TestKeysOfSmallOrderAreRefused(t *testing.T) {
	t.Parallel()
	const middle = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	forged := append([]byte{1}, make([]byte, ed25519.SignatureSize-1)...)
	for _, encoded := range []string{
		strings.Repeat("00", 32),
		"01" + strings.Repeat("00", 31),
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"ec" + middle + "7f",
		"ed" + middle + "7f",
		"ee" + middle + "7f",
	} {
		key, err := hex.DecodeString(encoded)
		require.NoError(t, err)
		accepted := false
		for i := 0; i < 500 && !accepted; i++ {
			accepted = ed25519.Verify(key, fmt.Append(nil, "text ", i), forged)
		}
		require.True(t, accepted, "%s: the attack is real", encoded)
		_, err = ssokeys.VerificationKey{ID: "k", Public: ed25519.PublicKey(key)}.Checked()
		require.ErrorContains(t, err, "small order", encoded)
	}
}

// A y that is not reduced is a second spelling of a point, and would be a second name for one key.
func TestKeysHaveOneSpelling(t *testing.T) {
	t.Parallel()
	for low := 0xed; low <= 0xff; low++ {
		for _, high := range []byte{0x7f, 0xff} {
			key := slices.Concat([]byte{byte(low)}, bytes.Repeat([]byte{0xff}, 30), []byte{high})
			_, err := ssokeys.VerificationKey{ID: "k", Public: ed25519.PublicKey(key)}.Checked()
			require.Error(t, err, "%x", key)
		}
	}
	highest := slices.Concat([]byte{0xeb}, bytes.Repeat([]byte{0xff}, 30), []byte{0x7f})
	_, err := ssokeys.VerificationKey{ID: "k", Public: ed25519.PublicKey(highest)}.Checked()
	require.NoError(t, err)
}
