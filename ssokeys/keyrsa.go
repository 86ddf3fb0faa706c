package ssokeys

import (
	"crypto/rsa"
	"crypto/sha256"
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

// factored refuses an RSA key whose modulus anybody can factor, and sign as if they held the private key. It takes
// milliseconds, so it tries a modulus once and leaves a mark on the copy; the mark is of the modulus, so that it
// says nothing of another.
func (k VerificationKey) factored() (own VerificationKey, problem string) {
	public, isRSA := k.Public.(*rsa.PublicKey)
	if !isRSA {
		return k, ""
	}
	print := sha256.Sum256(public.N.Bytes())
	if k.tried != print && easilyFactored(public.N) {
		return VerificationKey{}, "has a modulus that anybody can factor"
	}
	k.tried = print
	return k, ""
}

// Bounds of what is tried: more finds hardly more.
const (
	smallDivisors = 1 << 12
	fermatSteps   = 16
)

// easilyFactored tells whether a modulus is a prime or the power of one, has a small divisor, or two factors that
// lie close together (CVE-2022-26320). A good one has none of these but by a chance that never comes.
func easilyFactored(n *big.Int) bool {
	var a, b big.Int
	for i := int64(2); i < smallDivisors; i++ {
		if b.Mod(n, a.SetInt64(i)).Sign() == 0 {
			return true
		}
	}
	// For a prime p and any power n of it, p divides 2^n - 2, by Fermat's little theorem.
	two, one := big.NewInt(2), big.NewInt(1)
	a.Exp(two, n, n)
	if b.GCD(nil, nil, a.Sub(&a, two).Mod(&a, n), n).Cmp(one) != 0 {
		return true
	}
	// Fermat's factorization: n = a*a - b*b, with an a just above its root where its factors are close.
	root := new(big.Int).Sqrt(n)
	for range fermatSteps {
		root.Add(root, one)
		a.Sub(a.Mul(root, root), n)
		if b.Sqrt(&a); b.Mul(&b, &b).Cmp(&a) == 0 {
			return true
		}
	}
	return false
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
