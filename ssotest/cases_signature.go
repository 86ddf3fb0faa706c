package ssotest

import (
	"crypto/ecdsa"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"

	"github.com/amsbridge/amsbridge/ssokeys"
)

// signatureCases are tokens that the issuer did not sign.
func signatureCases(f *forger) []attempt {
	attack := func(name, why string, token func(*forger) string) attempt {
		return attempt{Case: Case{"signature/" + name, why, Attack}, token: token}
	}
	out := []attempt{
		attack("of a stranger's key", "anyone can sign with a key of their own", func(f *forger) string {
			return f.sign(f.keys.stranger, f.header(f.main()).String(), f.claims().String())
		}),
		attack("of another token", "a signature of one text proves nothing of another", func(f *forger) string {
			h, c, _ := parts(f.good())
			_, _, s := parts(f.good())
			return h + "." + c + "." + s
		}),
		attack("over other claims", "whoever got one token could be anybody", func(f *forger) string {
			h, _, s := parts(f.good())
			return h + "." + b64(f.claims().set("sub", text("U-2")).String()) + "." + s
		}),
		attack("over another header", "the header chooses key and algorithm, and is signed as well", func(f *forger) string {
			_, c, s := parts(f.good())
			return b64(f.header(f.main()).first("x", "1").String()) + "." + c + "." + s
		}),
		attack("empty", "no signature is none", func(f *forger) string {
			h, c, _ := parts(f.good())
			return h + "." + c + "."
		}),
		attack("cut", "a part of a signature can be guessed", func(f *forger) string { return f.good()[:len(f.good())-4] }),
		attack("all zero", "r = s = 0 verifies every text where it is not ruled out", func(f *forger) string {
			h, c, _ := parts(f.good())
			return h + "." + c + "." + b64(strings.Repeat("\x00", 64))
		}),
	}
	if k, ok := f.of(ssokeys.ES256); ok {
		out = append(out, attempt{Case: Case{"signature/in ASN.1", "RFC 7518 3.4 writes r and s and nothing else; a second form is a second spelling of the token", Lax}, token: func(f *forger) string {
			h, c, s := parts(f.sign(k, f.header(k).String(), f.claims().String()))
			r, v := ecdsaNumbers(s)
			der, err := asn1.Marshal(struct{ R, S *big.Int }{r, v})
			if err != nil {
				return "" // two numbers always encode
			}
			return h + "." + c + "." + b64(string(der))
		}})
	}
	return out
}

// ecdsaNumbers reads r and s of an ES256 signature.
func ecdsaNumbers(segment string) (r, s *big.Int) {
	b, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil || len(b) != 64 {
		return new(big.Int), new(big.Int) // cannot happen: the signature was just made
	}
	return new(big.Int).SetBytes(b[:32]), new(big.Int).SetBytes(b[32:])
}

// otherSpelling writes an ES256 signature in its other valid form, with n - s in place of s. Whoever
// holds a token can do so without a key.
func otherSpelling(token string, public *ecdsa.PublicKey) string {
	h, c, s := parts(token)
	r, v := ecdsaNumbers(s)
	b := make([]byte, 64)
	r.FillBytes(b[:32])
	new(big.Int).Sub(public.Params().N, v).FillBytes(b[32:])
	return h + "." + c + "." + b64(string(b))
}
