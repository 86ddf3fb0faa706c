package ssotest

// Severity says how bad it is that a verifier fails a case.
type Severity string

// The severities.
const (
	// Attack: somebody gets in who should not, or as somebody else, or more often or for longer than
	// the issuer allowed.
	Attack Severity = "attack"
	// Lax: the issuer would never write the token. Accepting it lets nobody in by itself, but two
	// readers may read it differently, or it costs more than it should.
	Lax Severity = "lax"
	// Good: the issuer writes such tokens, and refusing them locks members out.
	Good Severity = "good"
)

// Case is one attempt against a verifier.
type Case struct {
	// Name is "group/name". It stays the same from version to version.
	Name string
	// Why says what is wrong with the token, and what follows from accepting it.
	Why string
	// Severity says how bad it is to fail the case.
	Severity Severity
}

// Outcome is what a verifier did.
type Outcome string

// The outcomes.
const (
	// Refused: it refused the token.
	Refused Outcome = "refused"
	// Taken: it accepted the token.
	Taken Outcome = "accepted"
	// TakenForAnother: it accepted the token, but for another member than the issuer wrote. This is an
	// attack, even in a lax case.
	TakenForAnother Outcome = "accepted as another member"
	// TakenAgain: it accepted one token more than once.
	TakenAgain Outcome = "accepted more than once"
	// SentAstray: it returned a target that is not allowed.
	SentAstray Outcome = "sent to another site"
	// CalledOut: it fetched a URL that the token named.
	CalledOut Outcome = "called a stranger"
	// Panicked: it panicked.
	Panicked Outcome = "panicked"
	// Defused: it accepted the token, but left out or replaced its return target.
	Defused Outcome = "accepted without its target"
	// LockedOut: it refused a token that it should have accepted before the attack on it.
	LockedOut Outcome = "the member was refused"
	// NotTried: it lacks the case's feature, as [Config.Lacks] says.
	NotTried Outcome = "not tried"
)

// Result is a verifier's result in one case.
type Result struct {
	Case
	Outcome Outcome
	// Detail is the verifier's own error, or another remark.
	Detail string
}

// Passed tells whether the verifier did what it should.
func (r Result) Passed() bool {
	switch r.Outcome {
	case NotTried, Defused:
		return true
	case Taken:
		return r.Severity == Good
	case Refused:
		return r.Severity != Good
	}
	return false
}

// Harm returns the actual severity of a failed case, and "" for a passed one.
func (r Result) Harm() Severity {
	switch {
	case r.Passed():
		return ""
	case r.Outcome == LockedOut:
		return Good
	case r.Outcome == Taken, r.Outcome == Refused:
		return r.Severity
	}
	return Attack
}
