package ssotest

import (
	"strings"
	"time"

	"github.com/amsbridge/amsbridge"
)

// goodCases are tokens as the issuer writes them.
func goodCases(f *forger) []attempt {
	const why = "the issuer writes it so"
	good := func(name, why string, token func(*forger) string) attempt {
		return attempt{Case: Case{"good/" + name, why, Good}, token: token}
	}
	var out []attempt
	for _, k := range f.keys.active {
		out = append(out, good(string(k.alg), why, func(f *forger) string { return f.sign(k, f.header(k).String(), f.claims().String()) }))
	}
	out = append(out,
		good("by a retiring key", "the key stopped signing an hour ago, and its tokens still live", func(f *forger) string {
			return f.sign(f.keys.retiring, f.header(f.keys.retiring).String(), f.claims().String())
		}),
		good("longest life", why, withClaims(func(f *forger, o object) object { return o.set("exp", number(f.now.Add(f.longest))) })),
		user("longest user ID", strings.Repeat("&", amsbridge.MaxUserID)),
		user("user ID that needs escaping", "u & co; 100% <ü>\\ud800 \"'👩‍🎓"),
	)
	out = append(out,
		timed("good", "issued at the skew's edge", "the issuer's clock is ahead, as far as is allowed", Good, func(f *forger) (iat, exp time.Time) {
			return f.now.Add(f.skew), f.now.Add(f.skew + time.Minute)
		}),
		timed("good", "issued a second before", "the issuer's clock is ahead, within what is allowed", Good, func(f *forger) (iat, exp time.Time) {
			return f.now.Add(f.skew - time.Second), f.now.Add(f.skew + time.Minute)
		}),
		timed("good", "expired a second before the skew's edge", "the issuer's clock is behind, within what is allowed", Good, func(f *forger) (iat, exp time.Time) {
			return f.now.Add(-f.skew - time.Minute), f.now.Add(time.Second - f.skew)
		}),
	)
	if f.kind == HandOffs {
		out = append(out, good("with return target and nonce", why, withClaims(func(_ *forger, o object) object {
			return o.set("return_to", text(returnOrigin+"/courses/7?a=b&c")).set("nonce", text("n-1"))
		})))
	}
	return out
}

// user makes a case of a good token of another member.
func user(name, id string) attempt {
	return attempt{Case: Case{"good/" + name, "user IDs arrive byte for byte", Good}, play: func(t *trial) Outcome {
		t.user, t.owner = id, id
		return t.present(claim("sub", text(id))(t.forger))
	}}
}

// timed makes a case of a token with exact times, to the second.
func timed(group, name, why string, severity Severity, times func(*forger) (iat, exp time.Time)) attempt {
	return attempt{Case: Case{group + "/" + name, why, severity}, needs: []Feature{Clock}, token: withClaims(func(f *forger, o object) object {
		iat, exp := times(f)
		return o.set("iat", number(iat)).set("exp", number(exp))
	})}
}
