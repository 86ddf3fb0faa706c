// Package ssotest plays attacks against a verifier of hand-offs or of pull sessions, whoever wrote it
// and with whatever library. It is for services that accept the tokens of [amsbridge.SSO] without this
// module's own verifier.
//
//	func TestAttacks(t *testing.T) {
//		ssotest.Run(t, ssotest.Config{New: func(s ssotest.Setup) (ssotest.Verifier, error) { … }})
//	}
//
// It makes an issuer with its own keys, and forges tokens: without a signature; signed by another key;
// of another algorithm or kind; too old; too long; used before; written so that two readers read them
// differently. Each [Case] has a name that stays the same from version to version. It says why it
// matters, and whether a verifier that fails it lets somebody in ([Attack]) or is only looser than the
// signer ([Lax]). There are also cases of tokens as [amsbridge.SSO] writes them, which must be
// accepted.
//
// It is for tests only. It is not promised that a verifier which passes has no other fault.
package ssotest
