package ssotest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// The values in the tokens of all cases.
const (
	issuerName   = "https://shop.example.org"
	audienceName = "https://learn.example.org"
	otherName    = "https://events.example.org"
	returnOrigin = "https://learn.example.org"
	member       = "U-1042"
	sessionID    = "s-1"
)

// typs are the typ headers of the kinds.
var typs = map[Kind]string{HandOffs: "ams-handoff+jwt", Sessions: "ams-session+jwt"}

// forger writes the tokens of one case, at one time.
type forger struct {
	keys     *keys
	kind     Kind
	now      time.Time
	skew     time.Duration
	longest  time.Duration // longest lifetime, from iat to exp
	user     string        // the token's user
	stranger string        // the URL of a server that nobody should call
}

func (k *keys) forger(cfg Config, now time.Time, stranger string) *forger {
	f := &forger{
		keys: k, kind: cfg.Kind, now: now, skew: cfg.Skew, longest: amsbridge.MaxHandOffLifetime, user: member, stranger: stranger,
	}
	if cfg.Kind == Sessions {
		f.longest = amsbridge.MaxSessionLifetime
	}
	return f
}

// main returns the key that signs where a case is not about keys.
func (f *forger) main() key { return f.keys.active[0] }

// of returns the active key of an algorithm, if there is one.
func (f *forger) of(algs ...ssokeys.Algorithm) (key, bool) {
	i := slices.IndexFunc(f.keys.active, func(k key) bool { return slices.Contains(algs, k.alg) })
	if i < 0 {
		return key{}, false
	}
	return f.keys.active[i], true
}

// object is a JSON object as it is written: its names may be in any order, and repeat.
type object []pair

// pair is a name as it is written between quotes, and a value in JSON.
type pair struct{ name, value string }

func (o object) String() string {
	parts := make([]string, len(o))
	for i, m := range o {
		parts[i] = `"` + m.name + `":` + m.value
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// set replaces a member's value, or adds the member.
func (o object) set(name, value string) object {
	o = slices.Clone(o)
	for i := range o {
		if o[i].name == name {
			o[i].value = value
			return o
		}
	}
	return append(o, pair{name, value})
}

// drop removes a member.
func (o object) drop(name string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m pair) bool { return m.name == name })
}

// first and last add a member, even if one of its name exists.
func (o object) first(name, value string) object {
	return append(object{{name, value}}, o...)
}

func (o object) last(name, value string) object {
	return append(slices.Clone(o), pair{name, value})
}

// text returns a JSON string.
func text(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always encodes
	}
	return string(b)
}

func number(t time.Time) string { return fmt.Sprint(t.Unix()) }

// header returns the header that the issuer writes for a key.
func (f *forger) header(k key) object {
	return object{{"alg", text(string(k.alg))}, {"kid", text(k.id)}, {"typ", text(typs[f.kind])}}
}

// claims returns the claims that the issuer writes, different for each token.
func (f *forger) claims() object {
	o := object{
		{"aud", text(audienceName)},
		{"exp", number(f.now.Add(time.Minute))},
		{"iat", number(f.now)},
		{"iss", text(issuerName)},
		{"jti", text(rand.Text())},
	}
	if f.kind == Sessions {
		o = append(o, pair{"sid", text(sessionID)})
	}
	return append(o, pair{"sub", text(member)})
}

// good returns a token as the issuer writes it.
func (f *forger) good() string {
	return f.sign(f.main(), f.header(f.main()).String(), f.claims().String())
}

// sign signs any header and claims by the key's own algorithm.
func (f *forger) sign(k key, header, claims string) string {
	return signed(jwt.GetSigningMethod(string(k.alg)), k.private(), header, claims)
}

// signed returns a token with a valid signature.
func signed(method jwt.SigningMethod, private any, header, claims string) string {
	return signedText(method, private, b64(header)+"."+b64(claims))
}

// signedText returns a token whose segments are spelled as given.
func signedText(method jwt.SigningMethod, private any, input string) string {
	signature, err := method.Sign(input, private)
	if err != nil {
		return "the key does not sign: " + err.Error() // cannot happen: the key was made for this
	}
	return input + "." + b64(string(signature))
}

// hmacSigned returns a token signed with HS256 and any secret, even an empty one, whatever its header
// says.
func hmacSigned(secret []byte, header, claims string) string {
	input := b64(header) + "." + b64(claims)
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(input))
	return input + "." + b64(string(m.Sum(nil)))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// parts returns a token's three segments.
func parts(token string) (header, claims, signature string) {
	p := strings.SplitN(token, ".", 3)
	return p[0], p[1], p[2]
}

// withHeader and withClaims make tokens that the issuer's key signs after one change.
func withHeader(change func(*forger, object) object) func(*forger) string {
	return func(f *forger) string {
		return f.sign(f.main(), change(f, f.header(f.main())).String(), f.claims().String())
	}
}

func withClaims(change func(*forger, object) object) func(*forger) string {
	return func(f *forger) string {
		return f.sign(f.main(), f.header(f.main()).String(), change(f, f.claims()).String())
	}
}

// header and claim set one member to a value in JSON.
func header(name, value string) func(*forger) string {
	return withHeader(func(_ *forger, o object) object { return o.set(name, value) })
}

func claim(name, value string) func(*forger) string {
	return withClaims(func(_ *forger, o object) object { return o.set(name, value) })
}
