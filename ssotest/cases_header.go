package ssotest

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keyIDCases are about the key that the token names.
func keyIDCases() []attempt {
	c := func(severity Severity, name, why string, token func(*forger) string) attempt {
		return attempt{Case: Case{"kid/" + name, why, severity}, token: token}
	}
	by := func(pick func(*keys) key) func(*forger) string {
		return func(f *forger) string {
			k := pick(f.keys)
			return f.sign(k, f.header(k).String(), f.claims().String())
		}
	}
	named := func(kid string) func(*forger) string {
		return func(f *forger) string {
			return hmacSigned(nil, f.header(f.main()).set("alg", `"HS256"`).set("kid", text(kid)).String(), f.claims().String())
		}
	}
	return []attempt{
		c(Attack, "retired", "the key's time is over; old copies of it lie about", by(func(k *keys) key { return k.retired })),
		c(Attack, "revoked", "the key was stolen", by(func(k *keys) key { return k.revoked })),
		c(Attack, "not yet active", "nothing can be signed with it yet", by(func(k *keys) key { return k.next })),
		c(Attack, "unknown", "whoever wrote it signed it", by(func(k *keys) key { return k.stranger })),
		{Case: Case{"kid/revoked while in use", "the key was stolen a moment ago", Attack}, needs: []Feature{KeyStates}, play: func(t *trial) Outcome {
			if t.present(t.good()) != Taken {
				return LockedOut
			}
			t.issuer.revoke(t.main().id)
			return t.present(t.good())
		}},
		c(Attack, "a path", "a file of no bytes is a secret that everybody knows", named("../../../../dev/null")),
		c(Attack, "an SQL injection", "the key would be what the query is made to return", named("x' UNION SELECT '")),
		c(Attack, "unknown, with an empty secret", "a look-up that finds nothing gives an empty key", named("nobody")),
		c(Lax, "missing", "which key it is would be guessed", withHeader(func(_ *forger, o object) object { return o.drop("kid") })),
		c(Lax, "empty", "no key is called that", header("kid", `""`)),
		c(Lax, "null", "it is a string", header("kid", "null")),
		c(Lax, "a number", "it is a string (RFC 7515 4.1.4)", header("kid", "1")),
		c(Lax, "a list", "it is a string", withHeader(func(f *forger, o object) object { return o.set("kid", "["+text(f.main().id)+"]") })),
		c(Lax, "in other capitals", "IDs are compared byte for byte", withHeader(func(f *forger, o object) object { return o.set("kid", text(otherCase(f.main().id))) })),
		c(Lax, "padded", "IDs are compared byte for byte", withHeader(func(f *forger, o object) object { return o.set("kid", text(f.main().id+" ")) })),
		c(Lax, "1 MiB", "a stranger chooses what is searched for, logged and kept", header("kid", text(strings.Repeat("k", 1<<20)))),
	}
}

