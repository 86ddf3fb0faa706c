// Package keytest is what the tests of keys, signers and verifiers share: keys of
// each algorithm, a clock that a test sets, and the field that an error names.
package keytest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// Who hands over, to whom, and when.
const (
	Shop    = "https://shop.example.org"
	Elevate = "https://learn.example.org"
	Unix    = 1_800_000_000
)

// Time is Unix as a time.
func Time() time.Time { return time.Unix(Unix, 0).UTC() }

// Algorithms returns all algorithms.
func Algorithms() []ssokeys.Algorithm {
	return []ssokeys.Algorithm{ssokeys.ES256, ssokeys.EdDSA, ssokeys.RS256, ssokeys.HS256}
}

// Generated returns a key of that algorithm and ID: a fresh one, but for RS256.
func Generated(t testing.TB, alg ssokeys.Algorithm, id string) ssokeys.SigningKey {
	t.Helper()
	if alg == ssokeys.RS256 {
		return ssokeys.SigningKey{ID: id, Private: RSA()}
	}
	k, err := ssokeys.Generate(alg)
	require.NoError(t, err)
	k.ID = id
	return k
}

// Public returns what verifies the tokens of a key.
func Public(t testing.TB, key ssokeys.SigningKey) ssokeys.VerificationKey {
	t.Helper()
	public, err := key.Verification()
	require.NoError(t, err)
	return public
}

// Ring returns a ring of these keys.
func Ring(t testing.TB, now func() time.Time, keys ...ssokeys.RingKey) *ssokeys.Ring {
	t.Helper()
	ring, err := ssokeys.NewRing(ssokeys.RingConfig{Keys: keys, Now: now})
	require.NoError(t, err)
	return ring
}

// ECDSA returns a fresh key on a curve.
func ECDSA(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

// Ed25519 returns a fresh key.
func Ed25519(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return key
}

// RSA returns one key for all tests, since making one takes its time.
var RSA = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, ssokeys.MinRSABits)
	if err != nil {
		panic(err)
	}
	return key
})

// Clock is set by the test alone. It is safe for concurrent use.
type Clock struct{ nanos atomic.Int64 }

// NewClock returns a clock that stands at a time.
func NewClock(at time.Time) *Clock {
	c := &Clock{}
	c.Set(at)
	return c
}

// Now returns what the clock was set to.
func (c *Clock) Now() time.Time { return time.Unix(0, c.nanos.Load()).UTC() }

// Set sets the clock.
func (c *Clock) Set(at time.Time) { c.nanos.Store(at.UnixNano()) }

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) { c.nanos.Add(int64(d)) }

// BadField returns package and field that an *amsbridge.InputError names:
// "ssokeys: RingConfig.Keys".
func BadField(t testing.TB, err error) string {
	t.Helper()
	var input *check.InputError
	require.ErrorAs(t, err, &input)
	return input.Package + ": " + input.Field
}
