package ssotest

// Severity says what it means that a verifier fails a case.
type Severity string

// The severities.
const (
	// Attack: somebody gets in who should not, as somebody else, more often or for
	// longer than the issuer said.
	Attack Severity = "attack"
	// Lax: the issuer would never write it. Accepting it lets nobody in by itself,
	// but two readers may read it differently, or it costs more than it should.
	Lax Severity = "lax"
	// Good: the issuer writes it, and refusing it locks members out.
	Good Severity = "good"
)

// Case is one thing that is tried.
type Case struct {
	// Name is "group/name". It stays the same from version to version.
	Name string
	// Why says what is wrong with the token, and what comes of accepting it.
	Why string
	// Severity says what failing means.
	Severity Severity
}

// Outcome is what a verifier did.
type Outcome string

// The outcomes.
const (
	// Refused the token.
	Refused Outcome = "refused"
	// Taken is that it was accepted.
	Taken Outcome = "accepted"
	// TakenForAnother is that it was accepted, and for another member than the
	// issuer wrote. It is an attack, however lax the case.
	TakenForAnother Outcome = "accepted as another member"
	// TakenAgain is that one token was accepted more than once.
	TakenAgain Outcome = "accepted more than once"
	// SentAstray is that it returned a target that is not allowed.
	SentAstray Outcome = "sent to another site"
	// CalledOut is that it fetched a URL which the token named.
	CalledOut Outcome = "called a stranger"
	// Panicked is that it did not survive.
	Panicked Outcome = "panicked"
	// Defused is that it was accepted, and its return target left out or replaced.
	Defused Outcome = "accepted without its target"
	// LockedOut is that a token was refused which should have been accepted before
	// the attack on it.
	LockedOut Outcome = "the member was refused"
	// NotTried is that it lacks what the case is about, and says so.
	NotTried Outcome = "not tried"
)

// Result is how a verifier fared in one case.
type Result struct {
	Case
	Outcome Outcome
	// Detail is the verifier's own error, or what else is to be said.
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

// Harm is the severity of a failed case as it turned out, and empty for a
// passed one.
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