// headerCases are about the other members of a header.
func headerCases() []attempt {
	c := func(severity Severity, name, why string, token func(*forger) string) attempt {
		return attempt{Case: Case{"header/" + name, why, severity}, token: token}
	}
	// self makes a token signed by the stranger's key, which its header brings along.
	self := func(own bool, member string, value func(*forger) string) func(*forger) string {
		return func(f *forger) string {
			k := f.keys.stranger
			h := f.header(k)
			if own {
				h = h.set("kid", text(f.main().id))
			}
			return f.sign(k, h.set(member, value(f)).String(), f.claims().String())
		}
	}
	url := func(path string) func(*forger) string {
		return func(f *forger) string { return text(f.stranger + path) }
	}
	const brings = "the token says which key verifies it: its writer's own"
	const calls = "the token makes the verifier fetch a URL, of its writer's choice"
	raw := func(change func(string) string) func(*forger) string {
		return func(f *forger) string {
			return f.sign(f.main(), change(f.header(f.main()).String()), f.claims().String())
		}
	}
	return []attempt{
		c(Attack, "jku", calls, self(false, "jku", url("/jku"))),
		c(Attack, "jku, with the issuer's kid", calls, self(true, "jku", url("/jku"))),
		c(Lax, "jku in a token that is signed well", calls, withHeader(func(f *forger, o object) object { return o.set("jku", url("/jku")(f)) })),
		c(Attack, "x5u", calls, self(false, "x5u", url("/x5u"))),
		c(Lax, "x5u in a token that is signed well", calls, withHeader(func(f *forger, o object) object { return o.set("x5u", url("/x5u")(f)) })),
		c(Attack, "jwk", brings, self(false, "jwk", strangersJWK)),
		c(Attack, "jwk, with the issuer's kid", brings, self(true, "jwk", strangersJWK)),
		c(Attack, "x5c", brings, self(false, "x5c", strangersChain)),
		c(Attack, "crit of something unknown", "the token may not be accepted by who does not understand that (RFC 7515 4.1.11); it may be what limits its use", withHeader(func(_ *forger, o object) object {
			return o.set("crit", `["urn:example:only-from"]`).set("urn:example:only-from", `"198.51.100.7"`)
		})),
		c(Lax, "crit empty", "RFC 7515 4.1.11 forbids it", header("crit", "[]")),
		c(Lax, "crit of exp", "a registered name may not stand there", header("crit", `["exp"]`)),
		c(Lax, "b64", "RFC 7797 changes what is signed, and asks for crit", header("b64", "false")),
		c(Lax, "zip", "the claims would be something else once unpacked", header("zip", `"DEF"`)),
		c(Lax, "cty", "it announces a token within the token", header("cty", `"JWT"`)),
		c(Lax, "unknown member", "the issuer writes none", header("x", "1")),
		c(Lax, "alg twice", "two readers read two", withHeader(func(_ *forger, o object) object { return o.first("alg", `"none"`) })),
		c(Lax, "kid twice", "two readers read two", withHeader(func(f *forger, o object) object { return o.first("kid", text(f.keys.revoked.id)) })),
		c(Lax, "kid twice, escaped", "two readers read two", withHeader(func(f *forger, o object) object { return o.first(`\u006bid`, text(f.keys.revoked.id)) })),
		c(Lax, "typ twice", "two readers read two", withHeader(func(_ *forger, o object) object { return o.first("typ", `"JWT"`) })),
		c(Lax, "ALG beside alg", "readers that fold case read another", withHeader(func(_ *forger, o object) object { return o.first("ALG", `"none"`) })),
		c(Lax, "a list", "it is an object", raw(func(s string) string { return "[" + s + "]" })),
		c(Lax, "null", "it is an object", raw(func(string) string { return "null" })),
		c(Lax, "not JSON", "it is an object", raw(func(string) string { return "{" })),
		c(Lax, "with a tail", "readers that stop after the object read another", raw(func(s string) string { return s + `{"alg":"none"}` })),
		c(Lax, "not UTF-8", "readers mend it differently", withHeader(func(_ *forger, o object) object { return o.set("x", "\"\xff\"") })),
	}
}

// strangersJWK returns the stranger's key for a header.
func strangersJWK(f *forger) string {
	k := f.keys.stranger
	jwk := jose.JSONWebKey{Key: k.public(), KeyID: k.id, Algorithm: string(k.alg)}
	if jwk.Key == nil {
		jwk.Key = k.own.Secret
	}
	b, err := json.Marshal(jwk)
	if err != nil {
		return "{}" // cannot happen: the key was made for this
	}
	return string(b)
}

// strangersChain returns a certificate that the stranger signed for itself.
func strangersChain(f *forger) string {
	k := f.keys.stranger
	if k.public() == nil {
		return "[]"
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: f.now.Add(-time.Hour), NotAfter: f.now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, k.public(), k.own.Private)
	if err != nil {
		return "[]" // cannot happen: the key was made for this
	}
	return "[" + text(base64.StdEncoding.EncodeToString(der)) + "]"
}
