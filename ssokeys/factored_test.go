package ssokeys

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

// An RSA key whose modulus anybody can factor is refused wherever a key comes from, and verifies nothing.
func TestModuliThatAnybodyCanFactorAreRefused(t *testing.T) {
	t.Parallel()
	prime := func(bits int) *big.Int {
		p, err := rand.Prime(rand.Reader, bits)
		require.NoError(t, err)
		return p
	}
	times := func(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }
	p := prime(1024)
	next := new(big.Int).Add(p, big.NewInt(2))
	for !next.ProbablyPrime(20) {
		next.Add(next, big.NewInt(2))
	}
	cube := prime(720)
	for what, n := range map[string]*big.Int{
		"a prime":             prime(2048),
		"a square":            times(p, p),
		"a cube":              times(cube, times(cube, cube)),
		"neighbouring primes": times(p, next),
		"even":                times(prime(2048), big.NewInt(2)),
		"divisible by 3":      times(prime(2048), big.NewInt(3)),
		"divisible by 4093":   times(prime(2048), big.NewInt(4093)),
	} {
		public := &rsa.PublicKey{N: n, E: 65537}
		key := VerificationKey{ID: "k", Public: public}
		_, err := key.Checked()
		require.Error(t, err, what)
		require.Error(t, key.Verify("a.b", make([]byte, 256)), what)
		text, err := json.Marshal(jose.JSONWebKey{Key: public, KeyID: "k"})
		require.NoError(t, err)
		_, err = ParseVerification(text)
		require.Error(t, err, what)
		set, err := parseKeySet([]byte(fuzzSet(string(text))))
		require.NoError(t, err)
		require.Empty(t, set.keys, what)
		require.Len(t, set.refused, 1, what)
	}
}

// A modulus is tried once: the copy that Checked returns is marked, and the mark serves no other modulus.
func TestAModulusIsTriedOnce(t *testing.T) {
	t.Parallel()
	key, err := Generate(RS256)
	require.NoError(t, err)
	good, err := key.Verification()
	require.NoError(t, err)
	require.NotZero(t, good.tried)
	again, err := good.Checked()
	require.NoError(t, err)
	require.Equal(t, good, again)
	square := new(big.Int).Mul(key.Private.(*rsa.PrivateKey).Primes[0], key.Private.(*rsa.PrivateKey).Primes[0])
	good.Public.(*rsa.PublicKey).N = square
	_, err = good.Checked()
	require.Error(t, err)
}

func BenchmarkCheckedAgain(b *testing.B) {
	key, err := Generate(RS256)
	require.NoError(b, err)
	fresh := VerificationKey{Public: key.Private.Public()}
	good, err := fresh.Checked()
	require.NoError(b, err)
	for name, k := range map[string]VerificationKey{"first": fresh, "again": good} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, err := k.Checked()
				require.NoError(b, err)
			}
		})
	}
}
