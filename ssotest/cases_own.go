package ssotest

import (
	"strings"

	"github.com/amsbridge/amsbridge"
)

// ownCases are about the claims that only this kind of token has.
func ownCases(f *forger) []attempt {
	if f.kind == Sessions {
		return sessionCases()
	}
	return returnCases()
}

// returnCases name a page to send the member to. A verifier may refuse the token, or accept it without
// the target.
func returnCases() []attempt {
	c := func(severity Severity, name, why, to string) attempt {
		return attempt{Case: Case{"return/" + name, why, severity}, needs: []Feature{ReturnTargets}, play: func(t *trial) Outcome {
			return t.sent(claim("return_to", text(to))(t.forger), to, severity)
		}}
	}
	lax := func(name, why, claimName, value string) attempt {
		return attempt{Case: Case{name, why, Lax}, needs: []Feature{ReturnTargets}, token: claim(claimName, value)}
	}
	const away = "browsers read another host in it: the member ends up on a stranger's page, freshly signed in"
	const later = "what is decoded once more on the way becomes another path"
	return []attempt{
		c(Attack, "two slashes", away, "//evil.example/"),
		c(Attack, "three slashes", away, "///evil.example/"),
		c(Attack, "slash and backslash", away, `/\evil.example/`),
		c(Attack, "backslashes", away, `\\evil.example\`),
		c(Attack, "https without slashes", away, "https:evil.example"),
		c(Attack, "https with one slash", away, "https:/evil.example"),
		c(Attack, "https with three slashes", away, "https:///evil.example"),
		c(Attack, "another origin", away, "https://evil.example/"),
		c(Attack, "userinfo that looks like ours", away, "https://learn.example.org@evil.example/"),
		c(Attack, "a host that begins like ours", away, "https://learn.example.org.evil.example/"),
		c(Attack, "a host that ends like ours", away, "https://evil-learn.example.org/"),
		c(Attack, "a sub-domain of ours", "it may be anybody's", "https://a.learn.example.org/"),
		c(Attack, "ours in the fragment", away, "https://evil.example/#learn.example.org"),
		c(Attack, "a backslash before ours", away, `https://evil.example\@learn.example.org/`),
		c(Attack, "another port", "another port is another origin", "https://learn.example.org:8443/"),
		c(Attack, "http", "anyone on the way reads and changes it", "http://learn.example.org/"),
		c(Attack, "a tab between slashes", away+"; they leave tabs out", "/\t/evil.example/"),
		c(Attack, "a line feed before", away+"; they leave line feeds out", "\n//evil.example/"),
		c(Attack, "a blank before", away+"; they leave blanks out", " //evil.example/"),
		c(Attack, "script", "it runs as our page", "javascript:alert(1)"),
		c(Attack, "script in capitals", "it runs as our page", "JaVaScript:alert(1)"),
		c(Attack, "data", "it shows a page of its writer's", "data:text/html,x"),
		c(Lax, "an encoded slash", later, "/%2fevil.example/"),
		c(Lax, "a backslash, encoded twice", later, "/%255cevil.example/"),
		c(Lax, "dots", later, "/courses/../../evil"),
		c(Lax, "userinfo at our own host", "it shows what its writer likes in the address bar", "https://evil@learn.example.org/"),
		c(Lax, "10 KiB", "what follows cuts it, or fails", "/"+strings.Repeat("c", 10<<10)),
		lax("return/a number", "it is a string", "return_to", "7"),
		lax("return/a list", "it is a string", "return_to", `["/c"]`),
		{Case: Case{"nonce/a number", "it is a string", Lax}, token: claim("nonce", "7")},
		{Case: Case{"nonce/with a line feed", "the issuer signs none", Lax}, token: claim("nonce", `"a\nb"`)},
	}
}

// sent presents a token with a target that must not be returned.
func (t *trial) sent(token, to string, severity Severity) Outcome {
	got, o := t.show(token)
	switch {
	case o != Taken:
		return o
	case got.ReturnTo == to && severity == Lax:
		return Taken
	case !mayReturn(got.ReturnTo):
		return SentAstray
	case got.ReturnTo == to:
		return Taken
	}
	return Defused
}

// sessionCases are about the shop's session that a token belongs to.
func sessionCases() []attempt {
	c := func(severity Severity, name, why string, token func(*forger) string) attempt {
		return attempt{Case: Case{"session/" + name, why, severity}, play: func(t *trial) Outcome {
			t.owner = "" // the verifier must refuse it, whatever sessions last
			return t.present(token(t.forger))
		}}
	}
	live := func(name, why string, play func(*trial) Outcome) attempt {
		return attempt{Case: Case{"session/" + name, why, Attack}, needs: []Feature{LiveSessions}, play: play}
	}
	after := func(change func(*trial)) func(*trial) Outcome {
		return func(t *trial) Outcome {
			token := t.good()
			if t.present(token) != Taken {
				return LockedOut
			}
			change(t)
			return t.present(token)
		}
	}
	const ended = "the cookie outlives the session, and lies in the browser of a shared computer"
	return []attempt{
		live("after the sign-out", ended, after(func(t *trial) { t.ended = true })),
		live("while the look-up fails", "it fails open", after(func(t *trial) { t.broken = true })),
		live("of another session", "it names a session that is not alive", func(t *trial) Outcome { return t.present(claim("sid", `"s-2"`)(t.forger)) }),
		live("of another member", "the session is somebody else's", func(t *trial) Outcome {
			t.user = "U-2"
			return t.present(claim("sub", `"U-2"`)(t.forger))
		}),
		{Case: Case{"session/three times", "the platform asks as often as it likes", Good}, play: func(t *trial) Outcome {
			token := t.good()
			for range 2 {
				if t.present(token) != Taken {
					return LockedOut
				}
			}
			return t.present(token)
		}},
		c(Attack, "sid missing", "nothing ends it", withClaims(func(_ *forger, o object) object { return o.drop("sid") })),
		c(Attack, "sid empty", "nothing ends it", claim("sid", `""`)),
		c(Lax, "sid a number", "it is a string", claim("sid", "1")),
		c(Lax, "sid a list", "it is a string", claim("sid", "["+text(sessionID)+"]")),
		c(Lax, "sid twice", "two readers read two", withClaims(func(_ *forger, o object) object { return o.first("sid", `"s-2"`) })),
		c(Lax, "SID beside sid", "readers that fold case read another", withClaims(func(_ *forger, o object) object { return o.last("SID", `"s-2"`) })),
		c(Lax, "sid of 300 bytes", "the issuer signs none", claim("sid", text(strings.Repeat("s", amsbridge.MaxSessionID+45)))),
	}
}
