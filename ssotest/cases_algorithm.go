package ssotest

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/amsbridge/amsbridge/ssokeys"
)

// algorithmCases are tokens that try to choose how they are verified (RFC 8725 section 2.1).
func algorithmCases(f *forger) []attempt {
	attack := func(name, why string, token func(*forger) string) attempt {
		return attempt{Case: Case{"alg/" + name, why, Attack}, token: token}
	}
	lax := func(name, why string, token func(*forger) string) attempt {
		return attempt{Case: Case{"alg/" + name, why, Lax}, token: token}
	}
	var out []attempt
	for _, none := range []string{"none", "None", "NONE", "nOnE"} {
		out = append(out, attack(none, "an unsigned token, which anyone can write", func(f *forger) string {
			return b64(f.header(f.main()).set("alg", text(none)).String()) + "." + b64(f.claims().String()) + "."
		}))
	}
	out = append(out,
		attack("none, with a signature", "an unsigned token that looks like a signed one", func(f *forger) string {
			_, c, s := parts(f.good())
			return b64(f.header(f.main()).set("alg", `"none"`).String()) + "." + c + "." + s
		}),
		attack("empty secret", "an empty secret is everybody's", func(f *forger) string {
			return hmacSigned(nil, f.header(f.main()).set("alg", `"HS256"`).String(), f.claims().String())
		}),
		lax("missing", "RFC 7515 4.1.1 asks for it", withHeader(func(_ *forger, o object) object { return o.drop("alg") })),
		lax("null", "it is a string", header("alg", "null")),
		lax("a number", "it is a string", header("alg", "1")),
		lax("a list", "it is a string", withHeader(func(f *forger, o object) object { return o.set("alg", "["+text(string(f.main().alg))+"]") })),
		lax("in other capitals", "names are case-sensitive", withHeader(func(f *forger, o object) object {
			return o.set("alg", text(otherCase(string(f.main().alg))))
		})),
	)
	for _, k := range f.keys.active {
		for _, public := range publicTexts(k) {
			out = append(out, attack("public "+string(k.alg)+" key as secret, "+public.form, "the public key is public: who takes it for a secret lets anyone sign", func(f *forger) string {
				return hmacSigned(public.text, f.header(k).set("alg", `"HS256"`).String(), f.claims().String())
			}))
		}
		if k.alg == ssokeys.HS256 {
			continue
		}
		out = append(out, attack("HMAC said to be "+string(k.alg), "the header's word against the signature's", func(f *forger) string {
			return hmacSigned(publicTexts(k)[0].text, f.header(k).String(), f.claims().String())
		}))
	}
	if k, ok := f.of(ssokeys.RS256); ok {
		for _, m := range []jwt.SigningMethod{jwt.SigningMethodPS256, jwt.SigningMethodRS512} {
			out = append(out, lax(m.Alg()+" by an RS256 key", "a key serves one algorithm (RFC 8725 3.1)", func(f *forger) string {
				return signed(m, k.private(), f.header(k).set("alg", text(m.Alg())).String(), f.claims().String())
			}))
		}
	}
	if k, ok := f.of(ssokeys.HS256); ok {
		out = append(out, lax("HS512 by an HS256 secret", "a key serves one algorithm (RFC 8725 3.1)", func(f *forger) string {
			return signed(jwt.SigningMethodHS512, k.private(), f.header(k).set("alg", `"HS512"`).String(), f.claims().String())
		}))
	}
	for _, k := range f.keys.active[1:] {
		out = append(out,
			lax(string(k.alg)+", said to be "+string(f.main().alg), "the header's alg is not the key's", func(f *forger) string {
				return f.sign(k, f.header(k).set("alg", text(string(f.main().alg))).String(), f.claims().String())
			}),
		)
	}
	return out
}

// publicText is an encoding in which a public key is found.
type publicText struct {
	form string
	text []byte
}

// publicTexts returns all encodings of a key, PKIX PEM first; none of a secret.
func publicTexts(k key) []publicText {
	public := k.public()
	if public == nil {
		return nil
	}
	var out []publicText
	if der, err := x509.MarshalPKIXPublicKey(public); err == nil {
		out = append(out, publicText{"PKIX PEM", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}, publicText{"PKIX DER", der})
	}
	if jwk, err := json.Marshal(jose.JSONWebKey{Key: public, KeyID: k.id, Algorithm: string(k.alg), Use: "sig"}); err == nil {
		out = append(out, publicText{"JWK", jwk})
	}
	switch public := public.(type) {
	case *rsa.PublicKey:
		out = append(out, publicText{"PKCS 1 PEM", pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(public)})})
	case ed25519.PublicKey:
		out = append(out, publicText{"raw", public})
	}
	return out
}

// otherCase returns a name with upper and lower case swapped.
func otherCase(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}
