// Package ssokeys holds the keys of hand-offs: signing keys, rings that change them while in use, the
// key set that receivers fetch (JWKS), and the published keys of another issuer.
//
// [Generate], [ParseSigning] and [ParseVerification] make keys. A [Ring] signs for an SSO and is the
// [Source] of a verifier in the same program. [NewJWKS] publishes rings, and a [Remote] is the Source
// of a verifier in another program. No value of this package shows a key, however it is printed or
// encoded.
package ssokeys
