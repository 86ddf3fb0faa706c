package ssotest

import (
	"strings"
	"time"

	"github.com/amsbridge/amsbridge"
)

// kindCases are other tokens of the same issuer, signed by the same key.
func kindCases(f *forger) []attempt {
	c := func(severity Severity, name, why string, token func(*forger) string) attempt {
		return attempt{Case: Case{"kind/" + name, why, severity}, token: token}
	}
	other := Sessions
	if f.kind == Sessions {
		other = HandOffs
	}
	const twice = "the two kinds have other limits: a session lies in a browser for hours, a hand-off serves once"
	return []attempt{
		c(Attack, "a "+string(other), twice, func(f *forger) string {
			g := *f
			g.kind = other
			return g.good()
		}),
		c(Attack, "typ of a "+string(other), twice, header("typ", text(typs[other]))),
		c(Lax, "claims of a "+string(other), "typ and claims do not fit", func(f *forger) string {
			g := *f
			g.kind = other
			return f.sign(f.main(), f.header(f.main()).String(), g.claims().set("nonce", `"n"`).String())
		}),
		c(Attack, "typ JWT", "any other token of the issuer, such as an ID token, opens the door (RFC 8725 2.8)", header("typ", `"JWT"`)),
		c(Attack, "typ missing", "any other token of the issuer opens the door", withHeader(func(_ *forger, o object) object { return o.drop("typ") })),
		c(Lax, "typ in capitals", "the issuer writes it in one way", header("typ", text(strings.ToUpper(typs[f.kind])))),
		c(Lax, "typ with application/", "the issuer writes it in one way", header("typ", text("application/"+typs[f.kind]))),
		c(Lax, "typ a list", "it is a string", header("typ", "["+text(typs[f.kind])+"]")),
	}
}

// audienceCases are about who issued the token, and for whom.
func audienceCases() []attempt {
	c := func(severity Severity, name, why, claimName, value string) attempt {
		return attempt{Case: Case{name, why, severity}, token: claim(claimName, value)}
	}
	without := func(severity Severity, name, why, claimName string) attempt {
		return attempt{Case: Case{name, why, severity}, token: withClaims(func(_ *forger, o object) object { return o.drop(claimName) })}
	}
	const elsewhere = "who may read what another platform got walks in here with it"
	list := func(names ...string) string {
		for i, n := range names {
			names[i] = text(n)
		}
		return "[" + strings.Join(names, ",") + "]"
	}
	return []attempt{
		c(Attack, "aud/of another platform", elsewhere, "aud", text(otherName)),
		without(Attack, "aud/missing", elsewhere, "aud"),
		c(Attack, "aud/null", elsewhere, "aud", "null"),
		c(Attack, "aud/empty", elsewhere, "aud", `""`),
		c(Attack, "aud/empty list", elsewhere, "aud", "[]"),
		c(Attack, "aud/a number", elsewhere, "aud", "1"),
		c(Attack, "aud/an object", elsewhere, "aud", `{"`+audienceName+`":true}`),
		c(Attack, "aud/in other capitals", "audiences are compared byte for byte", "aud", text(otherCase(audienceName))),
		c(Attack, "aud/with a slash", "audiences are compared byte for byte", "aud", text(audienceName+"/")),
		c(Attack, "aud/beginning of ours", "audiences are compared as a whole", "aud", text(audienceName[:len(audienceName)-4])),
		c(Attack, "aud/ours and more", "audiences are compared as a whole", "aud", text(audienceName+".evil.example")),
		c(Lax, "aud/a list of ours", "legal by RFC 7519; the issuer writes one string", "aud", list(audienceName)),
		c(Lax, "aud/a list of ours and another's", "legal by RFC 7519; one token serves at two platforms, and each can use it at the other", "aud", list(otherName, audienceName)),
		c(Lax, "aud/a list with a number", "one of its members is no audience", "aud", "["+text(audienceName)+",1]"),
		c(Attack, "iss/of another", "another issuer may have keys here too, for other members", "iss", text("https://other.example.org")),
		without(Attack, "iss/missing", "nobody says who the user ID belongs to", "iss"),
		c(Attack, "iss/null", "nobody says who the user ID belongs to", "iss", "null"),
		c(Attack, "iss/empty", "nobody says who the user ID belongs to", "iss", `""`),
		c(Lax, "iss/a list", "it is a string", "iss", list(issuerName)),
		c(Attack, "iss/in other capitals", "issuers are compared byte for byte", "iss", text(otherCase(issuerName))),
		c(Attack, "iss/with a slash", "issuers are compared byte for byte", "iss", text(issuerName+"/")),
	}
}

