// Package ssotest plays attacks against a verifier of hand-offs or of pull
// sessions: any, whoever wrote it and on whatever library, as a service does that
// takes the tokens of [amsbridge.SSO] without this module's own verifier.
//
//	func TestAttacks(t *testing.T) {
//		ssotest.Run(t, ssotest.Config{New: func(s ssotest.Setup) (ssotest.Verifier, error) { … }})
//	}
//
// It makes an issuer with keys of its own, and forges: tokens without a
// signature, with one of another key, of another algorithm or of another kind,
// too old, too long, used before, written so that two readers read them
// differently. Each [Case] has a name that stays the same from version to
// version, says why it matters, and whether a verifier that falls for it lets
// somebody in ([Attack]) or is merely looser than the signer ([Lax]). Tokens as
// [amsbridge.SSO] writes them are among the cases too, and must be accepted.
//
// It is for tests only. What is not promised: that a verifier which passes has no
// other fault.
package ssotest
