package ssotest

import (
	"strings"
	"time"
)

// timeCases are about the form of the times.
func timeCases() []attempt {
	c := func(severity Severity, name, why string, change func(*forger, object) object) attempt {
		return attempt{Case: Case{"time/" + name, why, severity}, token: withClaims(change)}
	}
	exp := func(severity Severity, name, why string, value func(*forger) string) attempt {
		return c(severity, "exp "+name, why, func(f *forger, o object) object { return o.set("exp", value(f)) })
	}
	fixed := func(s string) func(*forger) string { return func(*forger) string { return s } }
	soon := func(f *forger) string { return number(f.now.Add(time.Minute)) }
	const forever = "it never expires"
	const written = "the issuer writes whole seconds in digits"
	return []attempt{
		c(Attack, "exp missing", forever, func(_ *forger, o object) object { return o.drop("exp") }),
		exp(Attack, "null", forever, fixed("null")),
		exp(Attack, "zero", "libraries take 0 for none", fixed("0")),
		exp(Attack, "in milliseconds", "it lasts for thousands of years", func(f *forger) string { return soon(f) + "000" }),
		exp(Attack, "huge", "converted, it wraps around or lasts for ever", fixed("1"+strings.Repeat("0", 300))),
		exp(Attack, "beyond 64 bits", "converted, it wraps around", fixed("18446744075509551676")),
		exp(Attack, "negative", "it was before 1970", fixed("-1")),
		exp(Lax, "a string", "it is a number (RFC 7519 4.1.4)", func(f *forger) string { return `"` + soon(f) + `"` }),
		exp(Lax, "a fraction", written, func(f *forger) string { return soon(f) + ".5" }),
		exp(Lax, "with an exponent", written, func(f *forger) string { return soon(f) + "e0" }),
		exp(Lax, "true", "it is a number", fixed("true")),
		exp(Lax, "a list", "it is a number", func(f *forger) string { return "[" + soon(f) + "]" }),
		exp(Attack, "too late", "a hand-off lives 120 seconds, a session 12 hours: what is stolen later serves nobody", func(f *forger) string {
			return number(f.now.Add(f.longest + time.Second))
		}),
		exp(Lax, "at iat", "it was never valid", func(f *forger) string { return number(f.now) }),
		exp(Lax, "before iat", "it was never valid", func(f *forger) string { return number(f.now.Add(-time.Second)) }),
		exp(Attack, "an hour ago", "it has expired", func(f *forger) string { return number(f.now.Add(-time.Hour)) }),
		c(Attack, "an hour old", "it has expired", func(f *forger, o object) object {
			return o.set("iat", number(f.now.Add(-time.Hour))).set("exp", number(f.now.Add(-time.Hour+time.Minute)))
		}),
		c(Attack, "issued tomorrow", "who holds it may wait", func(f *forger, o object) object {
			return o.set("iat", number(f.now.Add(24*time.Hour))).set("exp", number(f.now.Add(24*time.Hour+time.Minute)))
		}),
		c(Lax, "iat missing", "how long it lives cannot be told", func(_ *forger, o object) object { return o.drop("iat") }),
		c(Attack, "iat missing, exp next year", "how long it lives cannot be told", func(f *forger, o object) object {
			return o.drop("iat").set("exp", number(f.now.Add(365*24*time.Hour)))
		}),
		c(Lax, "iat a string", "it is a number", func(f *forger, o object) object { return o.set("iat", `"`+number(f.now)+`"`) }),
		c(Lax, "iat negative", "it was before 1970", func(_ *forger, o object) object { return o.set("iat", "-1") }),
		c(Attack, "both in milliseconds", "it lasts for thousands of years", func(f *forger, o object) object {
			return o.set("iat", number(f.now)+"000").set("exp", number(f.now.Add(time.Minute))+"000")
		}),
	}
}

// limitCases test each limit of the times to the second: now, plus and minus the skew.
func limitCases() []attempt {
	c := func(severity Severity, name, why string, times func(*forger) (iat, exp time.Time)) attempt {
		return timed("limit", name, why, severity, times)
	}
	exp := func(after time.Duration) func(*forger) (iat, exp time.Time) {
		return func(f *forger) (iat, exp time.Time) {
			exp = f.now.Add(-f.skew - after)
			return exp.Add(-time.Minute), exp
		}
	}
	return []attempt{
		c(Attack, "expired a second more than the skew ago", "it is over, whatever the clocks", exp(time.Second)),
		c(Lax, "expired exactly the skew ago", "at exp it is over (RFC 7519 4.1.4), not after it", exp(0)),
		c(Attack, "issued a second more than the skew ahead", "no clock that is allowed wrote it", func(f *forger) (iat, exp time.Time) {
			iat = f.now.Add(f.skew + time.Second)
			return iat, iat.Add(time.Minute)
		}),
		c(Attack, "a second longer than the longest life", "the limit is a limit", func(f *forger) (iat, exp time.Time) {
			iat = f.now.Add(-time.Second)
			return iat, iat.Add(f.longest + time.Second)
		}),
	}
}
