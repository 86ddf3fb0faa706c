package ssotest

import (
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// sizeCases cost more than a verifier should spend on a stranger.
func sizeCases() []attempt {
	c := func(name, why string, token func(*forger) string) attempt {
		return attempt{Case: Case{"size/" + name, why, Lax}, token: token}
	}
	fixed := func(s string) func(*forger) string { return func(*forger) string { return s } }
	// blank makes a token that is good except for its length.
	blank := func(n int) func(*forger) string {
		return func(f *forger) string {
			return f.sign(f.main(), f.header(f.main()).String(), "{"+strings.Repeat(" ", n)+f.claims().String()[1:])
		}
	}
	return []attempt{
		c("over 8 KiB", "the issuer writes none so long", blank(7<<10)),
		c("1 MiB", "it is decoded before its signature is looked at", blank(1<<20)),
		c("a million dots", "each makes a segment of it", fixed(strings.Repeat(".", 1_000_000))),
		c("empty", "it is no token", fixed("")),
		c("dots alone", "it is no token", fixed("..")),
		c("one dot", "it is no token", fixed("e30.e30")),
		c("a fourth segment", "it is no JWS", func(f *forger) string { return f.good() + ".e30" }),
		c("five segments", "it is a JWE", func(f *forger) string { return f.good() + ".e30.e30" }),
		c("a dot at its end", "it is no JWS", func(f *forger) string { return f.good() + "." }),
		c("JSON serialization", "it is no compact JWS", func(f *forger) string {
			h, p, s := parts(f.good())
			return `{"payload":` + text(p) + `,"protected":` + text(h) + `,"signature":` + text(s) + `}`
		}),
	}
}

// spellingCases are second spellings of a good token.
func spellingCases() []attempt {
	const why = "a token has one spelling; where it is remembered, refused or logged by its text, another one passes"
	c := func(name string, change func(h, p, s string) string) attempt {
		return attempt{Case: Case{"spelling/" + name, why, Lax}, token: func(f *forger) string { return change(parts(f.good())) }}
	}
	whole := func(name, before, after string) attempt {
		return c(name, func(h, p, s string) string { return before + h + "." + p + "." + s + after })
	}
	return []attempt{
		c("padded header", func(h, p, s string) string { return pad(h) + "." + p + "." + s }),
		c("padded signature", func(h, p, s string) string { return h + "." + p + "." + pad(s) }),
		c("line feed in the claims", func(h, p, s string) string { return h + "." + p[:9] + "\n" + p[9:] + "." + s }),
		c("carriage return in the signature", func(h, p, s string) string { return h + "." + p + "." + s[:9] + "\r" + s[9:] }),
		whole("line feed at the end", "", "\n"),
		whole("blank before", " ", ""),
		whole("Bearer before", "Bearer ", ""),
		whole("NUL at the end", "", "\x00"),
		{Case: Case{"spelling/standard alphabet", why, Lax}, token: func(f *forger) string {
			h, p, s := parts(f.good())
			for !strings.ContainsAny(s, "-_") {
				h, p, s = parts(f.good())
			}
			return h + "." + p + "." + strings.NewReplacer("-", "+", "_", "/").Replace(s)
		}},
		{Case: Case{"spelling/spare bits", why, Lax}, token: func(f *forger) string {
			t := f.good()
			return t[:len(t)-1] + nextChar(t[len(t)-1])
		}},
		{Case: Case{"spelling/spare bits in the claims", why, Lax}, token: func(f *forger) string {
			claims := f.claims().String()
			for len(claims)%3 == 0 {
				claims = "{ " + claims[1:]
			}
			h := b64(f.header(f.main()).String())
			p := b64(claims)
			p = p[:len(p)-1] + nextChar(p[len(p)-1])
			return signedText(jwt.GetSigningMethod(string(f.main().alg)), f.main().private(), h+"."+p)
		}},
	}
}

// pad adds the padding that base64url leaves out, or one character too many.
func pad(s string) string {
	if n := len(s) % 4; n != 0 {
		return s + strings.Repeat("=", 4-n)
	}
	return s + "="
}

// nextChar returns the character whose six bits differ only in the last, which a lenient decoder
// ignores where it is unused.
func nextChar(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1:][:1]
}