// claimCases are about the user ID, the token's ID and the other claims.
func claimCases() []attempt {
	c := func(severity Severity, name, why string, token func(*forger) string) attempt {
		return attempt{Case: Case{name, why, severity}, token: token}
	}
	without := func(name string) func(*forger) string {
		return withClaims(func(_ *forger, o object) object { return o.drop(name) })
	}
	raw := func(change func(string) string) func(*forger) string {
		return func(f *forger) string {
			return f.sign(f.main(), f.header(f.main()).String(), change(f.claims().String()))
		}
	}
	// nobody makes a case with a user ID that no person has: accepting it is as bad, whoever is let in.
	nobody := func(severity Severity, name, why, value string) attempt {
		return attempt{Case: Case{"sub/" + name, why, severity}, play: func(t *trial) Outcome {
			t.owner = ""
			o := t.present(claim("sub", value)(t.forger))
			if o == TakenForAnother {
				return Taken
			}
			return o
		}}
	}
	const everybody = "it is the ID of nobody, or of everybody whose ID was lost"
	return []attempt{
		{Case: Case{"sub/missing", everybody, Attack}, play: func(t *trial) Outcome {
			t.owner = ""
			if o := t.present(without("sub")(t.forger)); o != TakenForAnother {
				return o
			}
			return Taken
		}},
		nobody(Attack, "empty", everybody, `""`),
		nobody(Attack, "null", everybody, "null"),
		nobody(Lax, "the text null", "another program wrote a missing ID so", `"null"`),
		nobody(Lax, "the text undefined", "another program wrote a missing ID so", `"undefined"`),
		nobody(Lax, "padded", "trimmed, it is another member's", text(member+" ")),
		nobody(Lax, "with a NUL", "cut there, it is another member's", `"`+member+`\u0000x"`),
		nobody(Lax, "with a line feed", "it writes lines into logs", `"`+member+`\nx"`),
		nobody(Lax, "longer than 255 bytes", "cut, it is another member's", text(strings.Repeat("x", amsbridge.MaxUserID+1))),
		nobody(Lax, "half a surrogate", "decoders mend it, so that several IDs become one", `"U-\ud800"`),
		nobody(Lax, "not UTF-8", "decoders mend it, so that several IDs become one", "\"U-\xff\""),
		nobody(Lax, "a number", "1042 and 1042.0 are one number and two texts; large ones lose digits", "1042"),
		nobody(Lax, "a list", "it is a string", "["+text(member)+"]"),
		nobody(Lax, "an object", "it is a string", `{"id":`+text(member)+"}"),
		c(Lax, "jti/missing", "nothing is there to tell a second use by", without("jti")),
		c(Lax, "jti/empty", "all such tokens are one", claim("jti", `""`)),
		c(Lax, "jti/a number", "it is a string", claim("jti", "7")),
		c(Lax, "jti/too short", "the issuer writes 128 random bits and more", claim("jti", `"A"`)),
		c(Lax, "claims/unknown one", "the issuer writes none; somebody else gave it a meaning", claim("admin", "true")),
		c(Lax, "claims/nbf", "the issuer writes none", withClaims(func(f *forger, o object) object { return o.set("nbf", number(f.now)) })),
		c(Attack, "claims/nbf tomorrow", "it says itself that it is not valid", withClaims(func(f *forger, o object) object {
			return o.set("nbf", number(f.now.Add(24*time.Hour)))
		})),
		c(Lax, "claims/deep JSON", "it costs a stack", claim("x", strings.Repeat("[", 2000)+strings.Repeat("]", 2000))),
		c(Lax, "claims/with a tail", "readers that stop after the object read another", raw(func(s string) string { return s + `{"sub":"U-2"}` })),
		c(Lax, "claims/a list", "they are an object", raw(func(s string) string { return "[" + s + "]" })),
		c(Lax, "claims/null", "they are an object", raw(func(string) string { return "null" })),
		c(Lax, "claims/a comma too many", "it is not JSON", raw(func(s string) string { return s[:len(s)-1] + ",}" })),
		c(Lax, "claims/with a byte order mark", "it is not JSON", raw(func(s string) string { return "\ufeff" + s })),
	}
}

// shadowCases give a value twice, so that two readers may differ.
func shadowCases() []attempt {
	c := func(severity Severity, name, why string, change func(*forger, object) object) attempt {
		return attempt{Case: Case{"shadow/" + name, why, severity}, token: withClaims(change)}
	}
	const folds = "a reader that folds case takes this one for the real one, and the issuer may let members choose it"
	const two = "two readers read two"
	late := func(f *forger) string { return number(f.now.Add(-time.Hour)) }
	return []attempt{
		c(Lax, "SUB beside sub", folds, func(_ *forger, o object) object { return o.last("SUB", `"U-2"`) }),
		c(Lax, "Sub before sub", folds, func(_ *forger, o object) object { return o.first("Sub", `"U-2"`) }),
		c(Lax, "ſub beside sub", folds+"; the long s is folded to s", func(_ *forger, o object) object { return o.last("ſub", `"U-2"`) }),
		c(Attack, "SUB alone", folds, func(_ *forger, o object) object { return o.drop("sub").last("SUB", text(member)) }),
		c(Attack, "AUD beside another's aud", folds, func(_ *forger, o object) object { return o.set("aud", text(otherName)).last("AUD", text(audienceName)) }),
		c(Attack, "ISS beside another's iss", folds, func(_ *forger, o object) object {
			return o.set("iss", `"https://other.example.org"`).last("ISS", text(issuerName))
		}),
		c(Attack, "EXP beside an exp that has passed", folds, func(f *forger, o object) object {
			return o.set("exp", late(f)).set("iat", number(f.now.Add(-time.Hour-time.Minute))).last("EXP", number(f.now.Add(time.Minute)))
		}),
		c(Lax, "sub twice", two, func(_ *forger, o object) object { return o.first("sub", `"U-2"`) }),
		c(Lax, "sub twice, escaped", two, func(_ *forger, o object) object { return o.first(`\u0073ub`, `"U-2"`) }),
		c(Lax, "aud twice", two, func(_ *forger, o object) object { return o.first("aud", text(otherName)) }),
		c(Lax, "exp twice", two, func(f *forger, o object) object { return o.first("exp", late(f)) }),
		c(Lax, "jti twice", two, func(_ *forger, o object) object { return o.first("jti", `"AAAAAAAAAAAAAAAAAAAAAAAAAA"`) }),
	}
}
