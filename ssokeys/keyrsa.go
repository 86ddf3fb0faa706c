package ssokeys

import (
	"crypto/rsa"
	"crypto/x509"
	"math/big"
)

func copyRSA(k *rsa.PrivateKey) (*rsa.PrivateKey, string) {
	if k == nil || k.N == nil || k.D == nil {
		return nil, "is missing"
	}
	if _, p := checkRSA(&k.PublicKey); p != "" {
		return nil, p
	}
	if k.Validate() == nil {
		own, err := x509.ParsePKCS1PrivateKey(x509.MarshalPKCS1PrivateKey(k))
		if err == nil && own.PublicKey.Equal(&k.PublicKey) {
			return own, ""
		}
	}
	return nil, "is not a valid pair of private and public key"
}

func checkRSA(k *rsa.PublicKey) (any, string) {
	switch {
	case k == nil || k.N == nil:
		return nil, "is missing"
	case k.N.Sign() <= 0 || k.N.BitLen() < MinRSABits:
		return nil, "is shorter than 2048 bits"
	case k.N.BitLen() > maxRSABits:
		return nil, "is longer than 8192 bits"
	case k.E != 65537:
		return nil, "has another exponent than 65537"
	}
	own, err := x509.ParsePKCS1PublicKey(x509.MarshalPKCS1PublicKey(k))
	switch {
	case err != nil:
		return nil, "is not an RSA key"
	case roca(k.N):
		return nil, "was made by a faulty generator (ROCA, CVE-2017-15361): its private key can be computed"
	}
	return own, ""
}

// rocaPrimes are those by which moduli of the faulty generator of CVE-2017-15361 can be told (M. Nemec and
// others, "The Return of Coppersmith's Attack", 2017).
var rocaPrimes = []int64{
	11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
}

// roca tells whether a modulus is a power of 65537 modulo each of these primes, as those of the faulty
// generator are. Of other moduli about one in 2^28 is.
func roca(n *big.Int) bool {
	var rest, prime big.Int
	for _, p := range rocaPrimes {
		left := rest.Mod(n, prime.SetInt64(p)).Int64()
		power, found := int64(1), left == 1
		for range p {
			power = power * 65537 % p
			found = found || power == left
		}
		if !found {
			return false
		}
	}
	return true
}
